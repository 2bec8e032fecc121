//! Letters by a real conversation with a mail server.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use transport::Transport;
use transport::smtp::Password;
use user_config::SmtpTls;
use user_core::letter::State;
use user_store::Store;

use super::server::{MailServer, Manner};
use super::{letters, mail_to, retry};
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

/// Somebody signs in, with a password that many a text would break.
const SIGNED_IN: [(&str, &str); 4] = [
    ("MAIL_BACKEND", "smtp"),
    ("SMTP_HOST", "mail.example"),
    ("SMTP_USER", "ann"),
    ("SMTP_PASSWORD", " q\"uo\\te $1 \u{e4}"),
];

#[tokio::test]
async fn the_password_of_the_mail_server_is_a_secret_that_is_read_as_it_is() {
    let shop = Shop::with(&SIGNED_IN);
    assert_eq!(shop.store().read_mail_password().await.unwrap().0, SIGNED_IN[3].1);
    assert!(!format!("{:?}", shop.service.config).contains("uo"));
    let nobody = Shop::with(&SIGNED_IN[..2]);
    assert_eq!(nobody.store().read_mail_password().await.unwrap().0, "", "nobody signs in: nothing is read");
    let sdk = shop.aws().sdk_config_as(&shop.service.roles["AuthFunction"], None);
    let why = Store::connect(&sdk, &shop.service.config).read_mail_password().await.unwrap_err().to_string();
    assert!(
        why.contains("the password of the mail server cannot be read from the secret MailSecret: AccessDen"),
        "{why}"
    );
    assert_eq!(shop.service.roles["AuthFunction"].take_refused().len(), 1);
    let mut config = shop.service.config.clone();
    config.smtp_secret_id = "Gone".to_owned();
    let sdk = shop.aws().sdk_config();
    let why = Store::connect(&sdk, &config).read_mail_password().await.unwrap_err().to_string();
    assert!(why.contains("from the secret Gone: ResourceNotFoundException"), "{why}");
}

#[tokio::test]
async fn a_password_that_was_changed_is_read_again_when_the_server_refuses_the_old_one() {
    let server = MailServer::start().await;
    let shop = Shop::with(&SIGNED_IN);
    // Without TLS, which no start allows a user.
    let mut config = shop.service.config.clone();
    config.smtp_tls = SmtpTls::None;
    config.smtp_host = "127.0.0.1".to_owned();
    config.smtp_port = server.port;
    let password = Password::new(shop.store(), shop.store().read_mail_password().await.unwrap());
    let sdk = shop.aws().sdk_config();
    let transport = Transport::new(&config, &sdk, password, Arc::new(|_| Ok(()))).unwrap();
    server.behave(Manner::Guarded(SIGNED_IN[3].1));
    transport.probe().await.unwrap();
    server.behave(Manner::Guarded("the next one"));
    assert!(transport.probe().await.unwrap_err().to_string().contains("smtp-535"));
    let put = json!({ "SecretId": "MailSecret", "ClientRequestToken": "next", "SecretString": "the next one" });
    let (status, _) = shop.aws().answer("secretsmanager.PutSecretValue", put.to_string().as_bytes());
    assert_eq!(status, 200);
    let mail = mail_to(&shop, "bob@example.com");
    assert_eq!(transport.send(&mail).await.unwrap(), "<1@example.com>");
    assert_eq!(server.kept().len(), 1);
    server.behave(Manner::Guarded("yet another"));
    let refusal = transport.send(&mail).await.unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.is_permanent), ("smtp-535", false));
}

#[test]
fn a_user_without_a_password_does_not_start() {
    let mut settings: std::collections::BTreeMap<_, _> =
        SIGNED_IN.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    settings.insert("SMTP_PASSWORD".to_owned(), String::new());
    let template = local::template::Template::evaluate(|name| settings.get(name).cloned()).unwrap();
    let (_, _, function) = template.functions().next().unwrap();
    let environment = template.environment(function);
    let error = user_config::Config::read(|name| environment.get(name).cloned()).unwrap_err();
    assert_eq!(error.0, ["SMTP_USER needs SMTP_PASSWORD, which the stack makes a secret of"]);
}
