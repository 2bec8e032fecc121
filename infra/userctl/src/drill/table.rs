//! A drill on the users table itself: `DynamoDB` restores it at a point in time, as a new table.

use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_dynamodb::primitives::DateTime;
use aws_sdk_dynamodb::types::{
    PointInTimeRecoveryDescription, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, TableStatus,
    TimeToLiveSpecification,
};
use indicatif::ProgressBar;
use template::Fault;
use user_core::clock::Timestamp;
use user_core::id::random;

use super::{Drill, Steps, unless_interrupted};
use crate::check::check_copy;
use crate::stage::Stage;
use crate::transfer::progress;

/// The longest name of a table, in bytes.
const NAME_BYTES: usize = 255;

/// What to restore, and how.
#[derive(Debug, Clone)]
pub struct From {
    /// The point in time; without it, the latest that can be restored.
    pub at: Option<Timestamp>,
    /// Whether to keep the copy and make it ready to be a stack's users table.
    pub keep: bool,
    /// How long to wait between two looks at the progress of the restore.
    pub poll: Duration,
    /// Whether to show no progress.
    pub hidden: bool,
}

/// Restores the users table at a point in time, as a new table, and checks the copy. The copy is removed in any case, also after an
/// interrupt, unless it is to be kept.
///
/// # Errors
/// If the table has no point-in-time recovery for that time, if AWS refuses, or after an interrupt.
pub async fn from_table(stage: &Stage, from: &From, interrupt: impl Future<Output = ()>) -> Result<Drill, Fault> {
    let (client, table) = (Client::new(&stage.sdk), stage.config.users_table.as_str());
    let mut steps = Steps::begin();
    let recovery = recovery(&client, table).await?;
    let made_at = moment(&recovery, from.at)?;
    let copy = name_of(table, made_at, &token()?);
    if let Err(fault) = start(&client, table, &copy, from.at).await {
        // The answer may have been lost although the copy exists.
        if client.describe_table().table_name(&copy).send().await.is_ok() {
            let removed = remove(&client, &copy, from).await;
            removed.map_err(|left| format!("{fault}; the copy {copy} was not removed: {left}"))?;
        }
        return Err(fault);
    }
    let age_seconds = stage.clock.now().since(made_at);
    let examined = unless_interrupted(
        async {
            wait(&client, &copy, "is being restored", from).await?;
            steps.ended("restore");
            let report = check_copy(&stage.on_users(&copy)?).await?;
            steps.ended("check");
            Ok(report)
        },
        interrupt,
    );
    let examined = Box::pin(examined).await;
    let kept = if from.keep && examined.is_ok() {
        make_ready(&client, table, &copy).await.map_err(|fault| format!("the copy {copy} is there: {fault}"))?;
        Some(copy)
    } else {
        remove(&client, &copy, from).await.map_err(|fault| format!("the copy {copy} was not removed: {fault}"))?;
        steps.ended("remove");
        None
    };
    let report = examined?;
    let source = format!("table {table}");
    Ok(Drill { source, made_at, age_seconds, items: None, steps: steps.done, report, kept })
}

/// The period for which the table can be restored.
async fn recovery(client: &Client, table: &str) -> Result<PointInTimeRecoveryDescription, Fault> {
    let described = client.describe_continuous_backups().table_name(table).send().await.map_err(refused)?;
    let description = described.continuous_backups_description;
    let recovery = description.and_then(|description| description.point_in_time_recovery_description);
    let recovery =
        recovery.filter(|recovery| recovery.point_in_time_recovery_status == Some(PointInTimeRecoveryStatus::Enabled));
    recovery.ok_or_else(|| format!("point-in-time recovery of {table} is off").into())
}

/// The point in time that the copy will show.
fn moment(recovery: &PointInTimeRecoveryDescription, at: Option<Timestamp>) -> Result<Timestamp, Fault> {
    let seconds = |moment: Option<DateTime>| moment.map(|moment| Timestamp(moment.secs()));
    let earliest = seconds(recovery.earliest_restorable_date_time);
    let latest = seconds(recovery.latest_restorable_date_time);
    let (Some(earliest), Some(latest)) = (earliest, latest) else {
        return Err("nothing can be restored yet: point-in-time recovery has just begun".into());
    };
    match at {
        Some(at) if at < earliest || at > latest => {
            Err(format!("the table can be restored to a moment from {earliest} to {latest}").into())
        }
        at => Ok(at.unwrap_or(latest)),
    }
}

/// A random suffix that tells the copies of two drills apart.
fn token() -> Result<String, Fault> {
    Ok(random::<4>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The name of a copy: the name of the table, the point in time, and the token.
fn name_of(table: &str, made_at: Timestamp, token: &str) -> String {
    let plain = |moment: Timestamp| moment.to_string().replace(['-', ':'], "");
    let suffix = format!("-drill-{}-{token}", plain(made_at));
    format!("{}{suffix}", &table[..table.len().min(NAME_BYTES - suffix.len())])
}

async fn start(client: &Client, table: &str, copy: &str, at: Option<Timestamp>) -> Result<(), Fault> {
    let restore = client.restore_table_to_point_in_time().source_table_name(table).target_table_name(copy);
    let restore = match at {
        Some(at) => restore.restore_date_time(DateTime::from_secs(at.0)),
        None => restore.use_latest_restorable_time(true),
    };
    match restore.send().await {
        // The name belongs to this drill alone, so an answer was lost and the call was repeated.
        Err(error) if error.code() == Some("TableAlreadyExistsException") => Ok(()),
        outcome => outcome.map(drop).map_err(refused),
    }
}

/// Waits until a table can be used, and shows meanwhile how long it has taken.
async fn wait(client: &Client, table: &str, words: &str, from: &From) -> Result<(), Fault> {
    let bar = if from.hidden { ProgressBar::hidden() } else { progress::bar(None) };
    loop {
        let described = client.describe_table().table_name(table).send().await.map_err(refused)?;
        let described = described.table.ok_or("a table is not described")?;
        let restoring = described.restore_summary.is_some_and(|summary| summary.restore_in_progress);
        if described.table_status == Some(TableStatus::Active) && !restoring {
            bar.finish_and_clear();
            return Ok(());
        }
        bar.set_message(format!("{table} {words}, {} s", bar.elapsed().as_secs()));
        tokio::time::sleep(from.poll).await;
    }
}

/// Removes a copy, which is not possible while it is being restored.
async fn remove(client: &Client, copy: &str, from: &From) -> Result<(), Fault> {
    wait(client, copy, "is removed once it is restored", from).await?;
    client.delete_table().table_name(copy).send().await.map_err(refused)?;
    Ok(())
}

/// Gives a restored table the settings of the template's table that `DynamoDB` does not restore.
async fn make_ready(client: &Client, table: &str, copy: &str) -> Result<(), Fault> {
    let described = client.describe_time_to_live().table_name(table).send().await.map_err(refused)?;
    if let Some(attribute) = described.time_to_live_description.and_then(|expiry| expiry.attribute_name) {
        let expiry = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build()?;
        client
            .update_time_to_live()
            .table_name(copy)
            .time_to_live_specification(expiry)
            .send()
            .await
            .map_err(refused)?;
    }
    let recovery = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build()?;
    let update = client.update_continuous_backups().table_name(copy);
    update.point_in_time_recovery_specification(recovery).send().await.map_err(refused)?;
    client.update_table().table_name(copy).deletion_protection_enabled(true).send().await.map_err(refused)?;
    Ok(())
}

/// The error of AWS, in a sentence.
fn refused<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static>(error: E) -> Fault {
    let code = error.code().unwrap_or("no answer").to_owned();
    match error.message() {
        Some(message) => format!("{code}: {message}").into(),
        None => format!("{}", DisplayErrorContext(error)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_bears_the_tables_name_and_the_moment_and_never_too_many_bytes() {
        let made_at = Timestamp(1_795_420_800);
        assert_eq!(name_of("users", made_at, "6b03f400"), "users-drill-20261123T080000Z-6b03f400");
        assert_eq!(name_of(&"u".repeat(255), made_at, &token().unwrap()).len(), 255);
        assert_ne!(token().unwrap(), token().unwrap());
    }
}
