use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use local::aws::{Fate, Wire};
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn the_service_says_that_it_lives_and_what_it_is() {
    let app = TestApp::with(&[("PROJECT_NAME", "Bean There"), ("ENVIRONMENT", "staging"), ("MAIL_BACKEND", "ses")]);
    let answer = app.get("/health").send().await;
    assert_eq!(answer.status, 200);
    let said = ["status", "service", "version", "environment"].map(|field| answer.text(field));
    assert_eq!(said, ["healthy", "Bean There", env!("CARGO_PKG_VERSION"), "staging"]);
}

#[tokio::test]
async fn each_part_is_checked_by_a_real_call() {
    let app = TestApp::open();
    let db = app.get("/health/db").send().await;
    assert_eq!((db.text("database"), db.json["latency_ms"].is_number()), ("connected".to_owned(), true));
    let cache = app.get("/health/cache").send().await;
    assert_eq!((cache.text("cache"), cache.json["latency_ms"].is_number()), ("connected".to_owned(), true));
    assert_eq!(app.items("EphemeralTable").await.len(), 0, "the probe leaves nothing");
    let full = app.get("/health/full").send().await;
    assert_eq!(full.status, 200);
    let checks = full.json["checks"].as_object().unwrap();
    assert_eq!(checks.keys().collect::<Vec<_>>(), ["cache", "cleanup", "database", "email", "signing_keys"]);
    assert!(checks.values().all(|check| check["status"] == "healthy"));
}

#[tokio::test]
async fn a_missing_table_makes_its_own_check_unhealthy_and_tells_no_more() {
    for (table, check, path) in [
        ("UsersTable", "database", "/health/db"),
        ("EphemeralTable", "cache", "/health/cache"),
        ("OutboxTable", "email", ""),
    ] {
        let app = TestApp::open();
        app.service.invoke("CleanupFunction", json!({})).await.unwrap();
        let gone = json!({ "TableName": table });
        app.aws().database.delete_table(serde_json::from_value(gone).unwrap()).unwrap();
        let full = app.get("/health/full").send().await;
        assert_eq!((full.status.as_u16(), &full.json["status"]), (503, &json!("unhealthy")));
        let mut ill: Vec<_> = full.json["checks"].as_object().unwrap().iter().collect();
        ill.retain(|(_, check)| check["status"] != "healthy");
        // The record of the last cleanup is stored in the users table.
        ill.retain(|(name, _)| !(table == "UsersTable" && *name == "cleanup"));
        assert_eq!(ill.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [check]);
        assert!(!String::from_utf8_lossy(&full.raw).contains("Resource"), "no driver text");
        if !path.is_empty() {
            assert_eq!(app.get(path).send().await.problem(), (503, "unhealthy"));
        }
    }
}

#[tokio::test]
async fn three_hours_without_cleanup_are_unhealthy() {
    for (seconds, status, word) in [(3 * 3_600, 200, "healthy"), (3 * 3_600 + 1, 503, "unhealthy")] {
        let app = TestApp::open();
        app.service.invoke("CleanupFunction", json!({})).await.unwrap();
        app.clock.advance(seconds);
        let full = app.get("/health/full").send().await;
        assert_eq!((full.status.as_u16(), &full.json["checks"]["cleanup"]["status"]), (status, &json!(word)));
    }
}

/// A service whose database calls are counted by operation, and fail while `away` is set.
fn counted(away: &Arc<AtomicBool>) -> (TestApp, Arc<Mutex<BTreeMap<String, usize>>>) {
    let (away, calls) = (away.clone(), Arc::new(Mutex::new(BTreeMap::new())));
    let counts = calls.clone();
    let wire: Wire = Arc::new(move |target, _| {
        *counts.lock().unwrap().entry(target.rsplit('.').next().unwrap().to_owned()).or_insert(0) += 1;
        let refused = json!({ "__type": "ResourceNotFoundException", "message": "made up" }).to_string();
        if away.load(Ordering::SeqCst) { Fate::Refused(400, refused) } else { Fate::Arrives }
    });
    (TestApp::over(wire), calls)
}

#[tokio::test]
async fn any_number_of_checks_in_five_seconds_cost_one_write() {
    let (app, calls) = counted(&Arc::default());
    let count = |calls: &Mutex<BTreeMap<String, usize>>| std::mem::take(&mut *calls.lock().unwrap());
    let each = |n: usize| ["/health/full", "/health/cache", "/health/db"][n % 3];
    let all = async || join_all((0..400).map(|n| app.get(each(n)).send())).await;
    let (began, one_run) = (app.clock.now().to_string(), [("DeleteItem", 1), ("GetItem", 5), ("PutItem", 1)]);
    let one_run: BTreeMap<_, _> = one_run.map(|(name, times)| (name.to_owned(), times)).into();
    for (seconds, expected) in [(0, one_run.clone()), (4, BTreeMap::new()), (1, one_run)] {
        app.clock.advance(seconds);
        let answers = all().await;
        let found = if expected.is_empty() { began.clone() } else { app.clock.now().to_string() };
        for answer in answers {
            assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
            assert_eq!(answer.text("timestamp"), found, "it says when it was found");
        }
        assert_eq!(count(&calls), expected, "{seconds}");
    }
}

#[tokio::test]
async fn what_was_found_unhealthy_is_told_again_for_five_seconds_too() {
    let away = Arc::new(AtomicBool::new(true));
    let (app, calls) = counted(&away);
    let paths = ["/health/cache", "/health/db", "/health/full"];
    let statuses = async || {
        let answers = join_all(paths.map(|path| app.get(path).send())).await;
        answers.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>()
    };
    assert_eq!(statuses().await, [503; 3]);
    away.store(false, Ordering::SeqCst);
    let before = calls.lock().unwrap().clone();
    app.clock.advance(4);
    assert_eq!((statuses().await, calls.lock().unwrap().clone()), (vec![503; 3], before));
    app.clock.advance(1);
    assert_eq!(statuses().await, [200; 3]);
}
