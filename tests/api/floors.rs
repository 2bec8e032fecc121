//! The structure: the dependencies of each package, the length of files, and that no deployed function contains anything that only a
//! developer's machine needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

#[test]
fn no_file_is_long_and_half_of_them_are_short() {
    let mut lengths: Vec<_> = ["shared", "functions", "infra", "tests"]
        .iter()
        .flat_map(|folder| sources(folder))
        .map(|(path, text)| (text.lines().count(), path))
        .collect();
    lengths.sort();
    let (longest, path) = lengths.last().unwrap();
    assert!(*longest <= 300, "{} has {longest} lines", path.display());
    assert!(lengths[lengths.len() / 2].0 <= 115);
}

/// Code that is linked for size is not vectorised, which doubles the time of argon2, whatever its own optimisation level is.
#[test]
fn programs_that_hash_passwords_are_linked_for_speed() {
    let levels = include_str!("../../Cargo.toml").split("[profile.release.package]").nth(1).unwrap();
    for program in ["auth-program", "local", "argon2", "blake2"] {
        assert!(levels.contains(&format!("\n{program} = {{ opt-level = 3")), "{program}");
    }
}

fn cargo(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// The names of all packages that a package is linked with when it is built by itself.
fn linked(package: &str) -> BTreeSet<String> {
    let tree =
        cargo(&["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    tree.lines().skip(1).filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

const FUNCTIONS: [&str; 10] =
    ["auth-program", "users", "health", "discovery", "docs", "metrics", "mailer", "feedback", "cleanup", "rotation"];

#[test]
fn what_touches_no_data_is_linked_with_no_sdk() {
    for name in ["guess", "user-core", "user-config", "user-telemetry", "user-web", "user-runtime", "docs"] {
        let sdk: Vec<_> = linked(name).into_iter().filter(|name| name.starts_with("aws-")).collect();
        assert_eq!(sdk, Vec::<String>::new(), "{name}");
    }
    for name in ["guess", "user-core"] {
        let reached = linked(name);
        assert!(["axum", "tokio", "tracing", "http"].iter().all(|io| !reached.contains(*io)), "{name}: {reached:?}");
    }
    assert!(linked("users").contains("aws-sdk-dynamodb"), "the list is read");
}

#[test]
fn a_deployed_function_holds_no_other_and_no_emulator_and_only_two_know_how_mail_is_sent() {
    for function in FUNCTIONS {
        let reached = linked(function);
        let own = function.trim_end_matches("-program");
        for other in FUNCTIONS.into_iter().chain(["auth"]).filter(|other| *other != own) {
            assert!(!reached.contains(other), "{function} reaches {other}");
        }
        for local in ["dynoxide-rs", "rusqlite", "local", "userctl", "clap"] {
            assert!(!reached.contains(local), "{function} reaches {local}");
        }
        // Health checks whether an email would be accepted; its role does not allow it to send one.
        assert_eq!(reached.contains("transport"), ["mailer", "health"].contains(&function), "{function}");
    }
    assert!(!linked("userctl").contains("dynoxide-rs") && linked("local").contains("dynoxide-rs"));
}

#[test]
fn the_log_level_is_about_the_crates_of_this_workspace() {
    let silent = ["userctl", "auth-program", "coffee-shop-users"];
    let metadata = cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let own = metadata["packages"].as_array().unwrap().iter().filter_map(|package| package["name"].as_str());
    let own: BTreeSet<_> = own.filter(|name| !silent.contains(name)).map(|name| name.replace('-', "_")).collect();
    assert_eq!(own, user_telemetry::log::LOGGED_CRATES.map(str::to_owned).into_iter().collect());
}
