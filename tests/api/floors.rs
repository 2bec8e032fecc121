//! The structure: imports go down the floors, files stay small, and nothing of a developer's machine is in a deployed function.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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

/// The code of a file, without comments and tests.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn names(text: &str, word: &str) -> bool {
    code(text).contains(word)
}

/// The floor of a file of `user-core`: the first folder or file below `src`.
fn floor(path: &Path) -> u8 {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("shared/src")).unwrap();
    match below.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs") {
        "lib" => 9,
        "lambda" => 5,
        "http" => 4,
        "app" => 3,
        "https" | "store" => 2,
        _ => 1,
    }
}

#[test]
fn imports_of_the_core_go_down_only() {
    let above =
        [("crate::lambda", 5), ("crate::http:", 4), ("crate::app", 3), ("crate::https", 2), ("crate::store", 2)];
    for (path, text) in sources("shared/src").into_iter().filter(|(path, _)| !path.ends_with("tests.rs")) {
        for (module, of) in above {
            assert!(floor(&path) >= of || !names(&text, module), "{} names {module}", path.display());
        }
        for module in ["lambda", "http", "app", "https", "store"] {
            let listed =
                code(&text).lines().any(|line| line.trim_start().starts_with("use crate::{") && line.contains(module));
            assert!(!listed, "{} names {module} in a list: name it in a line of its own", path.display());
        }
    }
}

#[test]
fn each_floor_names_only_its_own_libraries() {
    for (path, text) in sources("shared/src") {
        let floor = floor(&path);
        let never = |words: &[&str]| {
            for word in words {
                assert!(!names(&text, word), "{} names {word}", path.display());
            }
        };
        match floor {
            1 => never(&["aws_sdk_", "axum", "lambda_http", "lambda_runtime"]),
            2 => never(&["axum", "lambda_http", "lambda_runtime"]),
            4 => never(&["aws_sdk_"]),
            _ => {}
        }
    }
}

#[test]
fn functions_know_nothing_of_each_other() {
    let functions =
        ["auth", "users", "health", "discovery", "docs", "fleet", "mailer", "feedback", "cleanup", "rotation"];
    for (path, text) in sources("functions") {
        for other in functions.iter().filter(|name| !path.to_str().unwrap().contains(&format!("functions/{name}/"))) {
            assert!(!names(&text, &format!("use {other}::")), "{} uses {other}", path.display());
        }
    }
}

#[test]
fn the_log_level_is_about_the_crates_of_this_workspace() {
    let own = include_str!("../../Cargo.toml").lines().filter(|line| line.contains("{ path = "));
    let own: BTreeSet<_> = own.filter_map(|line| line.split(" = ").next()).map(|name| name.replace('-', "_")).collect();
    let silent = BTreeSet::from(["userctl".to_owned()]);
    let logged = user_core::log::LOGGED_CRATES.map(str::to_owned).into_iter().collect();
    assert_eq!(&own - &silent, logged);
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

/// What is linked for size is not vectorised, and argon2 then takes twice the time, whatever its own level is.
#[test]
fn programs_that_hash_passwords_are_linked_for_speed() {
    let levels = include_str!("../../Cargo.toml").split("[profile.release.package]").nth(1).unwrap();
    for program in ["auth-program", "local", "argon2", "blake2"] {
        assert!(levels.contains(&format!("\n{program} = {{ opt-level = 3")), "{program}");
    }
}

/// What each package of `Cargo.lock` depends on, by name.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let lock = include_str!("../../Cargo.lock");
    let packages = lock.split("[[package]]").skip(1).map(|package| {
        let name = package.split("name = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let list = package.split("dependencies = [").nth(1).map_or("", |rest| rest.split(']').next().unwrap());
        let needs = list
            .split('"')
            .filter_map(|entry| entry.split(' ').next())
            .filter(|name| !name.trim().is_empty() && *name != ",");
        (name, needs.map(str::to_owned).collect::<Vec<_>>())
    });
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, needs) in packages {
        by_name.entry(name).or_default().extend(needs);
    }
    by_name
}

fn reached(from: &str) -> BTreeSet<String> {
    let dependencies = dependencies();
    let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(name) = next.pop() {
        next.extend(dependencies.get(&name).into_iter().flatten().filter(|name| !seen.contains(*name)).cloned());
        seen.insert(name);
    }
    seen
}

#[test]
fn a_deployed_function_holds_no_emulator_and_only_two_know_how_mail_is_sent() {
    for function in
        ["auth-program", "users", "health", "discovery", "docs", "fleet", "mailer", "feedback", "cleanup", "rotation"]
    {
        let reached = reached(function);
        assert!(reached.contains("aws-sdk-dynamodb"), "the list is read");
        for local in ["dynoxide-rs", "rusqlite", "local", "userctl", "clap"] {
            assert!(!reached.contains(local), "{function} reaches {local}");
        }
        // Health asks whether a mail would be taken; its role does not let it send one.
        assert_eq!(reached.contains("transport"), ["mailer", "health"].contains(&function), "{function}");
    }
    assert!(super::floors::reached("local").contains("dynoxide-rs"), "the list is read");
}
