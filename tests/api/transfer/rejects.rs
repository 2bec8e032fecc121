use userctl::transfer::Format;
use userctl::transfer::backup::backup;
use userctl::transfer::export::export;
use userctl::transfer::import::{Source, import};

use super::{BCRYPT, import_text, line, lines, plan};
use crate::support::{Folder, TestApp};

const JSONL: Source = Source::Export(Format::Jsonl);

fn codes(found: &[(u64, String)]) -> Vec<(u64, &str)> {
    found.iter().map(|(line, code)| (*line, code.as_str())).collect()
}

#[tokio::test]
async fn each_row_that_is_not_taken_is_named_with_its_reason_and_the_others_come_in() {
    let app = TestApp::open();
    let rows = [
        line(1, BCRYPT),
        line(2, "md5"),
        line(3, BCRYPT).replace("User3@example.com", "user3"),
        line(4, BCRYPT).replace("\"user\"", "\"barista\""),
        line(6, BCRYPT).replace("1700000002", "soon"),
        line(7, &BCRYPT.replace("$04$", "$31$")),
        "not a row\n".to_owned(),
        line(8, BCRYPT).replace("\"language\"", "\"shoe_size\""),
        line(9, BCRYPT),
        line(10, BCRYPT).replace("\"language\"", "\"\\u0065mail\":\"other@example.com\",\"language\""),
        line(11, BCRYPT).replace("User11@", "Us\u{eb}r11@"),
        line(12, BCRYPT).replace("@example", "@\u{ff45}xample"),
        line(13, BCRYPT).replace("User13@", "\\\"user13\\\"@"),
        line(14, BCRYPT).replace("@example.com", "@10.0.0.1"),
        line(15, BCRYPT).replace("\u{c4}nn", "\u{202e}nn"),
        line(16, BCRYPT).replace("\u{c4}nn, \\\"16\\\"", "\u{200b}"),
        line(17, BCRYPT).replace("@example.com", "@b\u{fc}cher.example"),
    ];
    let (summary, found) = import_text(&app, &rows.concat(), JSONL).await;
    assert_eq!((summary.rows, summary.written), (17, 3));
    let expected = [
        (2, "unknown-hash"),
        (3, "invalid-email"),
        (4, "unknown-role"),
        (5, "bad-timestamp"),
        (6, "too-expensive-hash"),
        (7, "unreadable"),
        (8, "unreadable"),
        (10, "unreadable"),
        (11, "unsupported-email"),
        (12, "invalid-email"),
        (13, "invalid-email"),
        (14, "invalid-email"),
        (15, "bidirectional-control"),
        (16, "invisible"),
    ];
    assert_eq!(codes(&found), expected);
}

#[tokio::test]
async fn who_is_there_already_stays_as_he_is() {
    let app = TestApp::open();
    let ann = app.member("user7@example.com").await;
    import_text(&app, &line(3, BCRYPT), JSONL).await;
    let other = line(3, BCRYPT).replace("User3@", "Other@");
    let twice = line(9, BCRYPT).replace("old-9", "old-10");
    let text = [lines(20), other, twice].concat();
    let (summary, found) = import_text(&app, &text, JSONL).await;
    let mut found = codes(&found);
    found.sort_unstable();
    assert_eq!(found, [(8, "email-taken"), (21, "id-taken"), (22, "id-taken")]);
    assert_eq!((summary.written, summary.known), (18, 1));
    assert_eq!(app.signed_in("user7@example.com").await.id, ann.id);
}

#[tokio::test]
async fn addresses_of_a_foreign_table_that_differ_in_case_only_are_named_by_their_lines() {
    let app = TestApp::open();
    let table = "id,email,is_verified\n1,Ann@example.com,t\n2,bob@example.com,t\n3,ANN@example.com,t\n";
    for written in [2, 0] {
        let (summary, found) = import_text(&app, table, Source::FastapiPostgres).await;
        assert_eq!((summary.rows, summary.written, codes(&found)), (3, written, vec![(4, "same-address")]));
    }
}

#[tokio::test]
async fn an_import_that_is_refused_as_a_whole_leaves_no_file_of_rejects() {
    let (app, folder) = (TestApp::open(), Folder::new());
    let file = folder.path().join("users.csv");
    std::fs::write(&file, "id,shoe_size\n1,43\n").unwrap();
    let plan = plan(&file, Source::Export(Format::Csv));
    Box::pin(import(&app.stage(), &plan, true)).await.unwrap_err();
    assert!(!plan.rejects.exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_made_is_named() {
    let (app, folder) = (TestApp::open(), Folder::new());
    let nowhere = folder.path().join("nowhere").join("users.jsonl");
    let exported = Box::pin(export(&app.stage(), &nowhere, Format::Jsonl, true)).await.unwrap_err().to_string();
    let backed_up = Box::pin(backup(&app.stage(), &nowhere, true)).await.unwrap_err().to_string();
    for error in [exported, backed_up] {
        assert!(error.starts_with(&*nowhere.to_string_lossy()), "{error}");
    }
}
