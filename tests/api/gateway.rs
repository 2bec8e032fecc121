//! The rules for every call: bad input, headers, CORS, hosts, and the gateway's own answers.

mod paths;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Contract, PASSWORD, TestApp};

#[tokio::test]
async fn a_body_that_is_no_json_object_is_malformed() {
    let app = TestApp::open();
    let deep = "[".repeat(30_000);
    let cases: [&[u8]; 13] = [
        b"{\"email\":\"a@example.com\",\"email\":\"b@example.com\"}",
        b"{\"email\":\"a@example.com\",\"password\":\"x\",\"e\\u006dail\":\"b@example.com\"}",
        b"{\"token\":{\"a\":[{\"b\":1,\"b\":1}]}}",
        b"{\"unknown\":null,\"unknown\":null}",
        b"",
        b"{",
        b"[]",
        b"null",
        b"\"text\"",
        b"{\"email\":\"s@example.com\",\"password\":\"\\ud800Abc1!xyz\"}",
        b"{\"email\":\"\xff\"}",
        b"{\"email\":\"a@example.com\"} x",
        deep.as_bytes(),
    ];
    for raw in cases {
        for path in ["/auth/signup", "/auth/login", "/auth/refresh", "/auth/verify", "/auth/resend-verification"] {
            let answer = app.post(path).raw("application/json", raw.to_vec()).send().await;
            assert_eq!(
                answer.problem(),
                (400, "malformed"),
                "{path} {:?}",
                String::from_utf8_lossy(&raw[..raw.len().min(40)])
            );
        }
    }
}

#[tokio::test]
async fn wrong_types_are_named_by_field() {
    let app = TestApp::open();
    for value in [json!(1), json!({}), json!([]), json!(true), json!(1e300), json!(null)] {
        let answer = app.post("/auth/signup").json(json!({ "email": value, "password": value })).send().await;
        assert_eq!(answer.problem(), (422, "invalid"));
        assert_eq!(answer.errors(), [("email", "wrong-type"), ("password", "wrong-type")]);
    }
    let nul =
        app.post("/auth/signup").json(json!({ "email": "a\u{0}b@example.com", "password": PASSWORD })).send().await;
    assert_eq!((nul.problem(), nul.errors()), ((422, "invalid"), vec![("email", "invalid-email")]));
}

#[tokio::test]
async fn a_long_body_is_too_large_whatever_it_holds() {
    let app = TestApp::open();
    for bytes in [64 * 1024 + 1, 1_000_000, 6_290_000] {
        for path in ["/auth/signup", "/auth/login"] {
            let answer = app.post(path).raw("application/json", vec![b'['; bytes]).send().await;
            assert_eq!(answer.problem(), (413, "too-large"), "{bytes}");
        }
    }
    let form = app.post("/auth/login").raw("application/x-www-form-urlencoded", vec![b'a'; 100_000]).send().await;
    assert_eq!(form.problem(), (413, "too-large"));
    // More than Lambda accepts as JSON, and more than API Gateway accepts.
    for (kind, byte, bytes) in [
        ("application/json", b'[', 6 * 1024 * 1024),
        ("application/json", b'"', 3_200_000),
        ("application/octet-stream", b'x', 4_730_000),
        ("application/json", b'[', 11_000_000),
    ] {
        let beyond = app.post("/auth/signup").raw(kind, vec![byte; bytes]).send().await;
        assert_eq!((beyond.status.as_u16(), &beyond.json), (413, &json!({ "message": "Request Entity Too Large" })));
    }
    let most = app.post("/auth/signup").raw("application/json", vec![b' '; 64 * 1024]).send().await;
    assert_eq!(most.problem(), (400, "malformed"), "64 KB are read");
}

#[tokio::test]
async fn another_content_type_is_not_read() {
    let app = TestApp::open();
    let body = json!({ "email": "a@example.com", "password": PASSWORD }).to_string();
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ""]
    {
        let answer = app.post("/auth/signup").raw(kind, body.clone()).send().await;
        assert_eq!(answer.problem(), (415, "unsupported-media-type"), "{kind}");
    }
    let answer = app.post("/auth/signup").raw("Application/JSON; charset=utf-8", body).send().await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn an_unknown_field_is_cut_short_in_the_answer() {
    let app = TestApp::open();
    let answer = app.post("/auth/verify").json(json!({ "token": "x", "y".repeat(60_000): 1 })).send().await;
    assert_eq!(answer.problem(), (422, "unknown-field"));
    assert!(answer.raw.len() < 1_000);
}

#[tokio::test]
async fn every_call_that_reads_json_refuses_a_key_that_is_there_twice() {
    let (app, mut calls) = (TestApp::open(), 0);
    let ann = app.admin("ann@example.com").await;
    for (method, path, operation) in Contract::get().operations() {
        if operation["requestBody"].is_null() {
            continue;
        }
        let call = app.call(method.to_uppercase().parse().unwrap(), &path.replace("{user_id}", &ann.id));
        let twice = call.bearer(&ann.access).raw("application/json", "{\"role\":\"user\",\"rol\\u0065\":\"admin\"}");
        assert_eq!(twice.send().await.problem(), (400, "malformed"), "{method} {path}");
        calls += 1;
    }
    assert!(calls >= 17, "{calls}");
    assert_eq!(app.me(&ann.access).await, 200, "nothing was done");
}

#[tokio::test]
async fn a_parameter_that_a_call_does_not_know_is_refused_and_never_ignored() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    // Routes for other programs, which may add parameters such as a number against caches.
    let lenient = |path: &str| !path.starts_with("/api/v1/") || path.starts_with("/api/v1/health");
    for (method, path, _) in Contract::get().operations() {
        let filled = path.replace("{user_id}", &admin.id).replace("{session_id}", "none");
        let ask = async |query: &str| {
            let call = app.call(method.to_uppercase().parse().unwrap(), &format!("{filled}?{query}"));
            call.bearer(&admin.access).send().await
        };
        let answer = ask("dry_run=true&%64ry_run=false&%FF&=").await;
        if lenient(path) {
            assert_eq!(answer.status, 200, "{path}");
        } else {
            assert_eq!(answer.problem(), (422, "unknown-field"), "{method} {path}");
            let named = ["", "dry_run", "\u{fffd}"].map(|name| (name, "unknown-field"));
            assert_eq!(answer.errors(), named, "{method} {path}");
            let long = ask(&(0..500).map(|n| format!("{n}{}=&", "y".repeat(100))).collect::<String>()).await;
            assert_eq!(long.problem(), (422, "unknown-field"));
            assert!(
                long.raw.len() < 4_000 && long.errors().iter().all(|(name, _)| name.len() == 64),
                "{method} {path}"
            );
        }
    }
    assert_eq!(app.get("/users/me?").bearer(&admin.access).send().await.status, 200, "and nothing was done");
}

#[tokio::test]
async fn every_answer_carries_its_request_id_and_the_security_headers() {
    let app = TestApp::open();
    let answers = [
        app.get("/health").send().await,
        app.get("/users/me").send().await,
        app.sign_up("ann@example.com").await,
        app.post("/auth/login").raw("application/json", "{").send().await,
    ];
    for answer in &answers {
        assert_eq!(answer.header("x-request-id"), answer.header("apigw-requestid"));
        assert_eq!(answer.header("x-request-id").len(), 16);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("strict-transport-security").starts_with("max-age="));
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'; base-uri 'none'"));
    }
    assert_eq!(answers[1].header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn preflights_are_answered_for_known_origins_only() {
    let app = TestApp::with(&[("CORS_ORIGINS", "https://shop.example,https://admin.example")]);
    let preflight = async |origin: &str| {
        let call = app.call(Method::OPTIONS, "/auth/login").header("origin", origin);
        call.header("access-control-request-method", "POST").send().await
    };
    let known = preflight("https://admin.example").await;
    assert_eq!((known.status.as_u16(), known.header("access-control-allow-origin")), (204, "https://admin.example"));
    assert!(known.header("access-control-allow-methods").contains("PATCH"));
    assert!(known.header("access-control-allow-headers").contains("authorization"));
    for stranger in ["https://evil.example", "https://admin.example.evil.example", "null", "http://admin.example"] {
        assert_eq!(preflight(stranger).await.header("access-control-allow-origin"), "", "{stranger}");
    }
    let answer = app.get("/health").header("origin", "https://shop.example").send().await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    assert!(answer.header("access-control-expose-headers").contains("etag"));
    let answer = app.get("/health").header("origin", "https://evil.example").send().await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn only_allowed_hosts_are_served() {
    let app = TestApp::with(&[("ALLOWED_HOSTS", "localhost,*.shop.example")]);
    assert_eq!(app.get("/health").send().await.status, 200);
    let hosted = async |host: &str| {
        let request = http::Request::get("/api/v1/health").header("host", host).body(bytes::Bytes::new()).unwrap();
        let local = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        app.service.gateway.handle(request, local).await.status().as_u16()
    };
    for (host, status) in
        [("LOCALHOST:8000", 200), ("api.shop.example", 200), ("shop.example", 400), ("evil.example", 400), ("", 400)]
    {
        assert_eq!(hosted(host).await, status, "{host}");
    }
}

#[tokio::test]
async fn an_error_never_repeats_what_was_sent() {
    let app = TestApp::open();
    let secret = "s3cret-Canary-value";
    let bodies = [
        ("/auth/signup", json!({ "email": secret, "password": secret })),
        ("/auth/login", json!({ "email": secret, "password": secret })),
        ("/auth/refresh", json!({ "refresh_token": secret })),
        ("/auth/verify", json!({ "token": secret })),
    ];
    for (path, body) in bodies {
        let answer = app.post(path).json(body).send().await;
        assert!(answer.status.is_client_error());
        assert!(!String::from_utf8_lossy(&answer.raw).contains(secret), "{path}");
    }
}

#[tokio::test]
async fn what_is_local_stays_local() {
    let app = TestApp::open();
    app.sign_up("ann@example.com").await;
    app.mails("ann@example.com").await;
    let mails = app.get("/_local/mail?to=ANN@example.com").send().await;
    let fields = ["html", "id", "kind", "link", "sent_at", "subject", "text", "to", "token"];
    assert_eq!(mails.json[0].as_object().unwrap().keys().collect::<Vec<_>>(), fields);
    let page = app.get("/_local/mail").header("accept", "text/html,*/*").send().await;
    assert!(String::from_utf8_lossy(&page.raw).contains("Verify your address"));
    let run = app.post("/_local/invoke/CleanupFunction").send().await;
    assert_eq!(run.json["complete"], true);
    assert_eq!(app.post("/_local/invoke/NoFunction").send().await.status, 400);
    // A deployed function has none of these routes.
    for (path, function) in [("/_local/mail", "HealthFunction"), ("/_local/invoke/CleanupFunction", "AuthFunction")] {
        let mut event: Value = serde_json::from_str(include_str!("../../events/health-alive.json")).unwrap();
        event["rawPath"] = json!(path);
        event["requestContext"]["http"]["path"] = json!(path);
        let answer = app.service.invoke(function, event).await.unwrap();
        assert_eq!(answer["statusCode"], 404, "{path}");
    }
}
