//! What SES reports, by addresses of its mailbox simulator.

use serde_json::{Value, json};
use user_core::letter::State;

use super::{by_ses, letters};

const BOUNCE: &str = "bounce+ann@simulator.amazonses.com";
const COMPLAINT: &str = "complaint@simulator.amazonses.com";

#[tokio::test]
async fn an_address_that_sends_letters_back_gets_no_more_until_it_is_allowed_to() {
    let shop = by_ses();
    shop.sign_up(BOUNCE).await;
    assert_eq!(shop.mails(BOUNCE).await.len(), 1);
    let letter = &letters(&shop, BOUNCE).await[0];
    assert_eq!((letter.state, letter.problem.as_deref()), (State::Bounced, Some("bounce-permanent-general")));
    assert!(letter.message_id.as_deref().unwrap().starts_with("ses-"));
    shop.forgot(BOUNCE).await;
    assert_eq!(shop.mails(BOUNCE).await.len(), 1, "suppressed");
    let mut states: Vec<_> = letters(&shop, BOUNCE).await.iter().map(|letter| letter.state.as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["bounced", "suppressed"]);
    let email = BOUNCE.parse().unwrap();
    let status = userctl::mail::status(&shop.stage(), &email).await.unwrap();
    assert_eq!(status.mark.unwrap().reason, "bounce-permanent-general");
    assert_eq!(status.letters.len(), 2);
    userctl::mail::allow(&shop.stage(), &email).await.unwrap();
    shop.forgot(BOUNCE).await;
    assert_eq!(shop.mails(BOUNCE).await.len(), 2, "sent once more, and come back once more");
    assert!(userctl::mail::status(&shop.stage(), &email).await.unwrap().mark.is_some());
}

#[tokio::test]
async fn a_reader_who_calls_a_letter_spam_gets_no_more_and_a_new_address_does() {
    let shop = by_ses();
    let ann = shop.member(COMPLAINT).await;
    assert_eq!(shop.request_email(&ann, "ann@example.com").await.status, 202);
    assert_eq!(shop.mails("ann@example.com").await.len(), 1);
    assert_eq!(shop.mails(COMPLAINT).await.len(), 1, "the notice to the old address is suppressed");
    let proof = shop.mailed_token("ann@example.com").await;
    assert_eq!(shop.confirm_email(&ann.access, &proof).await.status, 200);
    shop.forgot("ann@example.com").await;
    assert_eq!(shop.mails("ann@example.com").await.len(), 2, "the account has letters again");
}

#[tokio::test]
async fn a_report_about_a_mail_of_somebody_else_changes_nothing() {
    let shop = by_ses();
    shop.sign_up("ann@example.com").await;
    shop.mails("ann@example.com").await;
    let mut event: Value = serde_json::from_str(include_str!("../../../events/feedback-bounce.json")).unwrap();
    event["detail"]["mail"]["tags"] = json!({ "ses:configuration-set": ["MailConfiguration"] });
    shop.service.invoke("FeedbackFunction", event).await.unwrap();
    assert_eq!(letters(&shop, "ann@example.com").await[0].state, State::Sent);
    let email = "ann@example.com".parse().unwrap();
    assert!(userctl::mail::status(&shop.stage(), &email).await.unwrap().mark.is_none());
    assert!(shop.service.invoke("FeedbackFunction", json!({ "detail": {} })).await.is_err());
}

#[tokio::test]
async fn a_report_that_names_the_domain_in_ascii_finds_its_letter_and_its_account() {
    let shop = by_ses();
    shop.sign_up("Ann@B\u{fc}cher.Example").await;
    let sent = shop.mails("Ann@xn--bcher-kva.example").await;
    assert_eq!((sent.len(), &sent[0]["to"]), (1, &json!("Ann@xn--bcher-kva.example")));
    let letter = letters(&shop, "ann@b\u{fc}cher.example").await.remove(0);
    let mut event: Value = serde_json::from_str(include_str!("../../../events/feedback-bounce.json")).unwrap();
    event["detail"]["mail"]["tags"]["letter"] = json!([letter.id]);
    event["detail"]["mail"]["destination"] = json!(["Ann@xn--bcher-kva.example"]);
    shop.service.invoke("FeedbackFunction", event).await.unwrap();
    assert_eq!(letters(&shop, "ann@b\u{fc}cher.example").await[0].state, State::Bounced);
    let email = "ann@b\u{fc}cher.example".parse().unwrap();
    let status = userctl::mail::status(&shop.stage(), &email).await.unwrap();
    assert!(status.user.is_some() && status.mark.is_some());
}

#[tokio::test]
async fn ses_refuses_an_address_outside_ascii_for_good() {
    let shop = by_ses();
    let admin = shop.admin("admin@example.org").await;
    shop.stored_as("admin@example.org", &admin.id, "zo\u{eb}@example.org").await;
    shop.forgot("zo\u{eb}@example.org").await;
    shop.mails("").await;
    let letter = &letters(&shop, "zo\u{eb}@example.org").await[0];
    assert_eq!((letter.state, letter.problem.as_deref()), (State::Failed, Some("ses-BadRequestException")));
}

#[tokio::test]
async fn a_report_that_comes_twice_or_before_the_note_that_the_letter_was_sent_counts_once() {
    let shop = by_ses();
    shop.sign_up("ann@example.com").await;
    let letter = letters(&shop, "ann@example.com").await.remove(0);
    let mut event: Value = serde_json::from_str(include_str!("../../../events/feedback-bounce.json")).unwrap();
    event["detail"]["mail"]["tags"]["letter"] = json!([letter.id]);
    for _ in 0..2 {
        shop.service.invoke("FeedbackFunction", event.clone()).await.unwrap();
    }
    let late = shop.store().settle_letter(&letter, State::Sent, (Some("m"), None), shop.clock.now()).await.unwrap();
    assert!(!late);
    assert_eq!(letters(&shop, "ann@example.com").await[0].state, State::Bounced);
}
