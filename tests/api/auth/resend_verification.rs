use serde_json::json;

use crate::support::Shop;

#[tokio::test]
async fn every_address_gets_the_same_answer_and_only_a_waiting_one_a_letter() {
    let shop = Shop::open();
    shop.member("ann@example.com").await;
    shop.sign_up("bob@example.com").await;
    let mut answers = Vec::new();
    for email in ["ann@example.com", "BOB@example.com", "nobody@example.com"] {
        let before = shop.mails(email).await.len();
        let answer = shop.post("/auth/resend-verification").json(json!({ "email": email })).send().await;
        assert_eq!(answer.status, 202);
        answers.push(answer.raw);
        let more = shop.mails(email).await.len() - before;
        assert_eq!(more, usize::from(email == "BOB@example.com"), "{email}");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn asking_again_voids_nothing_and_each_account_is_verified_once() {
    let shop = Shop::open();
    shop.sign_up("ann@example.com").await;
    let old = shop.mailed_token("ann@example.com").await;
    shop.clock.advance(1);
    shop.post("/auth/resend-verification").json(json!({ "email": "ann@example.com" })).send().await;
    let new = shop.mailed_token("ann@example.com").await;
    assert_ne!(old, new);
    assert_eq!(shop.verify(&old).await.status, 200);
    assert_eq!(shop.verify(&new).await.problem(), (400, "invalid-token"));
}

#[tokio::test]
async fn an_expired_sign_up_gets_no_letter() {
    let shop = Shop::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    shop.sign_up("ann@example.com").await;
    shop.mails("ann@example.com").await;
    shop.clock.advance(3);
    let answer = shop.post("/auth/resend-verification").json(json!({ "email": "ann@example.com" })).send().await;
    assert_eq!(answer.status, 202);
    assert_eq!(shop.mails("ann@example.com").await.len(), 1);
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let shop = Shop::open();
    let answer = shop.post("/auth/resend-verification").json(json!({ "email": "plain" })).send().await;
    assert_eq!(answer.problem(), (422, "invalid"));
}
