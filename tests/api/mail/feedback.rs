//! Reports of SES, for addresses of its mailbox simulator.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use user_core::email::Email;
use user_core::message::MessageState;
use userctl::outcome::Outcome;

use super::{by_ses, messages};
use crate::support::TestApp;

const BOUNCE: &str = "bounce+ann@simulator.amazonses.com";
const COMPLAINT: &str = "complaint@simulator.amazonses.com";

/// SES reports that the newest email to an address bounced, with the recipient in this form.
async fn bounce(app: &TestApp, email: &str, recipient: &str) {
    let mut event: Value = serde_json::from_str(include_str!("../../../events/feedback-bounce.json")).unwrap();
    event["detail"]["mail"]["tags"]["letter"] = json!([messages(app, email).await[0].id]);
    event["detail"]["mail"]["destination"] = json!([recipient]);
    app.service.invoke("FeedbackFunction", event).await.unwrap();
}

/// Requests a reset, and returns the state of its message.
async fn state_of_reset(app: &TestApp, email: &str) -> MessageState {
    app.clock.advance(3_600);
    app.forgot(email).await;
    app.mails("").await;
    messages(app, email).await[0].state
}

/// Removes the account of an address, and signs up again with that address.
async fn anew(app: &TestApp, email: &str) {
    userctl::command::delete(&app.stage(), &email.parse().unwrap()).await.unwrap();
    assert_eq!(app.sign_up(email).await.status, 201);
    app.mails("").await;
}

#[tokio::test]
async fn a_bounce_stops_the_mailbox_that_bounced_and_no_other_one_of_its_address() {
    let app = by_ses();
    app.sign_up("Ann@example.com").await;
    app.mails("").await;
    bounce(&app, "ann@example.com", "\"Ann\" <Ann@EXAMPLE.com>").await;
    assert_eq!(state_of_reset(&app, "ann@example.com").await, MessageState::Suppressed, "it goes to Ann@");
    anew(&app, "ann@example.com").await;
    assert_eq!(state_of_reset(&app, "ANN@example.com").await, MessageState::Sent, "it goes to ann@");
    bounce(&app, "ann@example.com", "ann@example.com").await;
    assert_eq!(state_of_reset(&app, "Ann@example.com").await, MessageState::Suppressed);

    let email = "ANN@example.com".parse().unwrap();
    let status = userctl::mail::status(&app.stage(), &email).await.unwrap();
    let mut mailboxes: Vec<_> = status.marks.iter().map(|mark| mark.mailbox.as_ref().unwrap().as_str()).collect();
    mailboxes.sort_unstable();
    assert_eq!(mailboxes, ["Ann@example.com", "ann@example.com"]);
    let shown = Outcome::Mail(Box::new(status));
    assert!(shown.text().contains("\nAnn@example.com gets no emails since "), "{}", shown.text());
    assert_eq!(shown.json()["undeliverable"].as_array().unwrap().len(), 2);
    let status = userctl::mail::allow(&app.stage(), &email).await.unwrap();
    assert!(status.marks.is_empty() && Outcome::Mail(Box::new(status)).text().contains("gets emails"));
    assert_eq!(state_of_reset(&app, "ann@example.com").await, MessageState::Sent);
    anew(&app, "Ann@example.com").await;
    assert_eq!(state_of_reset(&app, "ann@example.com").await, MessageState::Sent);
}

#[tokio::test]
async fn a_mark_of_a_former_release_stops_every_mailbox_of_its_address_until_it_ends_or_is_lifted() {
    let app = by_ses();
    let mark = async || {
        let [text, number] = [AttributeValue::S, AttributeValue::N];
        let item = HashMap::from([
            ("pk".to_owned(), text("EMAIL#ann@example.com".to_owned())),
            ("sk".to_owned(), text("DELIVERY".to_owned())),
            ("reason".to_owned(), text("bounce-permanent-general".to_owned())),
            ("since".to_owned(), number(app.clock.now().0.to_string())),
            ("purge_after".to_owned(), number(app.clock.now().plus(86_400).0.to_string())),
        ]);
        app.database_client().put_item().table_name("UsersTable").set_item(Some(item)).send().await.unwrap();
    };
    mark().await;
    app.sign_up("Ann@example.com").await;
    assert_eq!(state_of_reset(&app, "ann@example.com").await, MessageState::Suppressed);
    anew(&app, "ann@example.com").await;
    assert_eq!(state_of_reset(&app, "ann@example.com").await, MessageState::Suppressed);
    let email = "ann@example.com".parse().unwrap();
    let status = userctl::mail::status(&app.stage(), &email).await.unwrap();
    assert_eq!((status.marks.len(), &status.marks[0].mailbox), (1, &None));
    assert!(Outcome::Mail(Box::new(status)).text().contains("in every letter case, gets no emails"));
    app.clock.advance(86_400);
    assert_eq!(state_of_reset(&app, "ann@example.com").await, MessageState::Sent, "its time is over");
    mark().await;
    assert_eq!(state_of_reset(&app, "ann@example.com").await, MessageState::Suppressed);
    assert!(userctl::mail::allow(&app.stage(), &email).await.unwrap().marks.is_empty());
    assert_eq!(state_of_reset(&app, "ann@example.com").await, MessageState::Sent);
}

#[tokio::test]
async fn an_address_that_sends_emails_back_gets_no_more_until_it_is_allowed_to() {
    let app = by_ses();
    app.sign_up(BOUNCE).await;
    assert_eq!(app.mails(BOUNCE).await.len(), 1);
    let message = &messages(&app, BOUNCE).await[0];
    assert_eq!((message.state, message.problem.as_deref()), (MessageState::Bounced, Some("bounce-permanent-general")));
    assert!(message.message_id.as_deref().unwrap().starts_with("ses-"));
    app.forgot(BOUNCE).await;
    assert_eq!(app.mails(BOUNCE).await.len(), 1, "suppressed");
    let messages = messages(&app, BOUNCE).await;
    let mut states: Vec<_> = messages.iter().map(|message| message.state.as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["bounced", "suppressed"]);
    let email = BOUNCE.parse().unwrap();
    let status = userctl::mail::status(&app.stage(), &email).await.unwrap();
    assert_eq!(status.marks[0].reason, "bounce-permanent-general");
    assert_eq!(status.messages.len(), 2);
    userctl::mail::allow(&app.stage(), &email).await.unwrap();
    app.forgot(BOUNCE).await;
    assert_eq!(app.mails(BOUNCE).await.len(), 2, "sent once more, and come back once more");
    assert!(userctl::mail::status(&app.stage(), &email).await.unwrap().marks.len() == 1);
}

#[tokio::test]
async fn a_reader_who_calls_an_email_spam_gets_no_more_and_a_new_address_does() {
    let app = by_ses();
    let ann = app.member(COMPLAINT).await;
    assert_eq!(app.request_email(&ann, "ann@example.com").await.status, 202);
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
    assert_eq!(app.mails(COMPLAINT).await.len(), 1, "the notice to the old address is suppressed");
    let proof = app.mailed_token("ann@example.com").await;
    assert_eq!(app.confirm_email(&ann.access, &proof).await.status, 200);
    app.forgot("ann@example.com").await;
    assert_eq!(app.mails("ann@example.com").await.len(), 2, "the account gets emails again");
}

#[tokio::test]
async fn a_report_about_a_mail_of_somebody_else_changes_nothing() {
    let app = by_ses();
    app.sign_up("ann@example.com").await;
    app.mails("ann@example.com").await;
    let mut event: Value = serde_json::from_str(include_str!("../../../events/feedback-bounce.json")).unwrap();
    event["detail"]["mail"]["tags"] = json!({ "ses:configuration-set": ["MailConfiguration"] });
    app.service.invoke("FeedbackFunction", event).await.unwrap();
    assert_eq!(messages(&app, "ann@example.com").await[0].state, MessageState::Sent);
    let email = "ann@example.com".parse().unwrap();
    assert!(userctl::mail::status(&app.stage(), &email).await.unwrap().marks.is_empty());
    assert!(app.service.invoke("FeedbackFunction", json!({ "detail": {} })).await.is_err());
}

#[tokio::test]
async fn a_report_that_names_the_domain_in_ascii_finds_its_message_and_its_account() {
    let app = by_ses();
    app.sign_up("Ann@B\u{fc}cher.Example").await;
    let sent = app.mails("Ann@xn--bcher-kva.example").await;
    assert_eq!((sent.len(), &sent[0]["to"]), (1, &json!("Ann@xn--bcher-kva.example")));
    bounce(&app, "ann@b\u{fc}cher.example", "Ann@xn--bcher-kva.example").await;
    assert_eq!(messages(&app, "ann@b\u{fc}cher.example").await[0].state, MessageState::Bounced);
    let email = "ann@b\u{fc}cher.example".parse().unwrap();
    let status = userctl::mail::status(&app.stage(), &email).await.unwrap();
    assert!(
        status.user.is_some() && status.marks[0].stops(&Email::known("Ann@b\u{fc}cher.example").unwrap().mailbox())
    );
}

#[tokio::test]
async fn ses_refuses_an_address_outside_ascii_for_good() {
    let app = by_ses();
    let admin = app.admin("admin@example.org").await;
    app.stored_as("admin@example.org", &admin.id, "zo\u{eb}@example.org").await;
    app.forgot("zo\u{eb}@example.org").await;
    app.mails("").await;
    let message = &messages(&app, "zo\u{eb}@example.org").await[0];
    assert_eq!((message.state, message.problem.as_deref()), (MessageState::Failed, Some("ses-BadRequestException")));
}

#[tokio::test]
async fn a_report_that_comes_twice_or_before_the_note_that_the_message_was_sent_counts_once() {
    let app = by_ses();
    app.sign_up("ann@example.com").await;
    let message = messages(&app, "ann@example.com").await.remove(0);
    for _ in 0..2 {
        bounce(&app, "ann@example.com", "ann@example.com").await;
    }
    let late =
        app.store().settle_message(&message, MessageState::Sent, (Some("m"), None), app.clock.now()).await.unwrap();
    assert!(!late);
    assert_eq!(messages(&app, "ann@example.com").await[0].state, MessageState::Bounced);
}
