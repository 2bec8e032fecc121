//! Exports users from the store to a file, in the order of sign-up and identifier, so that the same users give the same bytes.

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;

use indicatif::ProgressBar;
use template::Fault;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::user::User;
use user_store::Store;

use super::formula::guarded;
use super::row::Row;
use super::{Format, Target, progress};
use crate::records::Records;
use crate::records::export::{LOGINS_AT_ONCE, SHARDS};
use crate::stage::Stage;

/// Writes every user with its hash, and returns how many there were. Expired users are left out. Users that change meanwhile are written as
/// before or as after the change.
///
/// # Errors
/// If the file cannot be written or the database does not answer.
pub async fn export(stage: &Stage, file: &Path, format: Format, hidden: bool) -> Result<u64, Fault> {
    let mut target = Target::create(file)?;
    let bar = if hidden || super::is_standard(file) { ProgressBar::hidden() } else { progress::bar(None) };
    let mut writer = Writer::new(&mut target, format);
    let (mut merge, mut count) = (Merge::new(), 0);
    loop {
        let users = merge.next_many(&stage.store, stage.clock.now()).await?;
        if users.is_empty() {
            break;
        }
        for both in stage.records().with_logins(users).await? {
            writer.write(Row::from(both))?;
            count += 1;
        }
        progress::show(&bar, count, "users");
    }
    writer.finish()?;
    target.finish()?;
    bar.finish_and_clear();
    Ok(count)
}

enum Writer<'a> {
    Jsonl(&'a mut Target),
    Csv(Box<csv::Writer<&'a mut Target>>),
}

impl<'a> Writer<'a> {
    fn new(target: &'a mut Target, format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl(target),
            Format::Csv => Self::Csv(Box::new(csv::Writer::from_writer(target))),
        }
    }

    fn write(&mut self, row: Row) -> Result<(), Fault> {
        match self {
            Self::Jsonl(target) => {
                serde_json::to_writer(&mut **target, &row)?;
                target.write_all(b"\n")?;
            }
            Self::Csv(writer) => writer.serialize(row.with_texts(guarded))?,
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Fault> {
        match self {
            Self::Jsonl(target) => target.flush()?,
            Self::Csv(mut writer) => writer.flush()?,
        }
        Ok(())
    }
}

/// One shard of the index, as far as it was read.
struct Shard {
    number: u64,
    users: VecDeque<(String, User)>,
    after: Option<String>,
    ended: bool,
}

/// Merges all shards into one order.
struct Merge(Vec<Shard>);

impl Merge {
    fn new() -> Self {
        let shard = |number| Shard { number, users: VecDeque::new(), after: None, ended: false };
        Self((0..SHARDS).map(shard).collect())
    }

    /// The next users that are not expired; none at the end.
    async fn next_many(&mut self, store: &Store, now: Timestamp) -> Result<Vec<User>, Error> {
        let mut users = Vec::with_capacity(LOGINS_AT_ONCE);
        while users.len() < LOGINS_AT_ONCE {
            match self.next(store).await? {
                Some(user) if user.is_expired(now) => {}
                Some(user) => users.push(user),
                None => break,
            }
        }
        Ok(users)
    }

    async fn next(&mut self, store: &Store) -> Result<Option<User>, Error> {
        for shard in &mut self.0 {
            while shard.users.is_empty() && !shard.ended {
                let page = Records(store).users_after(shard.number, shard.after.as_deref()).await?;
                shard.ended = page.next.is_none();
                shard.after = page.next;
                shard.users = page.users.into();
            }
        }
        let first = self.0.iter_mut().filter(|shard| !shard.users.is_empty());
        let first = first.min_by(|a, b| place(a).cmp(&place(b)));
        Ok(first.and_then(|shard| shard.users.pop_front()).map(|(_, user)| user))
    }
}

fn place(shard: &Shard) -> Option<&str> {
    shard.users.front().map(|(place, _)| place.as_str())
}
