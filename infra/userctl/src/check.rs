//! The check of a whole store: the rules that hold between its items. It needs little memory, whatever the size of the store, and is safe
//! during traffic: what looks wrong is read again, and reported only if it stays wrong.

mod report;
mod rules;

use std::time::Duration;

use futures::future::try_join_all;
use user_core::error::Error;

use crate::records::census::{Place, Record, Table};
use crate::stage::Stage;

use rules::judge;

pub use report::{Report, Violation};

/// How many records are judged concurrently.
const AT_ONCE: usize = 16;

/// How long to wait before a suspicious record is read again, one entry for each attempt.
const WAITS: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(900)];

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Everything.
    Whole,
    /// A copy of the users table, without the sessions and messages that belong to it.
    Copy,
}

/// Checks every user, login and session of the stage.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn check(stage: &Stage) -> Result<Report, Error> {
    check_in(stage, Scope::Whole).await
}

/// Checks every user and login of a stage whose users table is a copy, with the rules that need no other table.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn check_copy(stage: &Stage) -> Result<Report, Error> {
    check_in(stage, Scope::Copy).await
}

async fn check_in(stage: &Stage, scope: Scope) -> Result<Report, Error> {
    let mut report = Report::default();
    let tables: &[_] = if scope == Scope::Whole { &[Table::Users, Table::Ephemeral] } else { &[Table::Users] };
    for table in tables {
        let mut after = None;
        loop {
            let (records, next) = stage.records().records_page(*table, after).await?;
            check_page(stage, scope, &records, &mut report).await?;
            if next.is_none() {
                break;
            }
            after = next;
        }
    }
    check_admins(stage, &mut report).await?;
    Ok(report)
}

async fn check_page(
    stage: &Stage,
    scope: Scope,
    records: &[(Place, Record)],
    report: &mut Report,
) -> Result<(), Error> {
    let mut suspects = Vec::new();
    for some in records.chunks(AT_ONCE) {
        let judged = try_join_all(some.iter().map(|(place, record)| judge(stage, scope, place, record))).await?;
        for ((place, record), judgement) in some.iter().zip(judged) {
            report.count(record);
            judgement.notes.into_iter().for_each(|note| report.note(note));
            if !judgement.violations.is_empty() {
                suspects.push((place, judgement.violations));
            }
        }
    }
    for wait in WAITS {
        if suspects.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
        for (place, violations) in &mut suspects {
            let record = stage.records().record_at(place).await?;
            let again = judge(stage, scope, place, &record).await?.violations;
            violations.retain(|violation| again.contains(violation));
        }
        suspects.retain(|(_, violations)| !violations.is_empty());
    }
    suspects.into_iter().flat_map(|(_, violations)| violations).for_each(|violation| report.add(violation));
    Ok(())
}

/// Compares the count of administrators with the administrators. Traffic may change both, so both are counted again if they differ.
async fn check_admins(stage: &Stage, report: &mut Report) -> Result<(), Error> {
    let mut counted = stage.store.counted_admins().await?;
    for wait in WAITS {
        if agree(report.admins, counted) {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
        let before = stage.store.counted_admins().await?;
        report.admins = count_admins(stage).await?;
        counted = stage.store.counted_admins().await?;
        if agree(report.admins, before) {
            return Ok(());
        }
    }
    if !agree(report.admins, counted) {
        let ids = vec![format!("working:{counted}"), format!("found:{}", report.admins)];
        report.add(Violation { kind: rules::ADMIN_COUNT, ids });
    }
    Ok(())
}

fn agree(found: u64, counted: i64) -> bool {
    u64::try_from(counted) == Ok(found)
}

pub(crate) async fn count_admins(stage: &Stage) -> Result<u64, Error> {
    let (mut admins, mut after) = (0, None);
    loop {
        let (records, next) = stage.records().records_page(Table::Users, after).await?;
        for (_, record) in &records {
            admins += u64::from(report::is_admin(record));
        }
        if next.is_none() {
            return Ok(admins);
        }
        after = next;
    }
}
