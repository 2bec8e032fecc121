use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn every_address_gets_the_same_answer_and_only_a_waiting_one_an_email() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    app.sign_up("bob@example.com").await;
    let mut answers = Vec::new();
    for email in ["ann@example.com", "BOB@example.com", "nobody@example.com"] {
        let before = app.mails(email).await.len();
        let answer = app.post("/auth/resend-verification").json(json!({ "email": email })).send().await;
        assert_eq!(answer.status, 202);
        answers.push(answer.raw);
        let more = app.mails(email).await.len() - before;
        assert_eq!(more, usize::from(email == "BOB@example.com"), "{email}");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn asking_again_voids_nothing_and_each_account_is_verified_once() {
    let app = TestApp::open();
    app.sign_up("ann@example.com").await;
    let old = app.mailed_token("ann@example.com").await;
    app.clock.advance(1);
    app.post("/auth/resend-verification").json(json!({ "email": "ann@example.com" })).send().await;
    let new = app.mailed_token("ann@example.com").await;
    assert_ne!(old, new);
    assert_eq!(app.verify(&old).await.status, 200);
    assert_eq!(app.verify(&new).await.problem(), (400, "invalid-token"));
}

#[tokio::test]
async fn an_expired_sign_up_gets_no_email() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    app.sign_up("ann@example.com").await;
    app.mails("ann@example.com").await;
    app.clock.advance(3);
    let answer = app.post("/auth/resend-verification").json(json!({ "email": "ann@example.com" })).send().await;
    assert_eq!(answer.status, 202);
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let app = TestApp::open();
    let answer = app.post("/auth/resend-verification").json(json!({ "email": "plain" })).send().await;
    assert_eq!(answer.problem(), (422, "invalid"));
}
