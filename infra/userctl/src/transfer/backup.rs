//! Writes the users table to a file and restores it, item by item: users, logins, events, marks and counts.

use std::path::Path;
use std::sync::atomic::Ordering;

use indicatif::ProgressBar;
use template::Fault;

use super::archive::{Archive, Writer, verify};
use super::{Target, is_standard, progress};
use crate::check::count_admins;
use crate::records::backup::ITEMS_AT_ONCE;
use crate::stage::Stage;

/// Writes every item, and returns how many there were. An item that changes meanwhile is written as before or as after the change; only
/// `DynamoDB`'s own backup shows a single point in time.
///
/// # Errors
/// If the file cannot be written or the database does not answer.
pub async fn backup(stage: &Stage, file: &Path, hidden: bool) -> Result<u64, Fault> {
    let mut writer = Writer::begin(Target::create(file)?, stage.clock.now())?;
    let bar = if hidden || is_standard(file) { ProgressBar::hidden() } else { progress::bar(None) };
    let mut after = None;
    loop {
        let (items, next) = stage.records().items_page(after).await?;
        items.iter().try_for_each(|item| writer.item(item))?;
        progress::show(&bar, writer.items(), "items");
        if next.is_none() {
            break;
        }
        after = next;
    }
    let count = writer.items();
    writer.end()?.finish()?;
    bar.finish_and_clear();
    Ok(count)
}

/// Writes every item of a backup into the table, and returns how many there were. A file is read to its end before the first item is
/// written, so that a damaged one changes nothing. An interrupted restore is started again with `force`.
///
/// # Errors
/// If there are users and `force` is not set, if the backup is not complete, or if the database does not answer.
pub async fn restore(stage: &Stage, file: &Path, force: bool, hidden: bool) -> Result<u64, Fault> {
    if !force && !stage.records().has_no_users().await? {
        return Err("there are users in the table; --force writes over them".into());
    }
    if !is_standard(file) {
        verify(file).await?;
    }
    write_items(stage, file, hidden).await
}

/// Writes the items of a backup that was verified before, or is read from standard input.
pub(crate) async fn write_items(stage: &Stage, file: &Path, hidden: bool) -> Result<u64, Fault> {
    let mut archive = Archive::open(file)?;
    let bar = if hidden { ProgressBar::hidden() } else { progress::bar(archive.length) };
    let (mut items, mut count) = (Vec::new(), 0);
    while let Some(item) = archive.next()? {
        items.push(item);
        count += 1;
        if items.len() == ITEMS_AT_ONCE {
            stage.records().restore_items(&items).await?;
            items.clear();
            bar.set_position(archive.position.load(Ordering::Relaxed));
            progress::show(&bar, count, "items");
        }
    }
    stage.records().restore_items(&items).await?;
    // The count may be wrong after a backup during traffic, or a restore over newer users.
    stage.records().set_counted_admins(count_admins(stage).await?).await?;
    bar.finish_and_clear();
    Ok(count)
}
