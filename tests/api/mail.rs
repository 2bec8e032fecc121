//! How letters travel: a mail server, SES, what comes back, what is tried again and what is given up.

mod feedback;
mod server;
mod smtp;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use local::aws::{Fate, Wire};
use serde_json::json;
use transport::Mail;
use user_core::email::Email;
use user_core::letter::{Letter, State};

use crate::support::{PASSWORD, Shop};

/// The letters to an address as they stand, newest first.
async fn letters(shop: &Shop, email: &str) -> Vec<Letter> {
    shop.store().letters_to(&Email::known(email).unwrap().key()).await.unwrap()
}

/// The schedule's run of the mailer.
async fn retry(shop: &Shop) {
    shop.service.invoke("MailerFunction", json!({})).await.unwrap();
}

/// An email as it goes to a mail server.
pub(crate) fn mail_to(shop: &Shop, to: &str) -> Mail {
    let hello = "Hello".to_owned();
    Mail {
        id: "1".to_owned(),
        to: to.parse().unwrap(),
        kind: "verify-email".to_owned(),
        subject: hello.clone(),
        text: hello.clone(),
        html: hello,
        sent_at: shop.clock.now().to_string(),
    }
}

fn by_ses() -> Shop {
    Shop::with(&[("MAIL_BACKEND", "ses")])
}

#[tokio::test]
async fn a_letter_is_written_in_the_language_that_its_reader_signed_up_in() {
    let shop = Shop::open();
    let body = json!({ "email": "uwe@example.com", "password": PASSWORD, "first_name": "Uwe" });
    let call = shop.post("/auth/signup").header("accept-language", "fr;q=0.3, de-AT, en;q=0.5").json(body);
    assert_eq!(call.send().await.status, 201);
    let mail = &shop.mails("uwe@example.com").await[0];
    assert_eq!(mail["subject"], "Bestätige deine Adresse für Coffee Shop API");
    assert!(mail["text"].as_str().unwrap().starts_with("Hallo,\n\nWillkommen"), "{mail}");
    assert!(mail["html"].as_str().unwrap().contains("<html lang=\"de\">"));
    // Later letters too, whoever asks for them.
    shop.forgot("uwe@example.com").await;
    assert_eq!(shop.mails("uwe@example.com").await[0]["subject"], "Neues Passwort für Coffee Shop API");
}

#[tokio::test]
async fn letters_wait_while_the_service_is_away_and_go_out_when_it_is_back() {
    let shop = by_ses();
    shop.aws().ses.pause(true);
    shop.sign_up("ann@example.com").await;
    assert!(shop.mails("ann@example.com").await.is_empty());
    let [letter] = letters(&shop, "ann@example.com").await.try_into().unwrap();
    assert_eq!((letter.state, letter.attempts), (State::Pending, 1));
    assert_eq!(letter.problem.as_deref(), Some("ses-SendingPausedException"));
    retry(&shop).await;
    assert_eq!(letters(&shop, "ann@example.com").await[0].attempts, 1, "not before its time");
    shop.clock.advance(60);
    retry(&shop).await;
    assert_eq!(letters(&shop, "ann@example.com").await[0].attempts, 2);
    shop.aws().ses.pause(false);
    shop.clock.advance(119);
    retry(&shop).await;
    assert!(shop.mails("ann@example.com").await.is_empty(), "the second wait is longer");
    shop.clock.advance(1);
    retry(&shop).await;
    assert_eq!(shop.mails("ann@example.com").await.len(), 1);
    assert_eq!(shop.verify(&shop.mailed_token("ann@example.com").await).await.status, 200);
    assert_eq!(letters(&shop, "ann@example.com").await[0].state, State::Sent);
}

#[tokio::test]
async fn a_letter_that_comes_late_does_not_void_the_newer_one() {
    let shop = by_ses();
    shop.member("ann@example.com").await;
    shop.aws().ses.pause(true);
    shop.forgot("ann@example.com").await;
    shop.mails("ann@example.com").await;
    shop.aws().ses.pause(false);
    shop.forgot("ann@example.com").await;
    let token = shop.mailed_token("ann@example.com").await;
    let sent = shop.mails("ann@example.com").await.len();
    shop.clock.advance(60);
    retry(&shop).await;
    assert_eq!(shop.mails("ann@example.com").await.len(), sent + 1, "asking twice voids nothing");
    assert_eq!(shop.reset(&token, "Sh0rt-black-now").await.status, 200);
    let late = shop.mailed_link("ann@example.com", "reset-password").await;
    assert_ne!(late, token);
    assert_eq!(shop.reset(&late, PASSWORD).await.problem(), (400, "invalid-token"), "the reset voided it");
}

#[tokio::test]
async fn a_letter_that_the_stream_gave_up_is_found_by_the_schedule() {
    let shop = Shop::open();
    shop.sign_up("ann@example.com").await;
    shop.clock.advance(600);
    retry(&shop).await;
    assert_eq!(shop.service.inbox.mails(Some("ann@example.com")).unwrap().len(), 1);
}

#[tokio::test]
async fn a_letter_that_is_never_taken_is_given_up_and_an_operator_can_have_it_tried_again() {
    let shop = by_ses();
    shop.sign_up("ann@example.com").await;
    shop.aws().ses.pause(true);
    shop.mails("ann@example.com").await;
    for _ in 0..12 {
        shop.clock.advance(3_600);
        retry(&shop).await;
    }
    let [letter] = letters(&shop, "ann@example.com").await.try_into().unwrap();
    assert_eq!((letter.state, letter.attempts), (State::Failed, 12));
    shop.aws().ses.pause(false);
    shop.clock.advance(86_400);
    retry(&shop).await;
    assert!(shop.mails("ann@example.com").await.is_empty());
    let dead = shop.store().list_failed_letters(shop.clock.now()).await.unwrap();
    assert_eq!(dead.iter().map(|letter| letter.id.clone()).collect::<Vec<_>>(), [letter.id]);
    assert_eq!(userctl::mail::retry(&shop.stage()).await.unwrap(), 1);
    retry(&shop).await;
    assert_eq!(shop.mails("ann@example.com").await.len(), 1);
    assert!(shop.store().list_failed_letters(shop.clock.now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_mailer_that_dies_between_taking_and_sending_costs_a_minute_and_no_letter() {
    let shop = Shop::open();
    shop.sign_up("ann@example.com").await;
    let [letter] = letters(&shop, "ann@example.com").await.try_into().unwrap();
    // What it does before it dies.
    assert!(shop.store().take_letter(&letter, shop.clock.now()).await.unwrap().is_some());
    assert!(
        shop.store().take_letter(&letter, shop.clock.now()).await.unwrap().is_none(),
        "nobody else has it meanwhile"
    );
    assert!(shop.mails("ann@example.com").await.is_empty());
    shop.clock.advance(60);
    retry(&shop).await;
    assert_eq!(shop.mails("ann@example.com").await.len(), 1);
}

#[tokio::test]
async fn a_lost_answer_to_taking_a_letter_is_no_reason_to_let_it_lie() {
    let lost = AtomicBool::new(false);
    let wire: Wire = Arc::new(move |target, body| {
        let takes = target.ends_with("UpdateItem") && String::from_utf8_lossy(body).contains("taker = :taker");
        if takes && !lost.swap(true, Ordering::SeqCst) { Fate::Unanswered } else { Fate::Arrives }
    });
    let shop = Shop::over(wire);
    shop.sign_up("ann@example.com").await;
    assert_eq!(shop.mails("ann@example.com").await.len(), 1);
}
