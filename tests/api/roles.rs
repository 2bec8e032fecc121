//! Least privilege: each role allows what its function uses, no less (which every test enforces) and no more.

mod platform;

use std::collections::BTreeMap;
use std::sync::Arc;

use local::function::key_use;
use local::role::{Permission, Role};
use serde_json::{Value, json};
use template::{Function, Template};
use transport::Transport;
use transport::smtp::Password;
use user_app::keyring::KeyUse;
use user_config::Hidden;

use crate::mail::mail_to;
use crate::support::{PASSWORD, TestApp};

const NEW: &str = "Sh0rt-black-now";
const KEY: &str = "arn:aws:kms:local:111122223333:key/1";

async fn as_a_user(app: &TestApp) {
    let ann = app.member("ann@example.com").await;
    let call = async |method: &str, path: &str, body: Value| {
        let call = app.call(method.parse().unwrap(), path).bearer(&ann.access);
        assert!(call.json(body).send().await.status.as_u16() < 400, "{method} {path}");
    };
    app.clock.advance(61);
    call("GET", "/users/me", json!({})).await;
    call("PATCH", "/users/me", json!({ "first_name": "Ann" })).await;
    call("GET", "/users/me/sessions", json!({})).await;
    let other = app.log_in("ann@example.com").await;
    let sessions = app.get("/users/me/sessions").bearer(&ann.access).send().await;
    let other_id = sessions.json.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    call("DELETE", &format!("/users/me/sessions/{}", other_id["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(app.refresh(&other.text("refresh_token")).await.status, 401);
    call("PUT", "/users/me/password", json!({ "current_password": PASSWORD, "new_password": NEW })).await;
    call("POST", "/users/me/email", json!({ "new_email": "new@example.com", "password": NEW })).await;
    let (proof, notice) = (app.mailed_token("new@example.com").await, app.mailed_token("ann@example.com").await);
    call("POST", "/auth/confirm-email", json!({ "token": proof })).await;
    call("POST", "/auth/revert-email", json!({ "token": notice })).await;
    app.stranger("ann@example.com", PASSWORD).await;
    app.stranger("ann@example.com", NEW).await;
    app.forgot("ann@example.com").await;
    assert_eq!(app.reset(&app.mailed_token("ann@example.com").await, PASSWORD).await.status, 200);
    let pair = app.log_in("ann@example.com").await;
    app.refresh(&pair.text("refresh_token")).await;
    app.clock.advance(11);
    assert_eq!(app.refresh(&pair.text("refresh_token")).await.problem().1, "refresh-token-reused");
    let pair = app.log_in("ann@example.com").await;
    app.post("/auth/logout").json(json!({ "refresh_token": pair.text("refresh_token") })).send().await;
    let pair = app.log_in("ann@example.com").await;
    let gone = app.delete("/users/me").bearer(&pair.text("access_token")).json(json!({ "password": PASSWORD }));
    assert_eq!(gone.send().await.status, 204);
}

async fn as_an_admin(app: &TestApp) {
    let admin = app.admin("admin@example.com").await;
    let bob = app.member("bob@example.com").await;
    let path = format!("/users/{}", bob.id);
    let call = async |method: &str, path: &str, body: Value| {
        let call = app.call(method.parse().unwrap(), path).bearer(&admin.access);
        assert!(call.json(body).send().await.status.as_u16() < 400, "{method} {path}");
    };
    call("GET", "/users", json!({})).await;
    call("GET", &path, json!({})).await;
    call("GET", &format!("{path}/events"), json!({})).await;
    call("PUT", &format!("{path}/role"), json!({ "role": "admin" })).await;
    call("DELETE", &path, json!({})).await;
    app.get("/health/full").send().await;
    app.get("/.well-known/jwks.json").send().await;
    app.forgot("nobody@example.com").await;
    app.sign_up("bounce@simulator.amazonses.com").await;
    app.mails("bounce@simulator.amazonses.com").await;
    app.service.invoke("MailerFunction", json!({})).await.unwrap();
    for name in ["late", "also-late"] {
        app.sign_up(&format!("{name}@example.com")).await;
        app.post("/auth/resend-verification").json(json!({ "email": format!("{name}@example.com") })).send().await;
        app.mails(&format!("{name}@example.com")).await;
    }
    app.clock.advance(172_800 + 61);
    app.service.invoke("CleanupFunction", json!({})).await.unwrap();
    app.service.rotate("SigningSecret").await.unwrap();
    app.log_in("admin@example.com").await;
}

async fn as_a_collector(app: &TestApp) {
    crate::metrics::write(app, user_telemetry::metric::COLD_STARTS.name, &[], &json!(1));
    let token = crate::metrics::token(app);
    assert_eq!(app.get("/metrics").bearer(&token).send().await.status, 200);
}

/// A template with these settings.
fn template(settings: &[(&str, &str)]) -> Template {
    let value = |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Template::evaluate(value).unwrap()
}

/// The permissions that a function needs at its start; the local stack reads the secrets once for all functions.
fn at_start(binary: &str) -> Vec<Permission> {
    let decrypt = Permission::new("kms:Decrypt", KEY).with("secretsmanager.local.amazonaws.com");
    let read = |secret| vec![Permission::new("secretsmanager:GetSecretValue", secret), decrypt];
    match key_use(binary) {
        KeyUse::Sign => read("SigningSecret"),
        KeyUse::Verify => read("VerificationSecret"),
        KeyUse::Nothing => Vec::new(),
    }
}

#[tokio::test]
async fn each_role_allows_exactly_what_its_function_uses() {
    // A password whose hash has other parameters is hashed again.
    let settings =
        [("ARGON2_ITERATIONS", "2"), ("MAIL_BACKEND", "ses"), ("ENVIRONMENT", "staging"), ("KMS_KEY_ARN", KEY)];
    let app = TestApp::with(&settings);
    as_a_user(&app).await;
    as_an_admin(&app).await;
    as_a_collector(&app).await;
    let template = template(&settings);
    for (id, binary, function) in template.functions() {
        let role = &app.service.roles[id];
        let mut used = role.used();
        used.extend(at_start(binary));
        used.extend(platform::permissions(&template, function, Some(KEY)));
        assert_eq!(used, role.allowed(), "{id}");
    }
}

#[test]
fn what_a_stack_does_without_no_role_allows() {
    let key = ("KMS_KEY_ARN", KEY);
    let smtp = [("MAIL_BACKEND", "smtp"), ("SMTP_HOST", "mail.example"), ("SMTP_USER", "ann"), ("SMTP_PASSWORD", "p")];
    let roles = |settings: &[(&str, &str)]| {
        let template = template(settings);
        let role = |(id, _, function): (&str, &str, &Function)| {
            (id.to_owned(), Role::of(&template, function.role.trim_end_matches(".Arn")).allowed())
        };
        template.functions().map(role).collect::<BTreeMap<_, _>>()
    };
    let (all, plain, by_smtp) = (roles(&[key]), roles(&[]), roles(&smtp));
    for (id, allowed) in &all {
        let mut expected = allowed.clone();
        expected.retain(|permission| !permission.action.starts_with("kms:"));
        assert_eq!(plain[id], expected, "{id} without a key of the account's own");
        expected.retain(|permission| !permission.action.starts_with("ses:"));
        if ["HealthFunction", "MailerFunction"].contains(&id.as_str()) {
            assert!(expected.insert(Permission::new("secretsmanager:GetSecretValue", "MailSecret")));
        }
        assert_eq!(by_smtp[id], expected, "{id} with a mail server");
    }
    let nobody = [("MAIL_BACKEND", "smtp"), ("SMTP_HOST", "mail.example"), ("SMTP_PASSWORD", "p")];
    for (id, allowed) in roles(&nobody) {
        assert!(!allowed.iter().any(|permission| permission.resource == "MailSecret"), "{id}");
    }
}

#[tokio::test]
async fn a_call_that_a_role_does_not_allow_is_refused() {
    let app = TestApp::open();
    let sdk = app.aws().sdk_config_as(&app.service.roles["HealthFunction"], None);
    let client = aws_sdk_dynamodb::Client::new(&sdk);
    let refused = client.scan().table_name("UsersTable").send().await.unwrap_err();
    assert_eq!(refused.into_service_error().meta().code(), Some("AccessDeniedException"));
    assert_eq!(app.service.roles["HealthFunction"].take_refused().len(), 1);
}

#[tokio::test]
async fn a_role_that_is_about_a_few_items_reads_no_other() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let user = format!("USER#{}", ann.id);
    for (function, table, pk, allowed) in [
        ("HealthFunction", "UsersTable", "META#KEYS", true),
        ("HealthFunction", "UsersTable", user.as_str(), false),
        ("HealthFunction", "UsersTable", "EMAIL#ann@example.com", false),
        ("HealthFunction", "OutboxTable", "EMAIL#ann@example.com", false),
        ("HealthFunction", "EphemeralTable", user.as_str(), false),
        ("DiscoveryFunction", "UsersTable", "META#KEYS", true),
        ("DiscoveryFunction", "UsersTable", "META#ADMINS", false),
        ("DiscoveryFunction", "UsersTable", user.as_str(), false),
        ("RotationFunction", "UsersTable", user.as_str(), false),
        ("MailerFunction", "EphemeralTable", user.as_str(), false),
    ] {
        let sdk = app.aws().sdk_config_as(&app.service.roles[function], None);
        let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
        let get = aws_sdk_dynamodb::Client::new(&sdk).get_item().table_name(table).key("pk", text(pk));
        let outcome = get.key("sk", text("PROFILE")).send().await;
        let code = outcome.map_or_else(|error| error.into_service_error().meta().code().map(str::to_owned), |_| None);
        assert_eq!(code.as_deref(), (!allowed).then_some("AccessDeniedException"), "{function} {table} {pk}");
        assert_eq!(app.service.roles[function].take_refused().is_empty(), allowed);
    }
}

#[tokio::test]
async fn the_mailer_sends_from_the_configured_address_and_no_other() {
    let app = TestApp::with(&[("MAIL_BACKEND", "ses"), ("EMAILS_FROM_EMAIL", "No-Reply@shop.example")]);
    let sdk = app.aws().sdk_config_as(&app.service.roles["MailerFunction"], None);
    let mail = mail_to(&app, "ann@example.com");
    let password = Password::new(app.store(), Hidden::default());
    for (from, allowed) in
        [("No-Reply@shop.example", true), ("no-reply@shop.example", false), ("ceo@shop.example", false)]
    {
        let mut config = app.service.config.clone();
        config.emails_from_email = from.parse().unwrap();
        config.emails_from_name = "No-Reply@shop.example".to_owned();
        let transport = Transport::new(&config, &sdk, password.clone(), Arc::new(|_| Ok(()))).unwrap();
        let code = transport.send(&mail).await.map_or_else(|refusal| refusal.code, |_| String::new());
        assert_eq!(code, if allowed { "" } else { "ses-AccessDeniedException" }, "{from}");
        assert_eq!(app.service.roles["MailerFunction"].take_refused().is_empty(), allowed);
    }
}
