//! Lists and counts of users.

use serde_json::{Value, json};
use user_core::error::Error;
use user_core::user::{User, UserView};
use user_store::directory::Filter;

use crate::records::census::{Record, Table};
use crate::stage::Stage;

/// How many users are read at once.
const PAGE: usize = 100;

/// Up to `limit` users, newest first.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn list(stage: &Stage, filter: &Filter, limit: usize) -> Result<Vec<User>, Error> {
    let (mut users, mut before) = (Vec::new(), None);
    while users.len() < limit {
        let wanted = PAGE.min(limit - users.len());
        let (page, next) = stage.store.list_users(filter, before, wanted, stage.clock.now()).await?;
        users.extend(page);
        if next.is_none() {
            break;
        }
        before = next;
    }
    Ok(users)
}

/// Users as JSON, for programs.
#[must_use]
pub fn users_json(users: Vec<User>) -> Value {
    users.into_iter().map(|user| json!(UserView::from(user))).collect()
}

/// Users as text, for people, with a line for each.
#[must_use]
pub fn users_table(users: &[User]) -> String {
    let width = users.iter().map(|user| user.email.as_str().chars().count()).max().unwrap_or(0).max(5);
    let ids = users.iter().map(|user| user.id.as_str().len()).max().unwrap_or(0).max(2);
    let mut lines = vec![format!(
        "{:<ids$}  {:<width$}  {:<5}  {:<8}  {:<6}  CREATED",
        "ID", "EMAIL", "ROLE", "VERIFIED", "ACTIVE"
    )];
    let word = |is: bool| if is { "yes" } else { "no" };
    lines.extend(users.iter().map(|user| {
        let (id, email, role) = (user.id.as_str(), user.email.as_str(), user.role.as_str());
        let (verified, active) = (word(user.is_verified), word(user.is_active));
        format!("{id:<ids$}  {email:<width$}  {role:<5}  {verified:<8}  {active:<6}  {}", user.created_at)
    }));
    lines.join("\n")
}

/// Counts of users and sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Users that are not expired.
    pub users: u64,
    /// Users with a verified address.
    pub verified: u64,
    /// Users that expire unless they verify their address.
    pub waiting: u64,
    /// Deactivated users.
    pub inactive: u64,
    /// Administrators who are able to sign in.
    pub admins: u64,
    /// Accounts without a password.
    pub without_password: u64,
    /// Valid sessions.
    pub sessions: u64,
}

impl Stats {
    fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("users", self.users),
            ("verified", self.verified),
            ("waiting", self.waiting),
            ("inactive", self.inactive),
            ("admins", self.admins),
            ("without_password", self.without_password),
            ("sessions", self.sessions),
        ]
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        self.counts().into_iter().map(|(name, count)| (name.to_owned(), json!(count))).collect()
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let line = |(name, count): (&str, u64)| format!("{:<17} {count:>10}", name.replace('_', " "));
        self.counts().into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Counts everything, page by page.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn stats(stage: &Stage) -> Result<Stats, Error> {
    let (mut stats, now) = (Stats::default(), stage.clock.now());
    for table in [Table::Users, Table::Ephemeral] {
        let mut after = None;
        loop {
            let (records, next) = stage.records().records_page(table, after).await?;
            for (_, record) in &records {
                match record {
                    Record::User { user, .. } if !user.is_expired(now) => {
                        stats.users += 1;
                        stats.verified += u64::from(user.is_verified);
                        stats.waiting += u64::from(user.expires_at.is_some());
                        stats.inactive += u64::from(!user.is_active);
                        stats.admins += u64::from(user.is_working_admin());
                    }
                    Record::Login { login, .. } if !login.is_expired(now) => {
                        stats.without_password += u64::from(!login.has_password());
                    }
                    Record::Session(session) => stats.sessions += u64::from(!session.is_expired(now)),
                    _ => {}
                }
            }
            if next.is_none() {
                break;
            }
            after = next;
        }
    }
    Ok(stats)
}
