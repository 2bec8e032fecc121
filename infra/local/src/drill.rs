//! A drill on a backup: it is restored into an embedded database of its own, which needs no stack.

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

/// Restores the backup at `path`, or the newest in it when it is a folder, and checks the copy.
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
