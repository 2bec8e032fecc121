//! A drill on a backup, in a database that the caller opens for it.

use std::future::Future;
use std::path::{Path, PathBuf};

use template::Fault;
use user_core::clock::Clock;

use super::{Drill, Steps, unless_interrupted};
use crate::check::check_copy;
use crate::stage::Stage;
use crate::transfer::archive::{newest, verify};
use crate::transfer::backup::write_items;
use crate::transfer::is_standard;

/// Restores the backup at `path` (if it is a folder, the newest backup in it) into what `copy` opens in a folder. The copy is removed in
/// any case, also after an interrupt.
///
/// # Errors
/// If the backup is not complete or does not say when it was made, if there is no room for the copy, or after an interrupt.
pub async fn from_file(
    path: &Path,
    hidden: bool,
    interrupt: impl Future<Output = ()>,
    copy: impl FnOnce(&Path) -> Result<Stage, Fault>,
) -> Result<Drill, Fault> {
    if is_standard(path) {
        return Err("a drill reads its backup twice, so that it takes a file and not standard input".into());
    }
    let file = newest(path, Clock::System.now())?;
    unless_interrupted(Box::pin(drill(&file, hidden, copy)), interrupt).await
}

async fn drill(file: &Path, hidden: bool, copy: impl FnOnce(&Path) -> Result<Stage, Fault>) -> Result<Drill, Fault> {
    let mut steps = Steps::begin();
    let contents = verify(file).await?;
    let made_at = contents.made_at.ok_or("the backup does not say when it was made: a former release wrote it")?;
    let age_seconds = Clock::System.now().since(made_at);
    steps.ended("read");
    let folder = Folder::create()?;
    let stage = copy(&folder.0)?;
    let items = write_items(&stage, file, hidden).await?;
    steps.ended("restore");
    let report = check_copy(&stage).await?;
    steps.ended("check");
    // The database closes its files before they are removed.
    drop(stage);
    drop(folder);
    steps.ended("remove");
    let source = file.display().to_string();
    Ok(Drill { source, made_at, age_seconds, items: Some(items), steps: steps.done, report, kept: None })
}

/// A folder for the copy, which contains password hashes: only its owner has access, and it is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self, Fault> {
        let folder = std::env::temp_dir().join(format!("userctl-drill-{}", user_core::id::version()?));
        folder::create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
