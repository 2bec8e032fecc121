//! What a check found.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::records::census::Record;

/// How many violations are kept; all are counted.
const KEPT: usize = 1_000;

/// A violated rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The stable name of the rule.
    pub kind: &'static str,
    /// The records that it is about; an address is named by its hash.
    pub ids: Vec<String>,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many users there are, including expired ones.
    pub users: u64,
    /// How many logins with a password there are.
    pub logins: u64,
    /// How many addresses are only reserved.
    pub reservations: u64,
    /// How many sessions the table contains.
    pub sessions: u64,
    /// How many administrators are able to sign in.
    pub admins: u64,
    /// Unusual findings that heal by themselves, and how often each occurred.
    pub notes: BTreeMap<&'static str, u64>,
    /// How many violations there are.
    pub violation_count: u64,
    /// The first thousand of them.
    pub violations: Vec<Violation>,
}

impl Report {
    /// Whether there are no violations.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violation_count == 0
    }

    /// The report as JSON, for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let violations: Vec<_> =
            self.violations.iter().map(|violation| json!({ "kind": violation.kind, "ids": violation.ids })).collect();
        json!({
            "users": self.users,
            "logins": self.logins,
            "reservations": self.reservations,
            "sessions": self.sessions,
            "admins": self.admins,
            "notes": self.notes,
            "violation_count": self.violation_count,
            "violations": violations,
        })
    }

    /// The report as text, for people, with a line for each violation.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { users, logins, reservations, sessions, admins, violation_count, .. } = self;
        let mut lines = vec![format!(
            "{users} users, {logins} logins, {reservations} reservations, {sessions} sessions, {admins} administrators"
        )];
        lines.extend(self.notes.iter().map(|(kind, times)| format!("note       {kind}  {times} times")));
        lines.extend(self.violations.iter().map(|one| format!("violation  {}  {}", one.kind, one.ids.join(" "))));
        lines.push(format!("{violation_count} violations"));
        lines.join("\n")
    }

    pub(super) fn count(&mut self, record: &Record) {
        match record {
            Record::User { .. } => self.users += 1,
            Record::Login { .. } => self.logins += 1,
            Record::Reservation { .. } => self.reservations += 1,
            Record::Session(_) => self.sessions += 1,
            Record::Unreadable | Record::Other | Record::Absent => {}
        }
        self.admins += u64::from(is_admin(record));
    }

    pub(super) fn note(&mut self, kind: &'static str) {
        *self.notes.entry(kind).or_default() += 1;
    }

    pub(super) fn add(&mut self, violation: Violation) {
        self.violation_count += 1;
        if self.violations.len() < KEPT {
            self.violations.push(violation);
        }
    }
}

pub(super) fn is_admin(record: &Record) -> bool {
    matches!(record, Record::User { user, .. } if user.is_working_admin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_violations_are_counted_and_a_thousand_kept() {
        let mut report = Report::default();
        for n in 0..1_001 {
            report.add(Violation { kind: "made-up", ids: vec![format!("user:{n}")] });
        }
        assert_eq!((report.violation_count, report.violations.len(), report.is_clean()), (1_001, 1_000, false));
        assert!(report.text().ends_with("1001 violations"));
        assert_eq!(report.json()["violation_count"], 1_001);
    }
}
