use serde_json::json;

use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_sign_up_is_answered_with_a_sentence_and_an_email() {
    let app = TestApp::open();
    let answer = app
        .post("/auth/signup")
        .json(json!({ "email": "Ann@Example.com", "password": PASSWORD, "first_name": " Ann ", "last_name": null }))
        .send()
        .await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json.as_object().unwrap().keys().collect::<Vec<_>>(), ["message"]);
    let mails = app.mails("ann@example.com").await;
    assert_eq!(mails.len(), 1);
    let (token, link) = (mails[0]["token"].as_str().unwrap(), mails[0]["link"].as_str().unwrap());
    assert_eq!(link, format!("http://localhost:3000/verify-email?token={token}"));
    assert_eq!(mails[0]["kind"], "verify-email");
    assert!(mails[0]["text"].as_str().unwrap().starts_with("Hello,\n"), "nobody has proven to be Ann");
}

#[tokio::test]
async fn an_address_is_taken_in_every_letter_case() {
    let app = TestApp::open();
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
    for taken in ["ann@example.com", "ANN@EXAMPLE.COM", "Ann@example.com", " ann@example.com "] {
        assert_eq!(app.sign_up(taken).await.problem(), (409, "email-taken"), "{taken}");
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let app = TestApp::open();
    let answer =
        app.post("/auth/signup").json(json!({ "email": "plain", "first_name": 1, "role": "admin" })).send().await;
    assert_eq!(answer.problem(), (422, "unknown-field"));
    let expected =
        [("email", "invalid-email"), ("password", "missing"), ("first_name", "wrong-type"), ("role", "unknown-field")];
    assert_eq!(answer.errors(), expected);
}

#[tokio::test]
async fn an_address_that_mail_cannot_be_sent_to_as_it_is_written_is_refused_with_its_code() {
    let app = TestApp::open();
    let wide = format!("ann@{}.com", "b".repeat(64));
    let wide_as_ascii = format!("ann@{}.com", "\u{fc}".repeat(60));
    for (email, code) in [
        ("ann@", "invalid-email"),
        ("\"ann\"@example.com", "invalid-email"),
        ("ann@\u{ff45}xample.com", "invalid-email"),
        ("ann@\u{24d4}xample.com", "invalid-email"),
        ("ann@of\u{fb01}ce.example", "invalid-email"),
        ("ann@exam\u{ad}ple.com", "invalid-email"),
        ("ann@example\u{3002}com", "invalid-email"),
        ("ann@example.com.", "invalid-email"),
        ("ann@127.0.0.1", "invalid-email"),
        ("ann@xn--a.example", "invalid-email"),
        (&wide, "invalid-email"),
        (&wide_as_ascii, "invalid-email"),
        ("zo\u{eb}@example.com", "unsupported-email"),
        ("\u{430}nn@example.com", "unsupported-email"),
    ] {
        let answer = app.sign_up(email).await;
        assert_eq!((answer.problem(), answer.errors()), ((422, "invalid"), vec![("email", code)]), "{email}");
    }
    assert_eq!((app.items("UsersTable").await.len(), app.items("OutboxTable").await.len()), (0, 0));
}

#[tokio::test]
async fn a_domain_of_any_script_is_one_address_with_its_form_in_ascii() {
    let app = TestApp::open();
    assert_eq!(app.sign_up("Ann@B\u{fc}cher.Example").await.status, 201);
    for taken in ["ann@bu\u{308}cher.example", "ANN@XN--BCHER-KVA.EXAMPLE"] {
        assert_eq!(app.sign_up(taken).await.problem(), (409, "email-taken"), "{taken}");
    }
    assert_eq!(app.verify(&app.mailed_token("Ann@B\u{fc}cher.Example").await).await.status, 200);
    assert_eq!(app.log_in("ann@xn--bcher-kva.example").await.status, 200);
}

#[tokio::test]
async fn a_name_that_is_invisible_or_turns_the_text_round_it_is_refused() {
    let app = TestApp::open();
    let sign_up = async |first: &str, last: &str| {
        let body = json!({ "email": "ann@example.com", "password": PASSWORD, "first_name": first, "last_name": last });
        app.post("/auth/signup").json(body).send().await
    };
    for (first, last, codes) in [
        ("A\u{85}nn", "Bean\u{2029}", ["control-character", "line-separator"]),
        ("\u{202e}nnA", "Bean\u{200f}", ["bidirectional-control", "bidirectional-control"]),
        ("\u{200b}", " \u{3164}\u{feff}", ["invisible", "invisible"]),
    ] {
        let answer = sign_up(first, last).await;
        let expected = vec![("first_name", codes[0]), ("last_name", codes[1])];
        assert_eq!((answer.problem(), answer.errors()), ((422, "invalid"), expected));
    }
    assert_eq!(app.items("UsersTable").await.len(), 0);
    assert_eq!(sign_up("\u{645}\u{6cc}\u{200c}\u{646}\u{627}", "\u{1f469}\u{200d}\u{1f4bb}").await.status, 201);
}

#[tokio::test]
async fn a_role_an_id_or_a_flag_is_refused_and_never_applied() {
    let app = TestApp::open();
    for field in ["role", "id", "is_verified", "is_active", "version", "created_at", "user_role", "pk", "epoch"] {
        let body = json!({ "email": "eve@example.com", "password": PASSWORD, field: true });
        let answer = app.post("/auth/signup").json(body).send().await;
        assert_eq!(answer.problem(), (422, "unknown-field"));
        assert_eq!(answer.errors(), [(field, "unknown-field")]);
    }
    assert_eq!(app.items("UsersTable").await.len(), 0);
    assert_eq!(app.mails("eve@example.com").await.len(), 0);
}

#[tokio::test]
async fn a_weak_password_is_refused_with_a_code_for_each_rule_and_not_echoed() {
    let app = TestApp::open();
    let cases: [(&str, &[&str]); 8] = [
        ("Ab1!x", &["too-short"]),
        ("coffeebeans", &["too-short", "no-upper-case", "no-digit", "no-special"]),
        ("Password123!", &["common"]),
        ("Abcd@1234", &["common"]),
        ("correcthorsebatterystaple", &["common"]),
        ("Ann.Bean1@example.com", &["guessable"]),
        ("Coffee Shop API1", &["guessable"]),
        ("Aa1!\u{1}bcdefgh", &["control-character"]),
    ];
    for (password, codes) in cases {
        let body = json!({ "email": "ann.bean1@example.com", "password": password, "first_name": "Ann" });
        let answer = app.post("/auth/signup").json(body).send().await;
        assert_eq!(answer.problem(), (422, "invalid"), "{password}");
        assert_eq!(answer.errors(), codes.iter().map(|code| ("password", *code)).collect::<Vec<_>>(), "{password}");
        assert!(!String::from_utf8_lossy(&answer.raw).contains(password));
    }
}

#[tokio::test]
async fn the_policy_is_the_operators_to_choose() {
    for (policy, phrase, classes) in [("classes", 422, 201), ("length", 201, 422), ("either", 201, 201)] {
        let app = TestApp::with(&[("PASSWORD_POLICY", policy)]);
        let status = async |email: &str, password: &str| {
            app.post("/auth/signup").json(json!({ "email": email, "password": password })).send().await.status
        };
        assert_eq!(status("a@example.com", "four quiet cups of tea").await, phrase, "{policy}");
        assert_eq!(status("b@example.com", "Fl4t!whX").await, classes, "{policy}");
    }
}

#[tokio::test]
async fn without_verification_a_user_can_sign_in_at_once_and_gets_no_email() {
    let app = TestApp::with(&[("EMAIL_VERIFICATION_ENABLED", "false"), ("UNVERIFIED_USER_TTL_SECONDS", "1")]);
    app.sign_up("ann@example.com").await;
    app.clock.advance(100);
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
    assert_eq!(app.mails("ann@example.com").await.len(), 0);
}

#[tokio::test]
async fn in_private_a_taken_address_is_answered_as_a_free_one_and_its_owner_gets_an_email() {
    let app = TestApp::with(&[("SIGNUP_ENUMERATION", "private")]);
    let free = app.sign_up("ann@example.com").await;
    app.verify(&app.mailed_token("ann@example.com").await).await;
    let taken = app.sign_up("ANN@example.com").await;
    assert_eq!((free.status, &free.raw), (taken.status, &taken.raw));
    let mail = &app.mails("ann@example.com").await[0];
    assert_eq!(mail["kind"], "account-exists");
    assert_eq!(app.log_in("ann@example.com").await.status, 200, "nothing has changed");
    assert_eq!(app.reset(mail["token"].as_str().unwrap(), "Sh0rt-black-now").await.status, 200);
}

#[tokio::test]
async fn in_private_the_link_of_a_second_sign_up_does_not_verify_the_first_ones_password() {
    let app = TestApp::with(&[("SIGNUP_ENUMERATION", "private")]);
    app.sign_up("ann@example.com").await;
    app.mails("ann@example.com").await;
    app.sign_up("ann@example.com").await;
    let second = app.mailed_token("ann@example.com").await;
    assert_eq!(app.verify(&second).await.problem(), (400, "invalid-token"));
    assert_eq!(app.reset(&second, "Sh0rt-black-now").await.status, 200);
    assert_eq!(app.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
}
