use userctl::check::check;
use userctl::transfer::Format;
use userctl::transfer::backup::{backup, restore};
use userctl::transfer::import::{Source, Summary};

use super::{exported, import_text, lines, plan, run};
use crate::support::{Folder, TestApp};

const JSONL: Source = Source::Export(Format::Jsonl);

fn summary(rows: u64, written: u64, known: u64) -> Summary {
    Summary { rows, written, known, ..Summary::default() }
}

#[tokio::test]
async fn an_export_that_comes_in_again_goes_out_the_same() {
    let (first, folder) = (TestApp::open(), Folder::new());
    assert_eq!(import_text(&first, &lines(300), JSONL).await.0, summary(300, 300, 0));
    first.admin("admin@example.com").await;
    for format in [Format::Jsonl, Format::Csv] {
        let name = format!("{format:?}");
        let (file, before) = exported(&first, &folder, &name, format).await;
        let second = TestApp::open();
        assert_eq!(run(&second, &plan(&file, Source::Export(format))).await, summary(301, 301, 0));
        let (_, after) = exported(&second, &folder, &format!("{name}-again"), format).await;
        assert!(before == after && before.lines().count() >= 301);
        let report = Box::pin(check(&second.stage())).await.unwrap();
        assert!(report.is_clean(), "{}", report.text());
        assert_eq!((report.users, report.logins), (301, 301));
        assert_eq!(second.log_in("admin@example.com").await.status, 200);
    }
}

#[tokio::test]
async fn an_export_for_a_spreadsheet_holds_no_formula_and_comes_in_the_same() {
    let (first, folder) = (TestApp::open(), Folder::new());
    let names = [
        "=HYPERLINK(\\\"http://evil.example\\\",\\\"Click\\\")",
        "+49 30 1234",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "\u{ff1d}1+1",
        "'tis",
        "''=1",
        "'=1",
        "Ann, =1",
        "=1;\\\"=1",
        "O'Neill",
    ];
    let rows: String = (1..)
        .zip(names)
        .map(|(n, name)| {
            let ids = format!(
                "{{\"id\":\"{}{n}\",\"email\":\"{}{n}@example.com\",\"first_name\":",
                ["=", "+", "-"][n % 3],
                ["=a", "'b", "-c"][n % 3]
            );
            format!(
                "{ids}\"{name}\",\"last_name\":\"{name}\",\"is_verified\":true,\"created_at\":\"{}\"}}\n",
                1_700_000_000 + n
            )
        })
        .collect();
    let (read, rejected) = import_text(&first, &rows, JSONL).await;
    assert_eq!((read, rejected), (summary(11, 11, 0), vec![]));
    let (file, sheet) = exported(&first, &folder, "users.csv", Format::Csv).await;
    for cell in ["=", "+", "-", "@", "\u{ff1d}"] {
        for before in ["\n", ",", "\n\"", ",\""] {
            assert!(!sheet.replace("\"\"", "").contains(&format!("{before}{cell}")), "{before:?} {cell}: {sheet}");
        }
    }
    let second = TestApp::open();
    assert_eq!(run(&second, &plan(&file, Source::Export(Format::Csv))).await, summary(11, 11, 0));
    let (_, again) = exported(&second, &folder, "again.csv", Format::Csv).await;
    assert_eq!(again, sheet);
    let (_, lines) = exported(&first, &folder, "users.jsonl", Format::Jsonl).await;
    assert_eq!(exported(&second, &folder, "again.jsonl", Format::Jsonl).await.1, lines);
    assert!(lines.contains("\"first_name\":\"=HYPERLINK("), "JSON is no spreadsheet's");
}

#[cfg(unix)]
#[tokio::test]
async fn an_export_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (app, folder) = (TestApp::open(), Folder::new());
    let (file, _) = exported(&app, &folder, "users.jsonl", Format::Jsonl).await;
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn an_import_that_was_cut_off_ends_in_the_same_state() {
    let (cut, whole, folder) = (TestApp::open(), TestApp::open(), Folder::new());
    let text = lines(250);
    let part: String = text.split_inclusive('\n').take(120).collect();
    assert_eq!(import_text(&cut, &part, JSONL).await.0, summary(120, 120, 0));
    assert_eq!(import_text(&cut, &text, JSONL).await.0, summary(250, 130, 120));
    assert_eq!(import_text(&whole, &text, JSONL).await.0, summary(250, 250, 0));
    let (_, one) = exported(&cut, &folder, "cut", Format::Jsonl).await;
    let (_, other) = exported(&whole, &folder, "whole", Format::Jsonl).await;
    assert_eq!(one, other);
    assert!(Box::pin(check(&cut.stage())).await.unwrap().is_clean(), "administrators are counted once");
    assert_eq!(import_text(&cut, &text, JSONL).await.0, summary(250, 0, 250), "nothing is left to do");
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let (app, folder) = (TestApp::open(), Folder::new());
    import_text(&app, &lines(10), JSONL).await;
    let before = app.items("UsersTable").await;
    let file = folder.path().join("users");
    std::fs::write(&file, lines(60)).unwrap();
    let plan = userctl::transfer::import::Plan { dry_run: true, ..plan(&file, JSONL) };
    assert_eq!(run(&app, &plan).await, summary(60, 50, 10));
    assert_eq!(app.items("UsersTable").await, before);
}

#[tokio::test]
async fn a_backup_is_restored_item_by_item_and_only_into_an_empty_table() {
    let (first, second, folder) = (TestApp::open(), TestApp::open(), Folder::new());
    import_text(&first, &lines(60), JSONL).await;
    first.admin("admin@example.com").await;
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let count = Box::pin(backup(&first.stage(), &one, true)).await.unwrap();
    assert_eq!(Box::pin(restore(&second.stage(), &one, false, true)).await.unwrap(), count);
    Box::pin(backup(&second.stage(), &other, true)).await.unwrap();
    let sorted = |file| {
        let text = std::fs::read_to_string(file).unwrap();
        let mut lines: Vec<_> = text.lines().filter(|line| line.contains("\"pk\"")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&one), sorted(&other));
    assert_eq!(second.log_in("admin@example.com").await.status, 200);
    assert!(Box::pin(restore(&second.stage(), &one, false, true)).await.is_err());
    assert_eq!(Box::pin(restore(&second.stage(), &one, true, true)).await.unwrap(), count);
}
