//! Drills: the data is restored from a backup and from the table itself, and in any case no copy remains.

use std::collections::BTreeMap;
use std::future::pending;
use std::path::Path;
use std::time::Duration;

use template::Fault;
use user_core::clock::Timestamp;
use userctl::drill::{Drill, From, from_table};
use userctl::transfer::archive::file_for;
use userctl::transfer::backup::{backup, restore};

use crate::support::{Folder, TestApp};

/// A service with two users, one of them unverified, and its backup.
async fn backed_up(folder: &Folder) -> (TestApp, String) {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    app.sign_up("ben@example.com").await;
    let file = file_for(&folder.path(), app.clock.now());
    Box::pin(backup(&app.stage(), &file, true)).await.unwrap();
    (app, std::fs::read_to_string(file).unwrap())
}

async fn drill(path: &Path) -> Result<Drill, Fault> {
    Box::pin(local::drill::drill(path, &BTreeMap::new(), true, pending())).await
}

/// How many folders of drills exist.
fn copies() -> usize {
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap_or_default());
    names.filter(|name| name.starts_with("userctl-drill-")).count()
}

/// The existing tables.
async fn tables(app: &TestApp) -> Vec<String> {
    app.database_client().list_tables().send().await.unwrap().table_names.unwrap()
}

fn from(at: Option<Timestamp>, keep: bool) -> From {
    From { at, keep, poll: Duration::from_millis(1), hidden: true }
}

// A single test, since it would count the folders of others.
#[tokio::test]
async fn a_backup_comes_back_whole_or_is_refused_with_the_reason_and_no_copy_is_left() {
    let folder = Folder::new();
    let (app, whole) = backed_up(&folder).await;
    let before = copies();
    let drilled = drill(&folder.path()).await.unwrap();
    assert!(drilled.is_good(), "{}", drilled.text());
    assert_eq!((drilled.report.users, drilled.made_at), (2, app.clock.now()));
    assert_eq!(drilled.items, Some(whole.lines().count() as u64 - 2));
    assert!((0..60).contains(&drilled.age_seconds), "{}", drilled.age_seconds);
    let steps: Vec<_> = drilled.steps.iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, ["read", "restore", "check", "remove"]);
    assert_eq!(copies(), before);

    let lines: Vec<_> = whole.lines().collect();
    let half = &whole[..whole.len() / 2];
    let without_end = format!("{}\n", lines[..lines.len() - 1].join("\n"));
    let without_one = whole.replacen(&format!("{}\n", lines[1]), "", 1);
    let changed = whole.replacen("ann@example.com", "eve@example.com", 1);
    let broken = whole.replacen("\"pk\":", "\"pk\"", 1);
    let headless = lines[1..lines.len() - 1].join("\n");
    let later = whole.replacen("\"backup\":1", "\"backup\":2", 1);
    let head = format!("{}\n", lines[0]);
    for (name, text, why) in [
        ("empty", "", "the backup is empty"),
        ("half", half, "the backup is cut off after"),
        ("without its last line", &without_end, "the backup is cut off after"),
        ("its first line alone", &head, "the backup is cut off after 0 items"),
        ("without an item", &without_one, "the backup is damaged: it is not what its last line says"),
        ("with another address", &changed, "the backup is damaged: it is not what its last line says"),
        ("with a broken line", &broken, "the backup is damaged: line"),
        ("with more behind it", &format!("{whole}{}\n", lines[1]), "the backup is damaged: line"),
        ("of a later form", &later, "the backup is of form 2, which a later release wrote"),
        ("of a former release", &headless, "the backup does not say when it was made"),
        ("an export", "{\"id\":\"1\",\"email\":\"ann@example.com\"}\n", "the file is no backup of userctl"),
        ("no text", "PK\u{3}\u{4}", "the file is no backup of userctl"),
    ] {
        let file = folder.path().join("other");
        std::fs::write(&file, text).unwrap();
        let refused = drill(&file).await.unwrap_err().to_string();
        assert!(refused.starts_with(why), "{name}: {refused}");
        assert!(!refused.contains('\n') && !refused.contains('@'), "{name}: one sentence without data: {refused}");
        assert_eq!(copies(), before, "{name}");
    }
    std::fs::write(folder.path().join("other"), [0xff, 0xfe, 0]).unwrap();
    let refused = drill(&folder.path().join("other")).await.unwrap_err().to_string();
    assert_eq!(refused, "the file is no backup of userctl");

    let interrupt = tokio::time::sleep(Duration::from_millis(1));
    let interrupted = Box::pin(local::drill::drill(&folder.path(), &BTreeMap::new(), true, interrupt)).await;
    assert_eq!(interrupted.unwrap_err().to_string(), "interrupted; the copy is removed");
    assert_eq!(copies(), before);
}

#[tokio::test]
async fn a_damaged_backup_changes_nothing_when_it_is_restored() {
    let folder = Folder::new();
    let (_, whole) = backed_up(&folder).await;
    let (app, file) = (TestApp::open(), folder.path().join("cut"));
    let before = app.items("UsersTable").await;
    std::fs::write(&file, &whole[..whole.len() - 10]).unwrap();
    let refused = Box::pin(restore(&app.stage(), &file, false, true)).await.unwrap_err().to_string();
    assert!(refused.starts_with("the backup is cut off after"), "{refused}");
    assert_eq!(app.items("UsersTable").await, before);

    let former: Vec<_> = whole.lines().filter(|line| line.contains("\"pk\"")).collect();
    std::fs::write(&file, former.join("\n")).unwrap();
    let restored = Box::pin(restore(&app.stage(), &file, false, true)).await.unwrap();
    assert_eq!(restored, former.len() as u64, "a former release's backup is accepted");
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
}

#[tokio::test]
async fn the_newest_backup_of_a_folder_is_drilled_and_a_newer_damaged_one_is_not_passed_over() {
    let folder = Folder::new();
    let (app, whole) = backed_up(&folder).await;
    let made_at = app.clock.now();
    app.clock.advance(60);
    std::fs::write(folder.path().join("old.jsonl"), whole.replace(&made_at.to_string(), "2020-01-01T00:00:00Z"))
        .unwrap();
    assert_eq!(drill(&folder.path()).await.unwrap().made_at, made_at);
    let ahead = folder.path().join("ahead.jsonl");
    std::fs::write(&ahead, whole.replace(&made_at.to_string(), "2120-01-01T00:00:00Z")).unwrap();
    std::fs::File::options().append(true).open(&ahead).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(drill(&folder.path()).await.unwrap().made_at, made_at, "a wrong clock hides none");
    let newer = file_for(&folder.path(), app.clock.now());
    std::fs::write(newer, whole.replace(&made_at.to_string(), &app.clock.now().to_string())).unwrap();
    let refused = drill(&folder.path()).await.unwrap_err().to_string();
    assert_eq!(refused, "the backup is damaged: it is not what its last line says");
    let nothing = Folder::new();
    assert!(drill(&nothing.path()).await.unwrap_err().to_string().starts_with("there is no backup in"));
    let standard = drill(Path::new("-")).await.unwrap_err().to_string();
    assert_eq!(standard, "a drill reads its backup twice, so that it takes a file and not standard input");
}

#[tokio::test]
async fn a_table_comes_back_as_a_new_one_that_is_checked_and_removed() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    app.sign_up("ben@example.com").await;
    let before = tables(&app).await;
    let drilled = Box::pin(from_table(&app.stage(), &from(None, false), pending())).await.unwrap();
    assert!(drilled.is_good(), "{}", drilled.text());
    assert_eq!((drilled.report.users, drilled.made_at, drilled.age_seconds), (2, app.clock.now(), 0));
    assert_eq!(drilled.source, "table UsersTable");
    assert_eq!(tables(&app).await, before);

    let interrupted = Box::pin(from_table(&app.stage(), &from(None, false), std::future::ready(()))).await;
    assert_eq!(interrupted.unwrap_err().to_string(), "interrupted; the copy is removed");
    assert_eq!(tables(&app).await, before, "what was being restored is gone, too");
}

#[tokio::test]
async fn what_is_wrong_in_a_restored_table_is_found_and_the_copy_is_gone_all_the_same() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let key = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let delete = app.database_client().delete_item().table_name("UsersTable");
    delete.key("pk", key(&format!("USER#{}", ann.id))).key("sk", key("PROFILE")).send().await.unwrap();
    let before = tables(&app).await;
    let drilled = Box::pin(from_table(&app.stage(), &from(None, false), pending())).await.unwrap();
    assert!(!drilled.is_good());
    assert_eq!(drilled.json()["check"]["violations"][0]["kind"], "login-without-user");
    assert_eq!(tables(&app).await, before);
}

#[tokio::test]
async fn a_table_is_restored_only_to_a_moment_that_its_recovery_reaches() {
    let app = TestApp::open();
    let now = app.clock.now();
    let refused = Box::pin(from_table(&app.stage(), &from(Some(now.plus(-60)), false), pending())).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("the table can be restored to a moment from {now} to {now}"));
    let other = app.stage().on_users("EphemeralTable").unwrap();
    let refused = Box::pin(from_table(&other, &from(None, false), pending())).await.unwrap_err();
    assert_eq!(refused.to_string(), "point-in-time recovery of EphemeralTable is off");
    let absent = app.stage().on_users("no-such-table").unwrap();
    let refused = Box::pin(from_table(&absent, &from(None, false), pending())).await.unwrap_err();
    assert_eq!(refused.to_string(), "TableNotFoundException: Table not found: no-such-table");
}

#[tokio::test]
async fn a_copy_that_is_kept_has_what_a_stacks_table_has() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let drilled = Box::pin(from_table(&app.stage(), &from(Some(app.clock.now()), true), pending())).await.unwrap();
    let copy = drilled.kept.unwrap();
    assert!(copy.starts_with("UsersTable-drill-"), "{copy}");
    let client = app.database_client();
    let expiry = client.describe_time_to_live().table_name(&copy).send().await.unwrap();
    assert_eq!(expiry.time_to_live_description.unwrap().attribute_name.unwrap(), "purge_after");
    assert!(client.delete_table().table_name(&copy).send().await.is_err(), "it is protected");
    let again = app.stage().on_users(&copy).unwrap();
    let drilled = Box::pin(from_table(&again, &from(None, false), pending())).await.unwrap();
    assert!(drilled.is_good(), "it can be recovered itself");
}
