//! Many concurrent requests: one defined outcome, and never a fault of the service.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Answer, TestApp};

/// Runs `calls` at the same time, on all cores, and counts their statuses.
async fn all<F: Future<Output = Answer> + Send + 'static>(
    calls: impl Iterator<Item = F>,
) -> (BTreeMap<u16, usize>, Vec<Answer>) {
    let mut running: JoinSet<_> = calls.collect();
    let mut answers = Vec::new();
    while let Some(answer) = running.join_next().await {
        answers.push(answer.unwrap());
    }
    let mut statuses = BTreeMap::new();
    for answer in &answers {
        *statuses.entry(answer.status.as_u16()).or_default() += 1;
    }
    (statuses, answers)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_sign_ups_of_one_address_in_mixed_case_one_wins() {
    let app = Arc::new(TestApp::open());
    let calls = (0..64_u64).map(|i| {
        let app = app.clone();
        let message = |(n, c): (usize, char)| {
            if i >> (n % 6) & 1 == 1 { c.to_ascii_uppercase() } else { c }
        };
        let email: String = "barista@example.com".chars().enumerate().map(message).collect();
        async move { app.sign_up(&email).await }
    });
    let (statuses, _) = all(calls).await;
    assert_eq!(statuses, BTreeMap::from([(201, 1), (409, 63)]));
    assert_eq!(app.items("UsersTable").await.len(), 2);
    app.mails("").await;
    assert_eq!(app.service.inbox.mails(None).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_16_refreshes_of_one_token_all_get_the_same_successor() {
    let app = Arc::new(TestApp::open());
    for round in 0..20 {
        let member = app.member(&format!("user{round}@example.com")).await;
        let calls = (0..16).map(|_| {
            let (app, token) = (app.clone(), member.refresh.clone());
            async move { app.refresh(&token).await }
        });
        let (statuses, answers) = all(calls).await;
        assert_eq!(statuses, BTreeMap::from([(200, 16)]));
        assert!(answers.windows(2).all(|pair| pair[0].raw == pair[1].raw));
        app.clock.advance(11);
        assert_eq!(app.refresh(&member.refresh).await.problem(), (401, "refresh-token-reused"));
        let successor = answers[0].text("refresh_token");
        assert_eq!(app.refresh(&successor).await.problem(), (401, "invalid-refresh-token"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_uses_of_one_link_one_verifies() {
    let app = Arc::new(TestApp::open());
    app.sign_up("ann@example.com").await;
    let message = app.mailed_token("ann@example.com").await;
    let calls = (0..32).map(|_| {
        let (app, token) = (app.clone(), message.clone());
        async move { app.verify(&token).await }
    });
    let (statuses, _) = all(calls).await;
    assert_eq!(statuses, BTreeMap::from([(200, 1), (400, 31)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_of_different_fields_at_once_all_last() {
    let app = Arc::new(TestApp::open());
    let admin = app.admin("admin@example.com").await;
    for round in 0..20 {
        let member = app.member(&format!("user{round}@example.com")).await;
        let bodies = [json!({ "first_name": "A" }), json!({ "last_name": "B" }), json!({ "is_verified": true })];
        let calls = bodies.map(|body| {
            let (app, token, path) = (app.clone(), admin.access.clone(), format!("/users/{}", member.id));
            async move { app.patch(&path).bearer(&token).json(body).send().await }
        });
        assert_eq!(all(calls.into_iter()).await.0, BTreeMap::from([(200, 3)]));
        let user = app.get(&format!("/users/{}", member.id)).bearer(&admin.access).send().await.json;
        assert_eq!((&user["first_name"], &user["last_name"]), (&json!("A"), &json!("B")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_100_sign_ins_of_one_account_50_sessions_are_left() {
    let app = Arc::new(TestApp::open());
    let first = app.member("ann@example.com").await;
    // Twenty at a time, since a hundred would starve the service's own time-outs on a busy machine.
    let (mut statuses, mut answers) = (BTreeMap::new(), Vec::new());
    for _ in 0..5 {
        let calls = (0..20).map(|_| {
            let app = app.clone();
            async move { app.log_in("ann@example.com").await }
        });
        let (some, more) = all(calls).await;
        some.into_iter().for_each(|(status, count)| *statuses.entry(status).or_insert(0) += count);
        answers.extend(more);
    }
    assert_eq!(statuses, BTreeMap::from([(200, 100)]));
    let mut good = usize::from(app.me(&first.access).await == 200);
    for answer in answers {
        good += usize::from(app.me(&answer.text("access_token")).await == 200);
    }
    // Two sessions that begin in the same second are both kept, and either of them may end the other.
    assert!((49..=50).contains(&good), "{good}");
    assert_eq!(app.session_count().await, good);
    let last = app.signed_in("ann@example.com").await;
    assert_eq!((app.me(&last.access).await, app.session_count().await), (200, 50));
}
