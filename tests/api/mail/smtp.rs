//! Letters by a real conversation with a mail server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use user_core::letter::State;

use super::server::{MailServer, Manner};
use super::{letters, retry};
use crate::support::Shop;

fn shop_at(port: u16, tls: &str) -> Shop {
    let port = port.to_string();
    Shop::with(&[("MAIL_BACKEND", "smtp"), ("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", &port), ("SMTP_TLS", tls)])
}

/// The text of a message's first part, decoded (RFC 2045, 6.7 and 6.8).
fn text_of(message: &str) -> String {
    let part = message.split("Content-Type: text/plain").nth(1).unwrap();
    let (head, body) = part.split_once("\n\n").unwrap();
    let body = body.split("\n--").next().unwrap();
    if head.contains("base64") {
        return String::from_utf8(STANDARD.decode(body.replace('\n', "")).unwrap()).unwrap();
    }
    body.replace("=\n", "").replace("=3D", "=")
}

#[tokio::test]
async fn a_letter_that_a_mail_server_took_leads_to_a_verified_address() {
    let server = MailServer::start().await;
    let shop = shop_at(server.port, "none");
    shop.sign_up("ann@example.com").await;
    shop.mails("").await;
    let [mail] = server.kept().try_into().unwrap();
    let id = letters(&shop, "ann@example.com").await[0].id.clone();
    for expected in [
        "MAIL FROM:<no-reply@example.com>",
        "RCPT TO:<ann@example.com>",
        "From: \"Coffee Shop\" <no-reply@example.com>",
        "To: ann@example.com",
        "Subject: Verify your address for Coffee Shop API",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/html; charset=utf-8",
        &format!("Message-ID: <{id}@example.com>"),
    ] {
        assert!(mail.contains(expected), "{expected} is not in {mail}");
    }
    let text = text_of(&mail);
    let token = text.split("?token=").nth(1).unwrap().split_whitespace().next().unwrap();
    assert_eq!(shop.verify(token).await.status, 200);
    let letter = &letters(&shop, "ann@example.com").await[0];
    assert_eq!((letter.state, letter.message_id.clone()), (State::Sent, Some(format!("<{id}@example.com>"))));
}

#[tokio::test]
async fn mail_goes_to_the_domain_in_ascii() {
    let server = MailServer::start().await;
    let port = server.port.to_string();
    let by_smtp = [("MAIL_BACKEND", "smtp"), ("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", &port), ("SMTP_TLS", "none")];
    let sender = ("EMAILS_FROM_EMAIL", "No-Reply@B\u{fc}cher.example");
    let shop = Shop::with(&[&by_smtp[..], &[sender]].concat());
    shop.sign_up("Ann@L\u{f6}wen.Example").await;
    shop.mails("").await;
    let [mail] = server.kept().try_into().unwrap();
    for expected in [
        "MAIL FROM:<No-Reply@xn--bcher-kva.example>\n",
        "RCPT TO:<Ann@xn--lwen-5qa.example>\n",
        "From: \"Coffee Shop\" <No-Reply@xn--bcher-kva.example>\n",
        "To: Ann@xn--lwen-5qa.example\n",
    ] {
        assert!(mail.contains(expected), "{expected} is not in {mail}");
    }
    assert_eq!(letters(&shop, "ann@l\u{f6}wen.example").await[0].state, State::Sent);
}

#[tokio::test]
async fn mail_for_an_address_of_former_rules_goes_where_its_owner_reads_it() {
    for (former, mailbox) in [
        ("Ann@\u{ff45}xample.com", "Ann@example.com"),
        ("\"a..b\"@example.com", "\"a..b\"@example.com"),
        ("Zo\u{eb}@b\u{fc}cher.example", "Zo\u{eb}@xn--bcher-kva.example"),
    ] {
        let server = MailServer::start().await;
        let shop = shop_at(server.port, "none");
        let admin = shop.admin("admin@example.org").await;
        shop.stored_as("admin@example.org", &admin.id, former).await;
        shop.forgot(former).await;
        shop.mails("").await;
        assert_eq!(letters(&shop, former).await[0].state, State::Sent, "{former}");
        let mails = server.kept();
        assert!(mails.len() == 1 && mails[0].contains(&format!("RCPT TO:<{mailbox}>")), "{mails:?}");
    }
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again_and_one_for_good_is_not() {
    let server = MailServer::start().await;
    let shop = shop_at(server.port, "none");
    server.behave(Manner::Busy);
    shop.sign_up("ann@example.com").await;
    shop.mails("").await;
    let letter = &letters(&shop, "ann@example.com").await[0];
    assert_eq!((letter.state, letter.problem.as_deref()), (State::Pending, Some("smtp-451")));
    server.behave(Manner::Closed);
    shop.clock.advance(60);
    retry(&shop).await;
    let letter = &letters(&shop, "ann@example.com").await[0];
    assert_eq!((letter.state, letter.problem.as_deref()), (State::Failed, Some("smtp-550")));
    assert!(server.kept().is_empty());
}

#[tokio::test]
async fn a_server_that_offers_no_encryption_gets_no_letter_when_it_is_wanted() {
    let server = MailServer::start().await;
    for tls in ["starttls", "implicit"] {
        let shop = shop_at(server.port, tls);
        shop.sign_up("ann@example.com").await;
        shop.mails("").await;
        let letter = &letters(&shop, "ann@example.com").await[0];
        assert_eq!(letter.state, State::Pending, "{tls}");
        assert!(letter.problem.as_deref().unwrap().starts_with("smtp-"), "{tls} {:?}", letter.problem);
    }
    assert!(server.kept().is_empty());
}

#[tokio::test]
async fn health_talks_with_the_mail_server() {
    let server = MailServer::start().await;
    let shop = shop_at(server.port, "none");
    let email = async || shop.get("/health/full").send().await.json["checks"]["email"].clone();
    let good = email().await;
    assert_eq!((&good["status"], &good["backend"]), (&json!("healthy"), &json!("smtp")));
    server.behave(Manner::Silent);
    assert_eq!(email().await["status"], "healthy", "known for half a minute");
    shop.clock.advance(30);
    let silent = shop.get("/health/full").send().await;
    assert_eq!(silent.status, 503);
    assert_eq!(silent.json["checks"]["email"]["status"], "unhealthy");
    assert_eq!(silent.json["checks"]["database"]["status"], "healthy");
}

#[tokio::test]
async fn health_asks_ses_whether_the_account_may_send() {
    let shop = super::by_ses();
    assert_eq!(shop.get("/health/full").send().await.status, 200);
    shop.aws().ses.pause(true);
    shop.clock.advance(30);
    let full = shop.get("/health/full").send().await;
    assert_eq!((full.status.as_u16(), &full.json["checks"]["email"]["status"]), (503, &json!("unhealthy")));
}
