use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_link_verifies_once() {
    let app = TestApp::open();
    app.sign_up("ann@example.com").await;
    let token = app.mailed_token("ann@example.com").await;
    assert_eq!(app.verify(&token).await.status, 200);
    assert_eq!(app.verify(&token).await.problem(), (400, "invalid-token"));
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
}

#[tokio::test]
async fn anything_but_a_valid_token_is_answered_alike() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.sign_up("bob@example.com").await;
    let good = app.mailed_token("bob@example.com").await;
    let flipped = format!("{}{}", &good[..good.len() - 2], if good.ends_with("AA") { "BB" } else { "AA" });
    for token in
        ["", "nonsense", "a.b.c", &ann.access, &ann.refresh, &flipped, &format!("{good}="), &format!(" {good}")]
    {
        let answer = app.verify(token).await;
        assert_eq!(answer.problem(), (400, "invalid-token"), "{token}");
    }
    assert_eq!(app.verify(&good).await.status, 200);
}

#[tokio::test]
async fn a_link_is_void_at_the_second_in_which_its_user_ends() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    app.sign_up("ann@example.com").await;
    let ann = app.mailed_token("ann@example.com").await;
    app.clock.advance(2);
    assert_eq!(app.verify(&ann).await.status, 200, "one second is left");
    app.sign_up("bob@example.com").await;
    let bob = app.mailed_token("bob@example.com").await;
    app.clock.advance(3);
    assert_eq!(app.verify(&bob).await.problem(), (400, "invalid-token"));
}

#[tokio::test]
async fn the_link_of_an_expired_sign_up_does_not_verify_the_next_one_of_the_address() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    app.sign_up("ann@example.com").await;
    let old = app.mailed_token("ann@example.com").await;
    app.clock.advance(3);
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
    assert_eq!(app.verify(&old).await.problem(), (400, "invalid-token"));
    assert_eq!(app.verify(&app.mailed_token("ann@example.com").await).await.status, 200);
}

#[tokio::test]
async fn an_admin_who_takes_the_proof_back_makes_the_user_prove_the_address_again() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let path = format!("/users/{}", ann.id);
    let answer = app.patch(&path).bearer(&admin.access).json(json!({ "is_verified": false })).send().await;
    assert_eq!(answer.json["is_verified"], false);
    assert_eq!(app.log_in("ann@example.com").await.problem(), (403, "email-not-verified"));
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.problem(), (401, "unauthenticated"));
    app.clock.advance(10 * 86_400);
    app.post("/auth/resend-verification").json(json!({ "email": "ann@example.com" })).send().await;
    assert_eq!(app.verify(&app.mailed_token("ann@example.com").await).await.status, 200);
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
    let again = app.get("/users/me").bearer(&ann.access).send().await;
    assert_eq!(again.problem(), (401, "unauthenticated"), "the sessions of before stay ended");
}
