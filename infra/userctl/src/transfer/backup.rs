//! The whole table of record into a file and out of it again, item by item: users, logins, events, marks and counts.

use std::io::Write as _;
use std::path::Path;

use indicatif::ProgressBar;
use local::Fault;
use serde_json::Value;
use user_core::store::backup::ITEMS_AT_ONCE;

use super::read::{TextLines, open};
use super::{Target, is_standard, progress};
use crate::check::count_admins;
use crate::stage::Stage;

/// Writes every item; how many there were. What changes meanwhile is in the file as before or as after, item by item; a backup of one
/// moment is `DynamoDB`'s own.
///
/// # Errors
/// When the file cannot be written or the database does not answer.
pub async fn backup(stage: &Stage, file: &Path, hidden: bool) -> Result<u64, Fault> {
    let mut target = Target::create(file)?;
    let bar = if hidden || is_standard(file) { ProgressBar::hidden() } else { progress::bar(None) };
    let (mut after, mut count) = (None, 0);
    loop {
        let (items, next) = stage.store.items_page(after).await?;
        for item in items {
            writeln!(target, "{item}")?;
            count += 1;
        }
        progress::show(&bar, count, "items");
        if next.is_none() {
            break;
        }
        after = next;
    }
    target.finish()?;
    bar.finish_and_clear();
    Ok(count)
}

/// Writes every item of a file into the table; how many there were. A restore that was cut off is started again with `force`.
///
/// # Errors
/// When there are users and `force` is not set; when a line is no item; when the database does not answer.
pub async fn restore(stage: &Stage, file: &Path, force: bool, hidden: bool) -> Result<u64, Fault> {
    if !force && !stage.store.has_no_users().await? {
        return Err("there are users in the table; --force writes over them".into());
    }
    let opened = open(file)?;
    let bar = if hidden { ProgressBar::hidden() } else { progress::bar(opened.length) };
    let (mut items, mut count) = (Vec::new(), 0);
    for line in TextLines::new(opened.reader) {
        let (number, text) = line?;
        if text.trim().is_empty() {
            continue;
        }
        items.push(serde_json::from_str::<Value>(&text).map_err(|_| format!("line {number} is no JSON"))?);
        count += 1;
        if items.len() == ITEMS_AT_ONCE {
            stage.store.restore_items(&items).await?;
            items.clear();
            bar.set_position(opened.position.load(std::sync::atomic::Ordering::Relaxed));
            progress::show(&bar, count, "items");
        }
    }
    stage.store.restore_items(&items).await?;
    // A backup that was made beside traffic, or written over newer users, may count others.
    stage.store.set_counted_admins(count_admins(stage).await?).await?;
    bar.finish_and_clear();
    Ok(count)
}
