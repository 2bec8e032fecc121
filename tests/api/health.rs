use serde_json::json;

use crate::support::Shop;

#[tokio::test]
async fn the_service_says_that_it_lives_and_what_it_is() {
    let shop = Shop::with(&[
        ("PROJECT_NAME", "Bean There"),
        ("API_VERSION", "1.2.3"),
        ("ENVIRONMENT", "staging"),
        ("MAIL_BACKEND", "ses"),
    ]);
    for path in ["/health", "/health/"] {
        let answer = shop.get(path).send().await;
        assert_eq!(answer.status, 200);
        let said = ["status", "service", "version", "environment"].map(|field| answer.text(field));
        assert_eq!(said, ["healthy", "Bean There", "1.2.3", "staging"]);
    }
}

#[tokio::test]
async fn each_part_is_checked_by_a_real_call() {
    let shop = Shop::open();
    let db = shop.get("/health/db").send().await;
    assert_eq!((db.text("database"), db.json["latency_ms"].is_number()), ("connected".to_owned(), true));
    let cache = shop.get("/health/cache").send().await;
    assert_eq!((cache.text("cache"), cache.json["latency_ms"].is_number()), ("connected".to_owned(), true));
    assert_eq!(shop.items("EphemeralTable").await.len(), 0, "the probe leaves nothing");
    let full = shop.get("/health/full").send().await;
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
        let shop = Shop::open();
        shop.service.invoke("CleanupFunction", json!({})).await.unwrap();
        let gone = json!({ "TableName": table });
        shop.aws().database.delete_table(serde_json::from_value(gone).unwrap()).unwrap();
        let full = shop.get("/health/full").send().await;
        assert_eq!((full.status.as_u16(), &full.json["status"]), (503, &json!("unhealthy")));
        let mut ill: Vec<_> = full.json["checks"].as_object().unwrap().iter().collect();
        ill.retain(|(_, check)| check["status"] != "healthy");
        // The note of the last cleanup lies in the table of record.
        ill.retain(|(name, _)| !(table == "UsersTable" && *name == "cleanup"));
        assert_eq!(ill.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [check]);
        assert!(!String::from_utf8_lossy(&full.raw).contains("Resource"), "no driver text");
        if !path.is_empty() {
            assert_eq!(shop.get(path).send().await.problem(), (503, "unhealthy"));
        }
    }
}

#[tokio::test]
async fn three_hours_without_cleanup_are_unhealthy() {
    let shop = Shop::open();
    shop.service.invoke("CleanupFunction", json!({})).await.unwrap();
    shop.clock.advance(3 * 3_600);
    assert_eq!(shop.get("/health/full").send().await.status, 200);
    shop.clock.advance(1);
    let full = shop.get("/health/full").send().await;
    assert_eq!((full.status.as_u16(), &full.json["checks"]["cleanup"]["status"]), (503, &json!("unhealthy")));
}
