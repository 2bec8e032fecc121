//! Nobody is counted: with `SIGNUP_ENUMERATION` private the answers, and the database calls behind them, are the same for an address with a
//! proven account, with one that never proved it, with one that is switched off or came without a password, for an address that an account
//! has left, and for one that nobody has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use local::aws::{Fate, Wire};
use serde_json::{Value, json};
use user_core::id::UserId;
use user_core::login::NO_PASSWORD;
use user_core::user::User;
use user_store::import::{Arrival, Landing};

use crate::support::{Answer, PASSWORD, Shop};

const PROVEN: &str = "proven@example.com";
const WAITING: &str = "waiting@example.com";
const OFF: &str = "off@example.com";
const FORMER: &str = "former@example.com";
const WITHOUT_PASSWORD: &str = "imported@example.com";
const NOBODY: &str = "nobody@example.com";

type Calls = Arc<Mutex<Vec<String>>>;

/// A service in private mode with an account of each kind, and the calls that it makes.
async fn shop() -> (Shop, Calls) {
    let calls = Calls::default();
    let seen = calls.clone();
    let wire: Wire = Arc::new(move |target, _| {
        seen.lock().unwrap().push(target.to_owned());
        Fate::Arrives
    });
    let shop = Shop::over_with(wire, &[("SIGNUP_ENUMERATION", "private"), ("RATE_LIMIT_AUTH", "5")]);
    shop.member(PROVEN).await;
    shop.sign_up(WAITING).await;
    shop.clock.advance(120);
    shop.member(OFF).await;
    userctl::command::set_active(&shop.stage(), &OFF.parse().unwrap(), false).await.unwrap();
    let mover = shop.member(FORMER).await;
    shop.clock.advance(120);
    shop.request_email(&mover, "moved@example.com").await;
    let link = shop.mailed_link("moved@example.com", "confirm-email").await;
    assert_eq!(shop.confirm_email(&mover.access, &link).await.status, 200);
    let mut user = User::new(UserId::of("imported"), WITHOUT_PASSWORD.parse().unwrap(), shop.clock.now());
    user.is_verified = true;
    let arrival = Arrival { user, password_hash: NO_PASSWORD.to_owned(), dated: true };
    assert_eq!(shop.store().take_in(&[arrival], true, shop.clock.now()).await.unwrap(), [Landing::Written]);
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

/// Asks the same of each of the addresses, on a service of its own; all must look alike, and take the same calls in any order.
async fn alike<F: Future<Output = Answer>>(ask: impl Fn(&'static Shop, &'static str) -> F) {
    let mut outcomes = Vec::new();
    for email in [NOBODY, PROVEN, WAITING, OFF, FORMER, WITHOUT_PASSWORD] {
        let (shop, calls) = shop().await;
        // The test's process ends soon; leaking is the simplest way to share.
        let shop: &'static Shop = Box::leak(Box::new(shop));
        // To the begin of a minute, so that as many of them are looked up.
        shop.clock.advance(180 - shop.clock.now().0.rem_euclid(60));
        calls.lock().unwrap().clear();
        let answer = ask(shop, email).await;
        let made = std::mem::take(&mut *calls.lock().unwrap());
        let made = made.into_iter().fold(BTreeMap::new(), |mut counts, target| {
            *counts.entry(target).or_insert(0) += 1;
            counts
        });
        outcomes.push((seen(&answer), made));
        assert_eq!(outcomes.last(), outcomes.first(), "{email}, and an address that nobody has");
    }
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
async fn a_login_that_is_refused_answers_alike_whatever_refuses_it() {
    let from = |shop: &'static Shop, email: &'static str, source: [u8; 4]| {
        let body = json!({ "email": email, "password": "Wr0ng!password" });
        shop.post("/auth/login").from(source).json(body).send()
    };
    let by_minute = |shop: &'static Shop, email: &'static str| async move {
        for network in 0..50 {
            assert_eq!(from(shop, email, [198, 51, 100, network]).await.status, 401);
        }
        let refused = from(shop, email, [203, 0, 113, 1]).await;
        assert_eq!(refused.problem(), (429, "throttled"));
        // In the network that the proven account is signed in from.
        assert_eq!(from(shop, email, [127, 0, 0, 1]).await.status, 429);
        refused
    };
    let by_network = |shop: &'static Shop, email: &'static str| async move {
        for _ in 0..11 {
            shop.clock.advance(60);
            assert_eq!(from(shop, email, [198, 51, 100, 1]).await.status, 401);
        }
        from(shop, email, [198, 51, 100, 1]).await
    };
    let by_day = |shop: &'static Shop, email: &'static str| async move {
        for n in 0..101 {
            shop.clock.advance(10);
            assert_eq!(from(shop, email, [198, 51, 100, n % 25]).await.status, 401, "{email} {n}");
        }
        let refused = from(shop, email, [203, 0, 113, 1]).await;
        assert_eq!(refused.problem(), (429, "throttled"));
        refused
    };
    alike(by_minute).await;
    alike(by_network).await;
    alike(by_day).await;
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
