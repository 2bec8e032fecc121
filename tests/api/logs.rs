//! One line for each request, with its database use.

use serde_json::{Value, json};

use crate::support::{Answer, Call, PASSWORD, TestApp, trap};

fn access_line(request_id: &str) -> Value {
    let mut lines = trap::lines(request_id);
    lines.retain(|line| line["message"] == "request");
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[tokio::test]
async fn a_request_is_one_line_with_its_route_its_user_and_what_it_cost() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let me = app.get("/users/me").bearer(&ann.access).header("traceparent", trace).send().await;
    let line = access_line(me.header("x-request-id"));
    assert_eq!(line["trace.id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((&line["http.method"], &line["http.route"]), (&json!("GET"), &json!("/api/v1/users/me")));
    assert_eq!((&line["http.status"], &line["user.id"]), (&json!(200), &json!(ann.id)));
    assert!(line["duration_ms"].as_f64().unwrap() > 0.0);
    // The counter, and one read of both records; in a new minute also the count of the minute before.
    assert!((2..=4).contains(&line["dynamodb.calls"].as_u64().unwrap()), "{line}");
    assert!(line["dynamodb.units"].as_f64().unwrap() >= 2.0, "{line}");
}

#[tokio::test]
async fn strangers_cannot_write_into_the_log_what_they_like() {
    let app = TestApp::open();
    let hostile = [("traceparent", "00-x\"}{evil-1"), ("x-amzn-trace-id", "Root=../../etc")];
    for (name, value) in hostile {
        let answer = app.get("/users/nobody@evil.example").header(name, value).send().await;
        let line = access_line(answer.header("x-request-id"));
        assert_eq!((&line["trace.id"], &line["user.id"]), (&Value::Null, &Value::Null));
        assert_eq!(line["http.route"], "/api/v1/users/{user_id}", "never a path as it came");
    }
    let xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    let answer = app.get("/health").header("x-amzn-trace-id", xray).send().await;
    let line = access_line(answer.header("x-request-id"));
    assert_eq!(line["trace.id"], "1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(line["dynamodb.calls"], 0);
}

/// A call from a certain address, with another address in every header that can name one.
async fn from(call: Call<'_>) -> Answer {
    let call = call.from([198, 51, 100, 7]).header("x-forwarded-for", "203.0.113.1");
    call.header("forwarded", "for=203.0.113.1").header("x-real-ip", "203.0.113.1").send().await
}

#[tokio::test]
async fn the_line_of_a_refused_request_tells_where_it_came_from_and_no_other_does() {
    let app = TestApp::with(&[("RATE_LIMIT_AUTH", "3")]);
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let wrong = || app.post("/auth/login").json(json!({ "email": "ann@example.com", "password": "Wr0ng!password" }));
    let mut refused = vec![
        from(app.get("/users/me").bearer("a.b.c")).await,
        from(app.get("/users").bearer(&ann.access)).await,
        from(app.get("/users/nobody").bearer(&admin.access)).await,
        from(app.post("/auth/login").raw("application/json", "{")).await,
        from(app.post("/auth/login").json(json!({ "role": "admin" }))).await,
    ];
    while refused.last().is_some_and(|answer| answer.status != 429) {
        refused.push(from(wrong()).await);
    }
    let statuses: Vec<_> = refused.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses[..6], [401, 403, 404, 400, 422, 401]);
    for answer in refused {
        assert_eq!(access_line(answer.header("x-request-id"))["source.address"], "198.51.100.7", "{}", answer.status);
    }
    for answer in [from(app.get("/users/me").bearer(&ann.access)).await, from(app.get("/health")).await] {
        assert_eq!(answer.status, 200);
        assert_eq!(access_line(answer.header("x-request-id")).get("source.address"), None);
    }
}

#[tokio::test]
async fn a_message_tells_the_request_that_it_comes_from() {
    let app = TestApp::open();
    let answer = app.sign_up("ann@example.com").await;
    app.mails("ann@example.com").await;
    let lines = trap::lines(answer.header("x-request-id"));
    let sent = lines.iter().find(|line| line["message.outcome"] == "sent").unwrap();
    assert_eq!(sent["message.kind"], "verify-email");
}

#[tokio::test]
async fn an_event_and_its_request_share_an_id() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    let answer = app.post("/auth/login").json(body).send().await;
    let lines = trap::lines(answer.header("x-request-id"));
    let names: Vec<_> = lines.iter().filter_map(|line| line["event.name"].as_str()).collect();
    assert_eq!((names, lines.len()), (vec!["signed-in"], 2));
}
