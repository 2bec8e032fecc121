//! A drill on a backup. It needs no stack: the copy is an embedded database.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use local::Fault;
use local::aws::Aws;
use local::cloudwatch::CloudWatch;
use local::template::Template;
use user_core::clock::Clock;

use super::{Drill, Steps, unless_interrupted};
use crate::check::check_copy;
use crate::stage::Stage;
use crate::transfer::archive::{newest, verify};
use crate::transfer::backup::write_items;
use crate::transfer::is_standard;

/// Restores the backup at `path`, or the newest in it when it is a folder. The copy is removed whatever happens, an interrupt included.
///
/// # Errors
/// When the backup is not whole, or does not say when it was made; when there is no room for the copy; an interrupt.
pub async fn from_file(
    path: &Path,
    environment: &BTreeMap<String, String>,
    hidden: bool,
    interrupt: impl Future<Output = ()>,
) -> Result<Drill, Fault> {
    if is_standard(path) {
        return Err("a drill reads its backup twice, so that it takes a file and not standard input".into());
    }
    let file = newest(path, Clock::System.now())?;
    unless_interrupted(Box::pin(drill(&file, environment, hidden)), interrupt).await
}

async fn drill(file: &Path, environment: &BTreeMap<String, String>, hidden: bool) -> Result<Drill, Fault> {
    let mut steps = Steps::begin();
    let contents = verify(file).await?;
    let made_at = contents.made_at.ok_or("the backup does not say when it was made: a former release wrote it")?;
    let age_seconds = Clock::System.now().since(made_at);
    steps.ended("read");
    let folder = Folder::create()?;
    let stage = copy(&folder.0, environment)?;
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

/// A stage of its own in a folder: the template's tables, whatever the environment says of others.
fn copy(folder: &Path, environment: &BTreeMap<String, String>) -> Result<Stage, Fault> {
    let template = Template::evaluate(|_| None)?;
    let aws = Aws::open(Some(folder), &template, Arc::new(|_| Ok(())), Clock::System, CloudWatch::default())?;
    let known = template.functions().next().map(|(_, _, function)| template.environment(function)).unwrap_or_default();
    let names = known.into_iter().filter(|(name, _)| name.ends_with("_TABLE") || name.ends_with("_SECRET_ID"));
    let mut settings = environment.clone();
    settings.remove("EXISTING_USERS_TABLE");
    settings.remove("EXISTING_SIGNING_SECRET");
    settings.extend(names);
    Stage::local(aws.sdk_config(), &settings)
}

/// A folder for the copy, which holds password hashes: its owner's alone, and gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self, Fault> {
        let folder = std::env::temp_dir().join(format!("userctl-drill-{}", user_core::id::version()?));
        local::folder::create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
