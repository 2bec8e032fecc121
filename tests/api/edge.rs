//! Callers behind an edge such as CloudFront: only the edge's header with the caller's address is trusted.

use serde_json::{Value, json};

use crate::support::{Answer, Call, PASSWORD, TestApp, trap};

const SECRET: &str = "f2Zp7cXw1QhVb9sLk4TnYe8RdGj3MuAo6PiCx5WvBz0EqHtKyNrSaDgUfJmOlI2Q";
const NEXT: &str = "Q2IlOmJfUgDaSrNyKtHqE0zBvW5xCiP6oAuM3jGdR8eYnT4kLs9bVhQ1wXc7pZ2f";
const SECRET_SHA256: &str = "d5c3d6328903b5c4b66ab41fef778e6f39301f6923843715ae1ca59b80c2d27f";
const NEXT_SHA256: &str = "b19171076524529cd016e1f9b80d2c86178fbbb931c4569bb23efa9852f05959";

const ANN: &str = "ann@example.com";
/// An address of the edge.
const EDGE: [u8; 4] = [198, 51, 100, 7];

/// A service behind an edge with [`SECRET`].
fn behind(settings: &[(&str, &str)]) -> TestApp {
    trap::guard(SECRET);
    trap::guard(NEXT);
    TestApp::with(&[&[("EDGE_SECRET_SHA256", SECRET_SHA256)], settings].concat())
}

fn login(app: &TestApp) -> Call<'_> {
    app.post("/auth/login").json(json!({ "email": ANN, "password": PASSWORD }))
}

/// A call through the edge, from a caller with this address and port.
fn through<'a>(call: Call<'a>, secret: &str, viewer: &str) -> Call<'a> {
    call.from(EDGE).header("x-origin-verify", secret).header("cloudfront-viewer-address", viewer)
}

/// The address of the session of a login.
async fn address(app: &TestApp, login: &Answer) -> String {
    assert_eq!(login.status, 200, "{}", login.json);
    let sessions = app.get("/users/me/sessions").bearer(&login.text("access_token")).send().await.json;
    let current = sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    current["ip"].as_str().unwrap().to_owned()
}

/// The address in the log line of a refused request.
fn logged(answer: &Answer) -> Value {
    let lines = trap::lines(answer.header("x-request-id"));
    lines.iter().find(|line| line["message"] == "request").unwrap()["source.address"].clone()
}

#[tokio::test]
async fn a_session_an_event_and_the_log_tell_the_callers_address_and_not_the_edges() {
    let app = behind(&[]);
    let admin = app.admin("admin@example.com").await;
    let ann = app.member(ANN).await;
    for (viewer, told) in [
        ("203.0.113.9:46532", "203.0.113.9"),
        ("2001:db8::7:443", "2001:db8::7"),
        ("2001:0DB8:0:0:0:0:0:7:46532", "2001:db8::7"),
        ("[2001:db8::8]:443", "2001:db8::8"),
        ("::ffff:203.0.113.9:443", "203.0.113.9"),
    ] {
        app.clock.advance(1);
        let answer = through(login(&app), SECRET, viewer).send().await;
        assert_eq!(address(&app, &answer).await, told, "{viewer}");
        let events = app.get(&format!("/users/{}/events", ann.id)).bearer(&admin.access).send().await;
        let newest = &events.json["items"][0];
        assert_eq!((&newest["name"], &newest["ip"]), (&json!("signed-in"), &json!(told)), "{viewer}");
        let refused = through(app.get("/users/me").bearer("a.b.c"), SECRET, viewer).send().await;
        assert_eq!((refused.status.as_u16(), logged(&refused)), (401, json!(told)), "{viewer}");
    }
}

#[tokio::test]
async fn without_the_secret_no_header_says_where_a_call_comes_from() {
    let empty = TestApp::open();
    let app = behind(&[]);
    for app in [&empty, &app] {
        app.member(ANN).await;
        for secret in [None, Some(""), Some("wrong"), Some(SECRET_SHA256), Some(&SECRET[..63]), Some(NEXT)] {
            let mut call = login(app).from(EDGE).header("cloudfront-viewer-address", "203.0.113.9:46532");
            for name in ["x-forwarded-for", "x-real-ip", "true-client-ip"] {
                call = call.header(name, "203.0.113.9");
            }
            call = call.header("forwarded", "for=203.0.113.9");
            if let Some(secret) = secret {
                call = call.header("x-origin-verify", secret);
            }
            assert_eq!(address(app, &call.send().await).await, "198.51.100.7", "{secret:?}");
        }
    }
    let unset = through(login(&empty), SECRET, "203.0.113.9:46532").send().await;
    assert_eq!(address(&empty, &unset).await, "198.51.100.7", "a service that knows of no edge takes nobody's word");
}

#[tokio::test]
async fn while_the_secret_changes_both_are_known_and_then_the_new_one_alone() {
    for (known, expected) in [
        (SECRET_SHA256.to_owned(), ["203.0.113.9", "198.51.100.7"]),
        (format!("{SECRET_SHA256},{NEXT_SHA256}"), ["203.0.113.9", "203.0.113.9"]),
        (format!("{NEXT_SHA256} , {SECRET_SHA256}"), ["203.0.113.9", "203.0.113.9"]),
        (NEXT_SHA256.to_owned(), ["198.51.100.7", "203.0.113.9"]),
    ] {
        let app = behind(&[("EDGE_SECRET_SHA256", &known)]);
        app.member(ANN).await;
        for (secret, told) in [SECRET, NEXT].into_iter().zip(expected) {
            let answer = through(login(&app), secret, "203.0.113.9:46532").send().await;
            assert_eq!(address(&app, &answer).await, told, "{known}");
        }
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_read_leaves_the_edges() {
    let app = behind(&[]);
    app.member(ANN).await;
    for viewer in [
        "",
        "203.0.113.9",
        "203.0.113.9:",
        "203.0.113.9:port",
        "203.0.113.9:65536",
        "203.0.113:443",
        "203.0.113.9:1, 203.0.113.8:2",
        "203.0.113.9:1,",
        "2001:db8:0:0:0:0:0:7",
        "2001:db8::zz:443",
        "fe80::1%eth0:443",
        "unknown:443",
        "source:203.0.113.9:443",
    ] {
        let answer = through(login(&app), SECRET, viewer).send().await;
        assert_eq!(address(&app, &answer).await, "198.51.100.7", "{viewer:?}");
    }
    let none = login(&app).from(EDGE).header("x-origin-verify", SECRET).send().await;
    assert_eq!(address(&app, &none).await, "198.51.100.7", "there is none");
}

#[tokio::test]
async fn a_header_that_is_there_twice_is_nobodys_word() {
    let app = behind(&[]);
    app.member(ANN).await;
    let viewer = ("cloudfront-viewer-address", "203.0.113.9:46532");
    for twice in [
        [("x-origin-verify", SECRET), ("x-origin-verify", SECRET), viewer],
        [("x-origin-verify", "wrong"), ("x-origin-verify", SECRET), viewer],
        [("x-origin-verify", SECRET), viewer, ("cloudfront-viewer-address", "203.0.113.8:46532")],
    ] {
        let call = twice.into_iter().fold(login(&app).from(EDGE), |call, (name, value)| call.header(name, value));
        assert_eq!(address(&app, &call.send().await).await, "198.51.100.7");
    }
}

/// How many consecutive sign-ins are admitted, of callers whose addresses `viewer` returns.
async fn admitted(app: &TestApp, secret: &str, viewer: impl Fn(usize) -> String) -> usize {
    for n in 0..20 {
        let body = json!({ "email": format!("nobody{n}@example.com"), "password": PASSWORD });
        let call = app.post("/auth/login").json(body);
        if through(call, secret, &viewer(n)).send().await.status == 429 {
            return n;
        }
    }
    20
}

#[tokio::test]
async fn callers_behind_the_edge_have_each_their_own_limit() {
    let app = behind(&[("RATE_LIMIT_AUTH", "5")]);
    assert_eq!(admitted(&app, SECRET, |_| "203.0.113.9:46532".to_owned()).await, 5, "one caller");
    assert_eq!(admitted(&app, SECRET, |n| format!("203.0.113.9:{n}")).await, 0, "the port makes nobody another");
    assert_eq!(admitted(&app, SECRET, |n| format!("192.0.2.{n}:443")).await, 20, "callers side by side");
    let same = |n| format!("2001:db8:0:1:{n:x}::7:443");
    assert_eq!(admitted(&app, SECRET, same).await, 5, "a network of 64 bits is one caller");
    assert_eq!(admitted(&app, SECRET, |n| format!("2001:db8:1:{n:x}::7:443")).await, 20, "and another is another");
}

#[tokio::test]
async fn whoever_goes_past_the_edge_is_limited_by_the_address_that_the_gateway_saw() {
    let app = behind(&[("RATE_LIMIT_AUTH", "5")]);
    assert_eq!(admitted(&app, "wrong", |n| format!("203.0.113.{n}:443")).await, 5);
    assert_eq!(admitted(&app, SECRET, |_| "203.0.113.1:443".to_owned()).await, 5, "nobody behind it was counted");
}

#[tokio::test]
async fn functions_without_data_take_the_edges_word_too() {
    let app = behind(&[]);
    let refused = through(app.get("/docs/nothing.js"), SECRET, "203.0.113.9:46532").send().await;
    assert_eq!((refused.status.as_u16(), logged(&refused)), (404, json!("203.0.113.9")));
}

#[tokio::test]
async fn the_secret_stands_in_no_answer_and_no_line() {
    let app = behind(&[]);
    let ann = app.member(ANN).await;
    let calls = [
        app.get("/users/me").bearer(&ann.access),
        app.get("/users/me"),
        app.post("/auth/login").raw("application/json", "{"),
        app.get("/health"),
        app.get("/nothing"),
    ];
    for call in calls {
        let answer = through(call, SECRET, "nothing that is an address").send().await;
        let lines = trap::lines(answer.header("x-request-id"));
        let told = format!("{lines:?} {:?} {}", answer.headers, String::from_utf8_lossy(&answer.raw));
        assert!(!told.contains(SECRET) && !told.contains("x-origin-verify"), "{told}");
    }
    assert!(!format!("{:?}", app.service.config).contains(SECRET));
}

#[test]
fn the_edges_template_sends_what_the_service_reads_and_nothing_has_a_fixed_name() {
    let edge = include_str!("../../infra/edge.yaml");
    for needed in [
        "HeaderName: x-origin-verify",
        "HeaderBehavior: allViewerAndWhitelistCloudFront, Headers: [CloudFront-Viewer-Address]",
        "{PasswordLength: 64, ExcludePunctuation: true}",
        "CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
    ] {
        assert_eq!(edge.matches(needed).count(), 1, "{needed}");
    }
    for status in [404, 405, 414, 500, 501, 502, 503, 504] {
        assert!(edge.contains(&format!("{{ErrorCode: {status}, ErrorCachingMinTTL: 0}}")), "{status} is kept");
    }
    for name in ["  Name: ", "LogGroupName: ", "MetricName: "] {
        let named = edge.lines().filter(|line| line.contains(name) && !line.contains("VendorName"));
        let fixed: Vec<_> =
            named.filter(|line| !line.contains("AWS::StackName") && !line.contains("AWSManagedRules")).collect();
        assert!(fixed.is_empty(), "{fixed:?}");
    }
}
