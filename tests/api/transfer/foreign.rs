use serde_json::json;
use userctl::transfer::Format;
use userctl::transfer::import::Source;

use super::{BCRYPT, import_text, line};
use crate::support::{PASSWORD, TestApp};

/// Hashes of [`PASSWORD`] by passlib and Django.
const HASHES: [&str; 7] = [
    BCRYPT,
    "$2y$04$8CRWz3Q6iq7HFFpn5NrPZ.UgOlTxI6U/BPziAefzLO/qpCf1uOOM2",
    "$argon2id$v=19$m=1024,t=2,p=4$QAghhNCak1KqFeIcA6D0Xg$fRML8yqbItwA7tAG+6Iw11W6/3ad9aWiR38W658Gtqk",
    "$argon2i$v=19$m=512,t=3,p=1$LOXc2/t/T0nJ2ZtTqpWyFg$rgvNHLfKyH3HWQisFHnUHYk6RxDWPsOOS9g9JBdrg4U",
    "pbkdf2_sha256$1000$seasalt$x6i8vH8G7OQvvd2G0JRN7Pw7EgEovqZ2Y0J3rK68wCg=",
    "$scrypt$ln=8,r=8,p=1$fy+l9L6XkjIGIMT4vxfCWA$et1l6zRT02p78PHZE7vv3UFRQFyelJedJFEWnVwQCPA",
    "{SSHA}15RmVX8dNxilWccVtewqnJj5m5/1fk+J",
];

async fn hash(app: &TestApp, email: &str) -> String {
    let email: user_core::email::Email = email.parse().unwrap();
    app.store().read_login(&email.key()).await.unwrap().unwrap().password_hash
}

#[tokio::test]
async fn the_old_password_signs_in_and_its_hash_is_todays_afterwards() {
    let app = TestApp::open();
    let rows: String = (1..)
        .zip(HASHES)
        .map(|(n, hash)| line(n, hash).replace("\"is_verified\":false", "\"is_verified\":true"))
        .collect();
    let (summary, rejected) = import_text(&app, &rows, Source::Export(Format::Jsonl)).await;
    assert_eq!((summary.written, rejected), (7, vec![]));
    for n in 1..=HASHES.len() {
        let email = format!("user{n}@example.com");
        assert_eq!(app.stranger(&email, "Wr0ng!password").await.problem(), (401, "invalid-credentials"));
        assert_eq!(hash(&app, &email).await, HASHES[n - 1], "a wrong password changes nothing");
        for _ in 0..2 {
            assert_eq!(app.log_in(&email).await.status, 200, "{}", HASHES[n - 1]);
            assert!(hash(&app, &email).await.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", HASHES[n - 1]);
        }
    }
    let (again, _) = import_text(&app, &rows, Source::Export(Format::Jsonl)).await;
    assert_eq!((again.known, again.written), (7, 0), "a second run leaves new hashes as they are");
}

#[tokio::test]
async fn a_user_of_a_dump_of_postgres_keeps_id_role_flags_and_password() {
    let app = TestApp::open();
    let dump = format!(
        "-- PostgreSQL database dump\nCOPY public.users (id, email, hashed_password, first_name, last_name, role, is_active, \
         is_verified, created_at, updated_at) FROM stdin;\n\
         0b5c\tAnn@example.com\t{BCRYPT}\tAnn\t\\N\tadmin\tt\tt\t2024-01-05 12:34:56.789\t2024-02-05 12:34:56+01\n\\.\n"
    );
    let (summary, _) = import_text(&app, &dump, Source::FastapiPostgres).await;
    assert_eq!(summary.written, 1);
    let ann = app.signed_in("ann@example.com").await;
    assert_eq!(ann.id, "0b5c");
    let user = app.get("/users/me").bearer(&ann.access).send().await.json;
    assert_eq!(
        (&user["role"], &user["last_name"], &user["is_verified"]),
        (&json!("admin"), &json!(null), &json!(true))
    );
    assert_eq!(
        (&user["created_at"], &user["updated_at"]),
        (&json!("2024-01-05T12:34:56Z"), &json!("2024-02-05T11:34:56Z"))
    );
    assert_eq!(app.get("/users").bearer(&ann.access).send().await.status, 200, "an administrator");
}

#[tokio::test]
async fn a_user_of_cognito_gets_one_email_a_day_at_login_and_chooses_a_password() {
    let app = TestApp::open();
    let users = json!({ "Users": [{
        "Username": "x", "Enabled": true, "UserStatus": "CONFIRMED", "UserCreateDate": "2024-01-05T12:34:56.123000+00:00",
        "Attributes": [
            { "Name": "sub", "Value": "c-1" }, { "Name": "email", "Value": "cog@example.com" },
            { "Name": "email_verified", "Value": "true" }, { "Name": "given_name", "Value": "Cog" },
        ],
    }] });
    assert_eq!(import_text(&app, &users.to_string(), Source::Cognito).await.0.written, 1);
    for _ in 0..3 {
        assert_eq!(app.log_in("cog@example.com").await.problem(), (401, "invalid-credentials"));
    }
    app.clock.advance(600);
    app.service.invoke("MailerFunction", json!({})).await.unwrap();
    assert_eq!(
        app.service.inbox.mails(Some("cog@example.com")).unwrap().len(),
        1,
        "the schedule finds it as any other"
    );
    let nothing = json!({ "email": "cog@example.com", "password": "" });
    assert_ne!(app.post("/auth/login").json(nothing).send().await.status, 200);
    assert_eq!(app.mails("cog@example.com").await.len(), 1);
    app.clock.advance(86_400);
    assert_eq!(app.log_in("cog@example.com").await.status, 401);
    assert_eq!(app.mails("cog@example.com").await.len(), 2);
    let token = app.mailed_token("cog@example.com").await;
    assert_eq!(app.reset(&token, PASSWORD).await.status, 200);
    assert_eq!(app.signed_in("cog@example.com").await.id, "c-1");
    app.clock.advance(86_400);
    let before = app.mails("cog@example.com").await.len();
    assert_eq!(app.stranger("cog@example.com", "Wr0ng!password").await.status, 401);
    assert_eq!(app.mails("cog@example.com").await.len(), before, "who has a password gets none");
}
