//! A drill on a backup: restores it into a separate embedded database, which needs no stack.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use template::{Fault, Template};
use user_core::clock::Clock;
use userctl::drill::{Drill, from_file};
use userctl::stage::Stage;

use crate::aws::Aws;
use crate::cloudwatch::CloudWatch;

/// Restores the backup at `path` (if it is a folder, the newest backup in it) and checks the copy.
///
/// # Errors
/// As [`from_file`].
pub async fn drill(
    path: &Path,
    environment: &BTreeMap<String, String>,
    hidden: bool,
    interrupt: impl Future<Output = ()>,
) -> Result<Drill, Fault> {
    from_file(path, hidden, interrupt, |folder| copy(folder, environment)).await
}

/// A separate stage in a folder. It has the template's table names, whatever the environment says.
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
