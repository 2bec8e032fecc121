//! Nobody is counted: with `SIGNUP_ENUMERATION` private the answers, and the database calls behind them, are the same for an address with a
//! proven account, with one that never proved it, and with none.

use std::sync::{Arc, Mutex};

use local::aws::{Fate, Wire};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Shop};

const PROVEN: &str = "proven@example.com";
const WAITING: &str = "waiting@example.com";
const NOBODY: &str = "nobody@example.com";

type Calls = Arc<Mutex<Vec<String>>>;

/// A service in private mode with a proven account and one that waits, and the calls that it makes.
async fn shop() -> (Shop, Calls) {
    let calls = Calls::default();
    let seen = calls.clone();
    let wire: Wire = Arc::new(move |target, _| {
        seen.lock().unwrap().push(target.to_owned());
        Fate::Arrives
    });
    let shop = Shop::over_with(wire, &[("SIGNUP_ENUMERATION", "private")]);
    shop.member(PROVEN).await;
    shop.sign_up(WAITING).await;
    shop.mails(WAITING).await;
    (shop, calls)
}

/// What anybody sees of an answer: the status, the body without the request's name, the headers that may differ.
fn seen(answer: &Answer) -> (u16, Value, String) {
    let mut body = answer.json.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
    }
    (answer.status.as_u16(), body, answer.header("content-type").to_owned())
}

/// Asks the same of each of the three addresses, on a service of its own; all must look alike, and take the same calls in any order.
async fn alike<F: Future<Output = Answer>>(ask: impl Fn(&'static Shop, &'static str) -> F) {
    let mut outcomes = Vec::new();
    for email in [PROVEN, WAITING, NOBODY] {
        let (shop, calls) = shop().await;
        // The test's process ends soon; leaking is the simplest way to share.
        let shop: &'static Shop = Box::leak(Box::new(shop));
        shop.clock.advance(120);
        calls.lock().unwrap().clear();
        let answer = ask(shop, email).await;
        let mut made = std::mem::take(&mut *calls.lock().unwrap());
        made.sort();
        outcomes.push((seen(&answer), made));
    }
    assert_eq!(outcomes[0], outcomes[2], "a proven account, and none");
    assert_eq!(outcomes[1], outcomes[2], "an account that waits, and none");
}

fn login<'a>(shop: &'a Shop, email: &str, password: &str) -> impl Future<Output = Answer> + 'a {
    shop.post("/auth/login").from([192, 0, 2, 1]).json(json!({ "email": email, "password": password })).send()
}

#[tokio::test]
async fn a_sign_up_and_then_a_login_with_its_password_answer_alike() {
    const CHOSEN: &str = "Sh0rt-black-now";
    let sign_up = |shop: &'static Shop, email: &'static str| {
        shop.post("/auth/signup").json(json!({ "email": email, "password": CHOSEN })).send()
    };
    let statuses = |shop: &'static Shop, email: &'static str| async move {
        assert_eq!(sign_up(shop, email).await.status, 201);
        login(shop, email, CHOSEN).await
    };
    alike(sign_up).await;
    alike(statuses).await;
}

#[tokio::test]
async fn asking_for_a_message_and_a_wrong_password_answer_alike() {
    alike(|shop, email| shop.post("/auth/resend-verification").json(json!({ "email": email })).send()).await;
    alike(|shop, email| shop.post("/auth/forgot-password").json(json!({ "email": email })).send()).await;
    alike(|shop, email| login(shop, email, "Wr0ng!password")).await;
}

#[tokio::test]
async fn a_change_to_each_of_them_answers_alike() {
    alike(|shop, email| async move {
        let eve = shop.member("eve@example.com").await;
        shop.request_email(&eve, email).await
    })
    .await;
    let (shop, _) = shop().await;
    let eve = shop.member("eve@example.com").await;
    shop.request_email(&eve, PROVEN).await;
    assert!(shop.mails(PROVEN).await.iter().all(|mail| mail["kind"] != "confirm-email"), "its link could do nothing");
}

#[tokio::test]
async fn the_right_password_of_an_account_that_waits_is_answered_like_a_wrong_one_and_its_owner_gets_another_link() {
    let (shop, _) = shop().await;
    let before = shop.mails(WAITING).await.len();
    let wrong = login(&shop, WAITING, "Wr0ng!password").await;
    assert_eq!(shop.mails(WAITING).await.len(), before);
    let right = login(&shop, WAITING, PASSWORD).await;
    assert_eq!(right.problem(), (401, "invalid-credentials"));
    assert_eq!(seen(&right), seen(&wrong));
    let link = shop.mailed_link(WAITING, "verify-email").await;
    assert_eq!(shop.mails(WAITING).await.len(), before + 1);
    assert_eq!(shop.verify(&link).await.status, 200);
    assert_eq!(shop.log_in(WAITING).await.status, 200);
}

#[tokio::test]
async fn a_failed_sign_in_takes_as_long_as_the_operator_wants_at_least() {
    let shop = Shop::with(&[("FAILED_SIGN_IN_MIN_MS", "300")]);
    shop.member("ann@example.com").await;
    for email in ["ann@example.com", "nobody@example.com", "not an address"] {
        let begun = std::time::Instant::now();
        assert_eq!(login(&shop, email, "Wr0ng!password").await.status, 401);
        assert!(begun.elapsed() >= std::time::Duration::from_millis(300), "{email}");
    }
}
