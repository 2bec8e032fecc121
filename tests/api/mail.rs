//! The delivery of emails: mail servers, SES, bounces, retries, and messages that are given up.

mod feedback;
mod server;
mod smtp;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use local::aws::{Fate, Wire};
use serde_json::json;
use transport::Mail;
use user_core::email::Email;
use user_core::message::{Message, MessageState};

use crate::support::{PASSWORD, TestApp};

/// The stored messages to an address, newest first.
async fn messages(app: &TestApp, email: &str) -> Vec<Message> {
    app.store().messages_to(&Email::known(email).unwrap().key()).await.unwrap()
}

/// Runs the mailer as its schedule does.
async fn retry(app: &TestApp) {
    app.service.invoke("MailerFunction", json!({})).await.unwrap();
}

/// An email in the form in which it is sent to a mail server.
pub(crate) fn mail_to(app: &TestApp, to: &str) -> Mail {
    let hello = "Hello".to_owned();
    Mail {
        id: "1".to_owned(),
        to: to.parse().unwrap(),
        kind: "verify-email".to_owned(),
        subject: hello.clone(),
        text: hello.clone(),
        html: hello,
        sent_at: app.clock.now().to_string(),
    }
}

fn by_ses() -> TestApp {
    TestApp::with(&[("MAIL_BACKEND", "ses")])
}

#[tokio::test]
async fn an_email_is_written_in_the_language_that_its_reader_signed_up_in() {
    let app = TestApp::open();
    let body = json!({ "email": "uwe@example.com", "password": PASSWORD, "first_name": "Uwe" });
    let call = app.post("/auth/signup").header("accept-language", "fr;q=0.3, de-AT, en;q=0.5").json(body);
    assert_eq!(call.send().await.status, 201);
    let mail = &app.mails("uwe@example.com").await[0];
    assert_eq!(mail["subject"], "Bestätige deine Adresse für Coffee Shop API");
    assert!(mail["text"].as_str().unwrap().starts_with("Hallo,\n\nWillkommen"), "{mail}");
    assert!(mail["html"].as_str().unwrap().contains("<html lang=\"de\">"));
    // Later emails too, whoever requests them.
    app.forgot("uwe@example.com").await;
    assert_eq!(app.mails("uwe@example.com").await[0]["subject"], "Neues Passwort für Coffee Shop API");
}

#[tokio::test]
async fn emails_wait_while_the_service_is_away_and_go_out_when_it_is_back() {
    let app = by_ses();
    app.aws().ses.pause(true);
    app.sign_up("ann@example.com").await;
    assert!(app.mails("ann@example.com").await.is_empty());
    let [message] = messages(&app, "ann@example.com").await.try_into().unwrap();
    assert_eq!((message.state, message.attempts), (MessageState::Pending, 1));
    assert_eq!(message.problem.as_deref(), Some("ses-SendingPausedException"));
    retry(&app).await;
    assert_eq!(messages(&app, "ann@example.com").await[0].attempts, 1, "not before its time");
    app.clock.advance(60);
    retry(&app).await;
    assert_eq!(messages(&app, "ann@example.com").await[0].attempts, 2);
    app.aws().ses.pause(false);
    app.clock.advance(119);
    retry(&app).await;
    assert!(app.mails("ann@example.com").await.is_empty(), "the second wait is longer");
    app.clock.advance(1);
    retry(&app).await;
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
    assert_eq!(app.verify(&app.mailed_token("ann@example.com").await).await.status, 200);
    assert_eq!(messages(&app, "ann@example.com").await[0].state, MessageState::Sent);
}

#[tokio::test]
async fn an_email_that_comes_late_does_not_void_the_newer_one() {
    let app = by_ses();
    app.member("ann@example.com").await;
    app.aws().ses.pause(true);
    app.forgot("ann@example.com").await;
    app.mails("ann@example.com").await;
    app.aws().ses.pause(false);
    app.forgot("ann@example.com").await;
    let token = app.mailed_token("ann@example.com").await;
    let sent = app.mails("ann@example.com").await.len();
    app.clock.advance(60);
    retry(&app).await;
    assert_eq!(app.mails("ann@example.com").await.len(), sent + 1, "asking twice voids nothing");
    assert_eq!(app.reset(&token, "Sh0rt-black-now").await.status, 200);
    let late = app.mailed_link("ann@example.com", "reset-password").await;
    assert_ne!(late, token);
    assert_eq!(app.reset(&late, PASSWORD).await.problem(), (400, "invalid-token"), "the reset voided it");
}

#[tokio::test]
async fn a_message_that_the_stream_gave_up_is_found_by_the_schedule() {
    let app = TestApp::open();
    app.sign_up("ann@example.com").await;
    app.clock.advance(600);
    retry(&app).await;
    assert_eq!(app.service.inbox.mails(Some("ann@example.com")).unwrap().len(), 1);
}

#[tokio::test]
async fn an_email_that_is_never_accepted_is_given_up_and_an_operator_can_have_it_tried_again() {
    let app = by_ses();
    app.sign_up("ann@example.com").await;
    app.aws().ses.pause(true);
    app.mails("ann@example.com").await;
    for _ in 0..12 {
        app.clock.advance(3_600);
        retry(&app).await;
    }
    let [message] = messages(&app, "ann@example.com").await.try_into().unwrap();
    assert_eq!((message.state, message.attempts), (MessageState::Failed, 12));
    app.aws().ses.pause(false);
    app.clock.advance(86_400);
    retry(&app).await;
    assert!(app.mails("ann@example.com").await.is_empty());
    let dead = app.store().list_failed_messages(app.clock.now()).await.unwrap();
    assert_eq!(dead.iter().map(|message| message.id.clone()).collect::<Vec<_>>(), [message.id]);
    assert_eq!(userctl::mail::retry(&app.stage()).await.unwrap(), 1);
    retry(&app).await;
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
    assert!(app.store().list_failed_messages(app.clock.now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_mailer_that_dies_between_claiming_and_sending_costs_a_minute_and_no_email() {
    let app = TestApp::open();
    app.sign_up("ann@example.com").await;
    let [message] = messages(&app, "ann@example.com").await.try_into().unwrap();
    // What the mailer does before it dies.
    assert!(app.store().take_message(&message, app.clock.now()).await.unwrap().is_some());
    assert!(
        app.store().take_message(&message, app.clock.now()).await.unwrap().is_none(),
        "nobody else has it meanwhile"
    );
    assert!(app.mails("ann@example.com").await.is_empty());
    app.clock.advance(60);
    retry(&app).await;
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
}

#[tokio::test]
async fn a_lost_answer_to_claiming_a_message_is_no_reason_to_let_it_lie() {
    let lost = AtomicBool::new(false);
    let wire: Wire = Arc::new(move |target, body| {
        let takes = target.ends_with("UpdateItem") && String::from_utf8_lossy(body).contains("taker = :taker");
        if takes && !lost.swap(true, Ordering::SeqCst) { Fate::Unanswered } else { Fate::Arrives }
    });
    let app = TestApp::over(wire);
    app.sign_up("ann@example.com").await;
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
}
