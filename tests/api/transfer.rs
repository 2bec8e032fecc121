//! Users in files: an import restores what was exported, also after an interruption, and users with hashes of other services can sign in.

mod exchange;
mod foreign;
mod operator;
mod rejects;

use std::path::{Path, PathBuf};

use userctl::transfer::Format;
use userctl::transfer::export::export;
use userctl::transfer::import::{Plan, Source, Summary, import};

use crate::support::{Folder, TestApp};

/// A hash of [`crate::support::PASSWORD`] by passlib.
const BCRYPT: &str = "$2b$04$S..3fgVvzqpvloFYCE0xRu/GWtpyJbTQ6r990EtXPUbY.jA3eSQuC";

fn plan(file: &Path, source: Source) -> Plan {
    let rejects = file.with_extension("rejected");
    let file = file.to_owned();
    Plan { file, source, rejects, dry_run: false, expire_unverified: false, drop_unknown_hashes: false }
}

async fn run(app: &TestApp, plan: &Plan) -> Summary {
    Box::pin(import(&app.stage(), plan, true)).await.unwrap()
}

/// Imports a text.
async fn import_text(app: &TestApp, text: &str, source: Source) -> (Summary, Vec<(u64, String)>) {
    let folder = Folder::new();
    let file = folder.path().join("users");
    std::fs::write(&file, text).unwrap();
    let plan = plan(&file, source);
    let summary = run(app, &plan).await;
    (summary, rejected(&plan))
}

/// The rejected lines, with their codes.
fn rejected(plan: &Plan) -> Vec<(u64, String)> {
    let text = std::fs::read_to_string(&plan.rejects).unwrap_or_default();
    assert!(!text.contains("$2b$"), "no hash is told");
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.map(|line| (line["line"].as_u64().unwrap(), line["code"].as_str().unwrap().to_owned())).collect()
}

async fn exported(app: &TestApp, folder: &Folder, name: &str, format: Format) -> (PathBuf, String) {
    let file = folder.path().join(name);
    Box::pin(export(&app.stage(), &file, format, true)).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    (file, text)
}

/// A line of an export.
fn line(n: u32, hash: &str) -> String {
    let role = if n.is_multiple_of(50) { "admin" } else { "user" };
    let (created, verified) = (1_700_000_000 + u64::from(n / 3), n % 5 != 1);
    format!(
        "{{\"id\":\"old-{n}\",\"email\":\"User{n}@example.com\",\"password_hash\":\"{hash}\",\"first_name\":\"\u{00C4}nn, \\\"{n}\\\"\",\
         \"role\":\"{role}\",\"is_verified\":{verified},\"is_active\":true,\"created_at\":\"{created}\",\"language\":\"de\"}}\n"
    )
}

fn lines(count: u32) -> String {
    (0..count).map(|n| line(n, BCRYPT)).collect()
}
