use serde_json::json;

use crate::support::Shop;

#[tokio::test]
async fn a_letter_verifies_once() {
    let shop = Shop::open();
    shop.sign_up("ann@example.com").await;
    let token = shop.mailed_token("ann@example.com").await;
    assert_eq!(shop.verify(&token).await.status, 200);
    assert_eq!(shop.verify(&token).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.log_in("ann@example.com").await.status, 200);
}

#[tokio::test]
async fn anything_but_a_good_letter_is_answered_alike() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.sign_up("bob@example.com").await;
    let good = shop.mailed_token("bob@example.com").await;
    let flipped = format!("{}{}", &good[..good.len() - 2], if good.ends_with("AA") { "BB" } else { "AA" });
    for token in
        ["", "nonsense", "a.b.c", &ann.access, &ann.refresh, &flipped, &format!("{good}="), &format!(" {good}")]
    {
        let answer = shop.verify(token).await;
        assert_eq!(answer.problem(), (400, "invalid-token"), "{token}");
    }
    assert_eq!(shop.verify(&good).await.status, 200);
}

#[tokio::test]
async fn a_letter_is_void_at_the_second_in_which_its_user_ends() {
    let shop = Shop::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    shop.sign_up("ann@example.com").await;
    let ann = shop.mailed_token("ann@example.com").await;
    shop.clock.advance(2);
    assert_eq!(shop.verify(&ann).await.status, 200, "one second is left");
    shop.sign_up("bob@example.com").await;
    let bob = shop.mailed_token("bob@example.com").await;
    shop.clock.advance(3);
    assert_eq!(shop.verify(&bob).await.problem(), (400, "invalid-token"));
}

#[tokio::test]
async fn the_letter_of_an_expired_sign_up_does_not_verify_the_next_one_of_the_address() {
    let shop = Shop::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    shop.sign_up("ann@example.com").await;
    let old = shop.mailed_token("ann@example.com").await;
    shop.clock.advance(3);
    assert_eq!(shop.sign_up("ann@example.com").await.status, 201);
    assert_eq!(shop.verify(&old).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.verify(&shop.mailed_token("ann@example.com").await).await.status, 200);
}

#[tokio::test]
async fn an_admin_who_takes_the_proof_back_makes_the_user_prove_the_address_again() {
    let shop = Shop::open();
    let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
    let path = format!("/users/{}", ann.id);
    let answer = shop.patch(&path).bearer(&admin.access).json(json!({ "is_verified": false })).send().await;
    assert_eq!(answer.json["is_verified"], false);
    assert_eq!(shop.log_in("ann@example.com").await.problem(), (403, "email-not-verified"));
    assert_eq!(shop.get("/users/me").bearer(&ann.access).send().await.problem(), (401, "unauthenticated"));
    shop.clock.advance(10 * 86_400);
    shop.post("/auth/resend-verification").json(json!({ "email": "ann@example.com" })).send().await;
    assert_eq!(shop.verify(&shop.mailed_token("ann@example.com").await).await.status, 200);
    assert_eq!(shop.log_in("ann@example.com").await.status, 200);
    let again = shop.get("/users/me").bearer(&ann.access).send().await;
    assert_eq!(again.problem(), (401, "unauthenticated"), "the sessions of before stay ended");
}
