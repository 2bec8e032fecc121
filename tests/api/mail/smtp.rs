//! Emails over a real conversation with a mail server.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use transport::Transport;
use transport::smtp::Password;
use user_config::SmtpTls;
use user_core::message::MessageState;
use user_store::Store;

use super::server::{MailServer, Manner};
use super::{mail_to, messages, retry};
use crate::support::TestApp;

fn app_at(port: u16, tls: &str) -> TestApp {
    let port = port.to_string();
    TestApp::with(&[("MAIL_BACKEND", "smtp"), ("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", &port), ("SMTP_TLS", tls)])
}

/// The text of an email's first part, decoded (RFC 2045, 6.7 and 6.8).
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
async fn an_email_that_a_mail_server_accepted_leads_to_a_verified_address() {
    let server = MailServer::start().await;
    let app = app_at(server.port, "none");
    app.sign_up("ann@example.com").await;
    app.mails("").await;
    let [mail] = server.kept().try_into().unwrap();
    let id = messages(&app, "ann@example.com").await[0].id.clone();
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
    assert_eq!(app.verify(token).await.status, 200);
    let message = &messages(&app, "ann@example.com").await[0];
    assert_eq!((message.state, message.message_id.clone()), (MessageState::Sent, Some(format!("<{id}@example.com>"))));
}

#[tokio::test]
async fn mail_goes_to_the_domain_in_ascii() {
    let server = MailServer::start().await;
    let port = server.port.to_string();
    let by_smtp = [("MAIL_BACKEND", "smtp"), ("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", &port), ("SMTP_TLS", "none")];
    let sender = ("EMAILS_FROM_EMAIL", "No-Reply@B\u{fc}cher.example");
    let app = TestApp::with(&[&by_smtp[..], &[sender]].concat());
    app.sign_up("Ann@L\u{f6}wen.Example").await;
    app.mails("").await;
    let [mail] = server.kept().try_into().unwrap();
    for expected in [
        "MAIL FROM:<No-Reply@xn--bcher-kva.example>\n",
        "RCPT TO:<Ann@xn--lwen-5qa.example>\n",
        "From: \"Coffee Shop\" <No-Reply@xn--bcher-kva.example>\n",
        "To: Ann@xn--lwen-5qa.example\n",
    ] {
        assert!(mail.contains(expected), "{expected} is not in {mail}");
    }
    assert_eq!(messages(&app, "ann@l\u{f6}wen.example").await[0].state, MessageState::Sent);
}

#[tokio::test]
async fn mail_for_an_address_of_former_rules_goes_where_its_owner_reads_it() {
    for (former, mailbox) in [
        ("Ann@\u{ff45}xample.com", "Ann@example.com"),
        ("\"a..b\"@example.com", "\"a..b\"@example.com"),
        ("Zo\u{eb}@b\u{fc}cher.example", "Zo\u{eb}@xn--bcher-kva.example"),
    ] {
        let server = MailServer::start().await;
        let app = app_at(server.port, "none");
        let admin = app.admin("admin@example.org").await;
        app.stored_as("admin@example.org", &admin.id, former).await;
        app.forgot(former).await;
        app.mails("").await;
        assert_eq!(messages(&app, former).await[0].state, MessageState::Sent, "{former}");
        let mails = server.kept();
        assert!(mails.len() == 1 && mails[0].contains(&format!("RCPT TO:<{mailbox}>")), "{mails:?}");
    }
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again_and_one_for_good_is_not() {
    let server = MailServer::start().await;
    let app = app_at(server.port, "none");
    server.behave(Manner::Busy);
    app.sign_up("ann@example.com").await;
    app.mails("").await;
    let message = &messages(&app, "ann@example.com").await[0];
    assert_eq!((message.state, message.problem.as_deref()), (MessageState::Pending, Some("smtp-451")));
    server.behave(Manner::Closed);
    app.clock.advance(60);
    retry(&app).await;
    let message = &messages(&app, "ann@example.com").await[0];
    assert_eq!((message.state, message.problem.as_deref()), (MessageState::Failed, Some("smtp-550")));
    assert!(server.kept().is_empty());
}

#[tokio::test]
async fn a_server_that_offers_no_encryption_gets_no_email_when_it_is_wanted() {
    let server = MailServer::start().await;
    for tls in ["starttls", "implicit"] {
        let app = app_at(server.port, tls);
        app.sign_up("ann@example.com").await;
        app.mails("").await;
        let message = &messages(&app, "ann@example.com").await[0];
        assert_eq!(message.state, MessageState::Pending, "{tls}");
        assert!(message.problem.as_deref().unwrap().starts_with("smtp-"), "{tls} {:?}", message.problem);
    }
    assert!(server.kept().is_empty());
}

#[tokio::test]
async fn health_talks_with_the_mail_server() {
    let server = MailServer::start().await;
    let app = app_at(server.port, "none");
    let email = async || app.get("/health/full").send().await.json["checks"]["email"].clone();
    let good = email().await;
    assert_eq!((&good["status"], &good["backend"]), (&json!("healthy"), &json!("smtp")));
    server.behave(Manner::Silent);
    assert_eq!(email().await["status"], "healthy", "known for half a minute");
    app.clock.advance(30);
    let silent = app.get("/health/full").send().await;
    assert_eq!(silent.status, 503);
    assert_eq!(silent.json["checks"]["email"]["status"], "unhealthy");
    assert_eq!(silent.json["checks"]["database"]["status"], "healthy");
}

#[tokio::test]
async fn health_asks_ses_whether_the_account_may_send() {
    let app = super::by_ses();
    assert_eq!(app.get("/health/full").send().await.status, 200);
    app.aws().ses.pause(true);
    app.clock.advance(30);
    let full = app.get("/health/full").send().await;
    assert_eq!((full.status.as_u16(), &full.json["checks"]["email"]["status"]), (503, &json!("unhealthy")));
}

/// A user name, and a password that breaks many text formats.
const SIGNED_IN: [(&str, &str); 4] = [
    ("MAIL_BACKEND", "smtp"),
    ("SMTP_HOST", "mail.example"),
    ("SMTP_USER", "ann"),
    ("SMTP_PASSWORD", " q\"uo\\te $1 \u{e4}"),
];

#[tokio::test]
async fn the_password_of_the_mail_server_is_a_secret_that_is_read_as_it_is() {
    let app = TestApp::with(&SIGNED_IN);
    assert_eq!(app.store().read_mail_password().await.unwrap().0, SIGNED_IN[3].1);
    assert!(!format!("{:?}", app.service.config).contains("uo"));
    let nobody = TestApp::with(&SIGNED_IN[..2]);
    assert_eq!(nobody.store().read_mail_password().await.unwrap().0, "", "nobody signs in: nothing is read");
    let sdk = app.aws().sdk_config_as(&app.service.roles["AuthFunction"], None);
    let why = Store::connect(&sdk, &app.service.config).read_mail_password().await.unwrap_err().to_string();
    assert!(
        why.contains("the password of the mail server cannot be read from the secret MailSecret: AccessDen"),
        "{why}"
    );
    assert_eq!(app.service.roles["AuthFunction"].take_refused().len(), 1);
    let mut config = app.service.config.clone();
    config.smtp_secret_id = "Gone".to_owned();
    let sdk = app.aws().sdk_config();
    let why = Store::connect(&sdk, &config).read_mail_password().await.unwrap_err().to_string();
    assert!(why.contains("from the secret Gone: ResourceNotFoundException"), "{why}");
}

#[tokio::test]
async fn a_password_that_was_changed_is_read_again_when_the_server_refuses_the_old_one() {
    let server = MailServer::start().await;
    let app = TestApp::with(&SIGNED_IN);
    // Without TLS, although no start allows a user name without it.
    let mut config = app.service.config.clone();
    config.smtp_tls = SmtpTls::None;
    config.smtp_host = "127.0.0.1".to_owned();
    config.smtp_port = server.port;
    let password = Password::new(app.store(), app.store().read_mail_password().await.unwrap());
    let sdk = app.aws().sdk_config();
    let transport = Transport::new(&config, &sdk, password, Arc::new(|_| Ok(()))).unwrap();
    server.behave(Manner::Guarded(SIGNED_IN[3].1));
    transport.probe().await.unwrap();
    server.behave(Manner::Guarded("the next one"));
    assert!(transport.probe().await.unwrap_err().to_string().contains("smtp-535"));
    let put = json!({ "SecretId": "MailSecret", "ClientRequestToken": "next", "SecretString": "the next one" });
    let (status, _) = app.aws().answer("secretsmanager.PutSecretValue", put.to_string().as_bytes());
    assert_eq!(status, 200);
    let mail = mail_to(&app, "bob@example.com");
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
    let template = template::Template::evaluate(|name| settings.get(name).cloned()).unwrap();
    let (_, _, function) = template.functions().next().unwrap();
    let environment = template.environment(function);
    let error = user_config::Config::read(|name| environment.get(name).cloned()).unwrap_err();
    assert_eq!(error.0, ["SMTP_USER needs SMTP_PASSWORD, which the stack makes a secret of"]);
}
