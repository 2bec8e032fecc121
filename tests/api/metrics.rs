//! The metrics of all functions, as Prometheus reads them. Each test writes its own lines into a `CloudWatch` of its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join;
use local::aws::Fate;
use serde_json::{Value, json};
use user_telemetry::metric::{self, ALL, Kind, NAMESPACE, STACK};

use crate::support::TestApp;

const DAY: i64 = 86_400;

/// Advances to noon of the next day, so that no test runs past midnight.
fn noon(app: &TestApp) {
    app.clock.advance(DAY + DAY / 2 - app.clock.now().0.rem_euclid(DAY));
}

/// Writes a metric as a function does, at the current time.
pub(crate) fn write(app: &TestApp, name: &str, labels: &[(&str, &str)], value: &Value) {
    let stack = app.service.config.stack_name.as_str();
    let labels: Vec<_> = [(STACK, stack)].into_iter().chain(labels.iter().copied()).collect();
    let names: Vec<_> = labels.iter().map(|(name, _)| *name).collect();
    let metrics = json!([{ "Name": name, "Unit": "Count" }]);
    let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics });
    let mut line = json!({ "_aws": { "Timestamp": app.clock.now_millis(), "CloudWatchMetrics": [directive] } });
    line[name] = value.clone();
    for (label, value) in labels {
        line[label] = json!(value);
    }
    app.aws().cloudwatch.take(&line.to_string());
}

/// The token of a metrics collector.
pub(crate) fn token(app: &TestApp) -> String {
    let secret = app.aws().secrets.current(&app.service.config.metrics_secret_id).unwrap();
    let secret: Value = serde_json::from_str(&secret).unwrap();
    secret["token"].as_str().unwrap().to_owned()
}

pub(crate) async fn read(app: &TestApp) -> String {
    let answer = app.get("/metrics").send().await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), {
        (200, "text/plain; version=0.0.4; charset=utf-8")
    });
    String::from_utf8(answer.raw.to_vec()).unwrap()
}

/// The samples, without `HELP` and `TYPE`.
pub(crate) fn samples(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

#[tokio::test]
async fn a_counter_is_the_sum_of_the_day_over_all_instances() {
    let app = TestApp::open();
    let labels = |status| [("method", "GET"), ("route", "/api/v1/users/me"), ("status", status)];
    write(&app, metric::HTTP_REQUESTS.name, &labels("2xx"), &json!(100));
    noon(&app);
    for count in [3, 1, 4, 1, 5] {
        write(&app, metric::HTTP_REQUESTS.name, &labels("2xx"), &json!(count));
    }
    write(&app, metric::HTTP_REQUESTS.name, &labels("5xx"), &json!(2));
    write(&app, metric::COLD_STARTS.name, &[], &json!(1));
    let base = "http_requests_total{method=\"GET\",route=\"/api/v1/users/me\",stack=\"local\",status=";
    let expected = [
        format!("{base}\"2xx\"}} 14"),
        format!("{base}\"5xx\"}} 2"),
        "cold_starts_total{stack=\"local\"} 1".to_owned(),
    ];
    assert_eq!(samples(&read(&app).await), expected);
}

#[tokio::test]
async fn a_histogram_is_a_summary_and_a_gauge_its_newest_value() {
    let app = TestApp::open();
    noon(&app);
    let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
    write(&app, metric::ARGON2_SECONDS.name, &[], &json!(hundred));
    write(&app, metric::USERS_OVERDUE.name, &[], &json!(7.0));
    app.clock.advance(3_600);
    write(&app, metric::USERS_OVERDUE.name, &[], &json!(3.0));
    let text = read(&app).await;
    let expected = [
        "argon2_duration_seconds{stack=\"local\",quantile=\"0.5\"} 50",
        "argon2_duration_seconds{stack=\"local\",quantile=\"0.9\"} 90",
        "argon2_duration_seconds{stack=\"local\",quantile=\"0.99\"} 99",
        "argon2_duration_seconds_sum{stack=\"local\"} 5050",
        "argon2_duration_seconds_count{stack=\"local\"} 100",
        "users_overdue{stack=\"local\"} 3",
    ];
    assert_eq!(samples(&text), expected);
    app.clock.advance(DAY);
    assert_eq!(read(&app).await, "", "what has no value today is left out, and never NaN");
}

#[tokio::test]
async fn only_what_is_declared_is_shown() {
    let app = TestApp::open();
    noon(&app);
    write(&app, "made_up_total", &[], &json!(1));
    write(&app, metric::ERRORS.name, &[], &json!(1));
    write(&app, metric::ERRORS.name, &[("code", "busy"), ("user", "ann")], &json!(1));
    write(&app, metric::ERRORS.name, &[("user", "ann")], &json!(1));
    assert_eq!(read(&app).await, "");
}

#[tokio::test]
async fn outside_of_development_only_the_token_lets_read() {
    let app = TestApp::with(&[("ENVIRONMENT", "staging"), ("MAIL_BACKEND", "ses")]);
    let id = &app.service.config.metrics_secret_id;
    let token = token(&app);
    let token = token.as_str();
    let status = async |token: &str| app.get("/metrics").bearer(token).send().await.status.as_u16();
    assert_eq!(app.get("/metrics").send().await.problem(), (401, "unauthenticated"));
    for wrong in ["", "wrong", &token[1..], &format!("{token}x")] {
        assert_eq!(status(wrong).await, 401, "{wrong}");
    }
    assert_eq!(status(token).await, 200);
    let next = json!({ "token": "the-next-one" }).to_string();
    let put = json!({ "SecretId": id, "ClientRequestToken": "next", "SecretString": next }).to_string();
    assert_eq!(app.aws().answer("secretsmanager.PutSecretValue", put.as_bytes()).0, 200);
    assert_eq!([status("the-next-one").await, status(token).await], [401, 200], "the secret was just read");
    app.clock.advance(10);
    assert_eq!([status("the-next-one").await, status(token).await], [200, 401]);
}

#[tokio::test]
async fn a_text_is_kept_for_a_minute() {
    let app = TestApp::open();
    noon(&app);
    write(&app, metric::COLD_STARTS.name, &[], &json!(1));
    let first = read(&app).await;
    write(&app, metric::COLD_STARTS.name, &[], &json!(1));
    app.clock.advance(59);
    assert_eq!(read(&app).await, first);
    app.clock.advance(1);
    assert_eq!(samples(&read(&app).await), ["cold_starts_total{stack=\"local\"} 2"]);
}

#[tokio::test]
async fn two_scrapes_at_once_ask_once() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let app = TestApp::over(Arc::new(move |target: &str, _: &[u8]| {
        counted.fetch_add(usize::from(target.ends_with("ListMetrics")), Ordering::SeqCst);
        Fate::Arrives
    }));
    let (one, other) = join(read(&app), read(&app)).await;
    assert_eq!((one == other, calls.load(Ordering::SeqCst)), (true, 1));
}

#[tokio::test]
async fn what_cannot_be_read_is_unavailable_in_our_own_words() {
    let app = TestApp::over(Arc::new(
        |target: &str, _: &[u8]| {
            if target.ends_with("ListMetrics") { Fate::Lost } else { Fate::Arrives }
        },
    ));
    let answer = app.get("/metrics").send().await;
    assert_eq!(answer.problem(), (503, "unavailable"));
    assert!(!String::from_utf8_lossy(&answer.raw).contains("connection"));
}

#[tokio::test]
async fn labels_are_escaped() {
    let app = TestApp::open();
    noon(&app);
    write(&app, metric::ERRORS.name, &[("code", "a\"b\\c\nd")], &json!(1));
    let expected = r#"errors_total{code="a\"b\\c\nd",stack="local"} 1"#;
    assert_eq!(samples(&read(&app).await), [expected]);
}

#[tokio::test]
async fn more_series_than_one_call_tells_are_all_shown_in_a_stable_order() {
    let app = TestApp::open();
    noon(&app);
    for code in 0..1_100 {
        write(&app, metric::ERRORS.name, &[("code", &format!("{code:04}"))], &json!(code + 1));
    }
    let expected: Vec<_> =
        (0..1_100).map(|code| format!("errors_total{{code=\"{code:04}\",stack=\"local\"}} {}", code + 1)).collect();
    assert_eq!(samples(&read(&app).await), expected);
}

#[tokio::test]
async fn every_metric_is_described_once_and_before_its_samples() {
    let app = TestApp::open();
    noon(&app);
    for metric in ALL {
        for value in ["one", "two"] {
            let labels: Vec<_> = metric.labels.iter().map(|label| (*label, value)).collect();
            write(&app, metric.name, &labels, &json!(1));
        }
    }
    let text = read(&app).await;
    let (mut described, mut typed) = (BTreeSet::new(), BTreeSet::new());
    let mut current = None;
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, description) = help.split_once(' ').unwrap();
            current = ALL.iter().find(|metric| metric.name == name);
            assert_eq!(current.unwrap().description, description);
            assert!(described.insert(name), "{name} is described once");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            let expected = match current.unwrap().kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "summary",
            };
            assert_eq!((name, kind), (current.unwrap().name, expected));
            assert!(typed.insert(name), "{name} has a type once");
        } else {
            let name = line.split('{').next().unwrap();
            let base = name.strip_suffix("_sum").or(name.strip_suffix("_count")).unwrap_or(name);
            assert_eq!(base, current.unwrap().name);
            assert!(typed.contains(base), "{line}");
        }
    }
    assert_eq!(described, ALL.iter().map(|metric| metric.name).collect());
    assert_eq!(typed, described);
}
