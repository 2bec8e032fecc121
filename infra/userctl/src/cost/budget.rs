//! The database use of each piece of work in its ordinary success case: the only table of these numbers. `tests/api/cost.rs` measures every
//! row and fails until the row is right.
//!
//! A call is measured as the first of its sender in two minutes, at an instance that has read nothing in that time. So the numbers include
//! all periodic work: the check whether the keys are in force (every two seconds), the counter of the minute before (every minute) and the
//! record that a session was used (every minute). Calls that follow immediately use less.

use std::fmt;

/// The database use of a piece of work.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Database calls.
    pub calls: u32,
    /// How many of them run one after the other; the others run concurrently with those.
    pub trips: u32,
    /// Read units.
    pub reads: f64,
    /// Write units, including those of indexes.
    pub writes: f64,
    /// Messages that it writes to the outbox for a known user.
    pub messages: u32,
    /// Messages that somebody requested by address; the mailer finds out which user they are for.
    pub asked: u32,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// A method and a path of the template, or a description of background work.
    pub name: &'static str,
    /// The database use.
    pub work: Work,
    /// How many password hashes it computes; not measured.
    pub hashes: u32,
}

const fn row(name: &'static str, calls: u32, trips: u32, reads: f64, writes: f64) -> Row {
    Row { name, work: Work { calls, trips, reads, writes, messages: 0, asked: 0 }, hashes: 0 }
}

impl Row {
    const fn messages(mut self, messages: u32) -> Self {
        self.work.messages = messages;
        self
    }

    const fn asked(mut self, messages: u32) -> Self {
        self.work.asked = messages;
        self
    }

    const fn hashes(mut self, hashes: u32) -> Self {
        self.hashes = hashes;
        self
    }
}

/// The row of this name in `rows`.
#[must_use]
pub fn find(rows: &'static [Row], name: &str) -> Option<&'static Row> {
    rows.iter().find(|row| row.name == name)
}

/// A row in the syntax of this file.
#[must_use]
pub fn line(name: &str, work: &Work, hashes: u32) -> String {
    let more = [("messages", work.messages), ("asked", work.asked), ("hashes", hashes)];
    let more = more.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!(".{word}({count})"));
    format!("row({name:?}, {work}){},", more.collect::<String>())
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {:.1}, {:.1}", self.calls, self.trips, self.reads, self.writes)
    }
}

/// The routes of the template: calls, trips, read units, write units. `HEAD` counts as `GET`.
pub const ROUTES: &[Row] = &[
    row("POST /api/v1/auth/signup", 3, 2, 0.5, 12.0).messages(1).hashes(1),
    row("POST /api/v1/auth/verify", 5, 4, 2.5, 9.0),
    row("POST /api/v1/auth/resend-verification", 3, 2, 0.5, 3.0).asked(1),
    row("POST /api/v1/auth/login", 9, 3, 6.0, 4.0).hashes(1),
    row("POST /api/v1/auth/refresh", 5, 2, 2.5, 2.0),
    row("POST /api/v1/auth/step-up", 10, 4, 8.0, 4.0).hashes(1),
    row("POST /api/v1/auth/logout", 3, 2, 0.5, 2.0),
    row("POST /api/v1/auth/logout-all", 6, 3, 3.5, 9.0),
    row("POST /api/v1/auth/forgot-password", 3, 2, 0.5, 3.0).asked(1),
    row("POST /api/v1/auth/reset-password", 6, 4, 2.5, 12.0).messages(1).hashes(1),
    row("POST /api/v1/auth/confirm-email", 10, 7, 7.5, 16.0).messages(1),
    row("POST /api/v1/auth/revert-email", 6, 5, 3.5, 16.0).messages(2),
    row("POST /api/v1/users/me/email", 10, 5, 8.0, 14.0).messages(2).hashes(1),
    row("PUT /api/v1/users/me/password", 9, 4, 7.0, 15.0).messages(1).hashes(2),
    row("DELETE /api/v1/users/me", 12, 7, 9.0, 13.0).hashes(1),
    row("GET /api/v1/me", 5, 2, 3.5, 2.0),
    row("GET /api/v1/users/me", 5, 2, 3.5, 2.0),
    row("PATCH /api/v1/users/me", 6, 3, 3.5, 4.0),
    row("GET /api/v1/users/me/sessions", 6, 3, 4.5, 2.0),
    row("DELETE /api/v1/users/me/sessions/{session_id}", 6, 3, 3.5, 3.0),
    row("GET /api/v1/users", 13, 3, 7.5, 2.0),
    row("GET /api/v1/users/{user_id}", 6, 3, 4.5, 2.0),
    row("PATCH /api/v1/users/{user_id}", 7, 4, 4.5, 4.0),
    row("PUT /api/v1/users/{user_id}", 7, 4, 4.5, 4.0),
    row("DELETE /api/v1/users/{user_id}", 9, 6, 5.5, 12.0),
    row("GET /api/v1/users/{user_id}/events", 6, 3, 4.5, 2.0),
    row("GET /api/v1/users/{user_id}/sessions", 7, 3, 5.5, 2.0),
    row("DELETE /api/v1/users/{user_id}/sessions", 7, 4, 4.5, 9.0),
    row("PATCH /api/v1/users/{user_id}/role", 7, 4, 4.5, 11.0),
    row("PUT /api/v1/users/{user_id}/role", 7, 4, 4.5, 11.0),
    row("GET /api/v1/health", 0, 0, 0.0, 0.0),
    row("GET /api/v1/health/db", 1, 1, 0.5, 0.0),
    row("GET /api/v1/health/cache", 3, 3, 1.0, 2.0),
    row("GET /api/v1/health/full", 7, 3, 3.5, 2.0),
    row("GET /.well-known/jwks.json", 1, 1, 1.0, 0.0),
    row("GET /.well-known/openid-configuration", 1, 1, 1.0, 0.0),
    row("GET /docs", 0, 0, 0.0, 0.0),
    row("GET /docs/{asset}", 0, 0, 0.0, 0.0),
    row("GET /metrics", 0, 0, 0.0, 0.0),
    row("GET /openapi.json", 0, 0, 0.0, 0.0),
    row("GET /redoc", 0, 0, 0.0, 0.0),
    row("$default", 0, 0, 0.0, 0.0),
];

/// The mailer sends a message to a user that the message names.
pub const MESSAGE: &str = "mailer: a message";
/// The mailer sends a message that somebody requested by address.
pub const ASKED: &str = "mailer: a message that was asked for";
/// The mailer's run every minute, if no message is due for a retry.
pub const LOOK: &str = "mailer: a look for messages to be tried again";
/// Cleanup's run every hour, if no user is overdue.
pub const NOTHING: &str = "cleanup: a run with nobody to remove";
/// The same with one user to remove.
pub const ONE: &str = "cleanup: a run with one user to remove";

/// Background work. Each row is one invocation of its function.
pub const BACKGROUND: &[Row] = &[
    row("mailer: a message", 5, 4, 3.0, 5.0),
    row("mailer: a message that was asked for", 8, 7, 5.0, 6.0),
    row(LOOK, 9, 2, 5.0, 0.0),
    row(NOTHING, 10, 2, 4.5, 1.0),
    row(ONE, 11, 3, 4.5, 7.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_as_it_stands_in_the_table() {
        let source = include_str!("budget.rs");
        for row in ROUTES {
            assert!(source.contains(&format!("    {}\n", line(row.name, &row.work, row.hashes))), "{}", row.name);
        }
    }
}
