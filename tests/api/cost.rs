//! The database use of every route, and of the mailer and cleanup: measured, and compared with the table in
//! `infra/userctl/src/cost/budget.rs`. Units are those of the answers (`ReturnConsumedCapacity` is `INDEXES`).

mod meter;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;
use template::Template;
use user_config::MetricsDetail;
use user_telemetry::metric::{self, ALL, Collector, STACK};
use userctl::cost::assumptions::{ALARM_METRICS, LOG_BYTES, USUAL};
use userctl::cost::budget::{ASKED, BACKGROUND, LOOK, MESSAGE, NOTHING, ONE, ROUTES, Row, Work, find, line};
use userctl::cost::prices::{COMPUTE, INVOCATIONS, READS, REQUESTS, WRITES};
use userctl::cost::{Report, prices};

use crate::support::errand::{ANN, NEW, errand};
use crate::support::{TestApp, trap};

use meter::Meter;

/// Calls a route once, by Ann or, for others' records, by an administrator.
async fn drive(route: &str) -> Work {
    let (meter, wire) = Meter::new();
    let app = TestApp::over(wire);
    let call = Box::pin(errand(&app, route)).await;
    let (answer, work) = Box::pin(meter.measure(&app, call.send())).await;
    assert!(
        answer.status.is_success() || route == "$default",
        "{route} was answered {}: {}",
        answer.status,
        answer.json
    );
    work
}

/// Does a piece of background work once, after its preconditions are met.
async fn run(name: &str) -> Work {
    let (meter, wire) = Meter::new();
    let app = TestApp::over(wire);
    match name {
        MESSAGE => {
            assert_eq!(app.sign_up(NEW).await.status, 201);
            let (mails, work) = Box::pin(meter.measure(&app, app.mails(NEW))).await;
            assert_eq!(mails.len(), 1);
            work
        }
        ASKED => {
            app.member(ANN).await;
            assert_eq!(app.forgot(ANN).await.status, 202);
            let (mails, work) = Box::pin(meter.measure(&app, app.mails(ANN))).await;
            assert_eq!(mails[0]["kind"], "reset-password");
            work
        }
        LOOK => {
            let (outcome, work) = Box::pin(meter.measure(&app, app.service.invoke("MailerFunction", json!({})))).await;
            outcome.unwrap();
            work
        }
        NOTHING | ONE => {
            if name == ONE {
                assert_eq!(app.sign_up(NEW).await.status, 201);
                app.clock.advance(172_800 + 60);
            }
            let (report, work) = Box::pin(meter.measure(&app, app.service.invoke("CleanupFunction", json!({})))).await;
            assert_eq!(report.unwrap()["removed"], u64::from(name == ONE));
            work
        }
        other => panic!("nobody knows how to do {other}"),
    }
}

/// The row that the table needs for a measurement; `None` if it has that row.
fn news(rows: &'static [Row], name: &str, work: &Work) -> Option<String> {
    let known = find(rows, name);
    let agrees = known.is_some_and(|row| row.work == *work);
    (!agrees).then(|| line(name, work, known.map_or(0, |row| row.hashes)))
}

#[tokio::test]
async fn every_route_uses_what_the_table_says() {
    let template = Template::evaluate(|_| None).unwrap();
    let routes = template.routes().map(|(_, route)| route.key()).filter(|route| !route.starts_with("HEAD "));
    let routes: BTreeSet<_> = routes.collect();
    let mut wrong = Vec::new();
    for route in &routes {
        wrong.extend(news(ROUTES, route, &Box::pin(drive(route)).await));
    }
    assert!(wrong.is_empty(), "rows for infra/userctl/src/cost/budget.rs:\n    {}\n", wrong.join("\n    "));
    let rows: BTreeSet<_> = ROUTES.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(rows, routes, "a row without a route");
    assert_eq!(rows.len(), ROUTES.len(), "two rows for one route");
}

#[tokio::test]
async fn work_in_the_background_uses_what_the_table_says() {
    let mut wrong = Vec::new();
    for row in BACKGROUND {
        wrong.extend(news(BACKGROUND, row.name, &Box::pin(run(row.name)).await));
    }
    assert!(wrong.is_empty(), "rows for infra/userctl/src/cost/budget.rs:\n    {}\n", wrong.join("\n    "));
}

#[test]
fn the_page_in_the_docs_is_what_the_command_prints() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("infra/docs/cost.md");
    let page = fs::read_to_string(page).unwrap_or_default();
    let printed = Report::of(USUAL).unwrap().text();
    assert!(page.trim_end() == printed, "run `cargo userctl cost > infra/docs/cost.md`");
}

#[test]
fn the_costs_for_programs_are_those_of_the_page() {
    let report = Report::of(USUAL).unwrap();
    let (text, json) = (report.text(), report.json());
    assert_eq!(json["prices_of"], prices::DATE);
    for row in ROUTES {
        let total = json["million_calls"][row.name]["dollars"]["total"].as_f64().unwrap();
        let line = text.lines().find(|line| line.contains(&format!("| `{}` ", row.name))).unwrap();
        assert!(total >= 1.2 && line.ends_with(&format!(" {total:.2} |")), "{line} {total}");
    }
    let month = json["month"]["dollars"]["total"].as_f64().unwrap();
    assert!(text.contains(&format!(" {month:.2} |")), "{month}");
}

#[test]
fn the_dashboard_estimates_by_the_same_prices() {
    let dashboard = include_str!("../../infra/monitoring.yaml");
    let request = REQUESTS.of(1.0) + INVOCATIONS.of(1.0);
    let template = Template::evaluate(|_| None).unwrap();
    let second = |binary: &str| {
        let (.., function) = template.functions().find(|(_, known, _)| *known == binary).unwrap();
        COMPUTE.of(template.memory_mb(function) as f64 / 1024.0)
    };
    let memory = |binary: &str| second(binary) / COMPUTE.of(1.0);
    let factors = [
        format!("{:.9} * SUM", READS.of(1.0)),
        format!("{:.9} * SUM", WRITES.of(1.0)),
        format!("{request:.7} * requests"),
        format!("{:.10} * (auth * {} + users * {}) / 1000", COMPUTE.of(1.0), memory("auth"), memory("users")),
    ];
    for factor in factors {
        assert!(dashboard.contains(&format!("\"{factor}")), "{factor}");
    }
}

#[test]
fn the_alarms_look_at_as_many_metrics_as_the_costs_say() {
    let files = [include_str!("../../template.yaml"), include_str!("../../infra/monitoring.yaml")];
    let alarms = files.iter().flat_map(|file| file.split("Type: AWS::CloudWatch::Alarm").skip(1));
    let looked_at = |alarm: &str| match alarm.split("\n\n").next().unwrap_or_default().matches("MetricStat:").count() {
        0 => 1,
        several => several,
    };
    assert_eq!(alarms.map(looked_at).sum::<usize>() as f64, ALARM_METRICS);
}

/// A usual user's day: a sign-in, two refreshes, two reads. The lines are those of the log; the metrics are those that essential detail
/// emits, since this process collects in full.
#[tokio::test]
async fn a_usual_request_leaves_as_many_bytes_in_the_log_as_the_costs_say() {
    let app = TestApp::open();
    let ann = app.member(ANN).await;
    let login = app.log_in(ANN).await;
    let first = app.refresh(&login.text("refresh_token")).await;
    let second = app.refresh(&first.text("refresh_token")).await;
    let mut answers = vec![login, first, second];
    for _ in 0..2 {
        answers.push(app.get("/users/me").bearer(&ann.access).send().await);
    }
    let lines = answers.iter().flat_map(|answer| trap::lines(answer.header("x-request-id")));
    let collector = Collector::new(MetricsDetail::Essential, "users-production");
    let mut bytes = 0;
    for line in lines.filter(|line| line["level"] == "INFO") {
        let mut line = line.as_object().unwrap().clone();
        line.retain(|name, _| name != "_aws" && name != STACK && !ALL.iter().any(|metric| metric.name == name));
        if line["message"] == "security event" {
            collector.add(&metric::EVENTS, &["signed-in"], 1);
        }
        bytes += collector.take_into(line).iter().map(|line| serde_json::to_vec(line).unwrap().len()).sum::<usize>();
    }
    // On AWS each request has a trace.
    let trace = r#""trace.id":"1-5759e988-bd862e3fe1be46a994272793","#.len();
    let each = (bytes / answers.len() + trace) as f64;
    println!("{each} bytes");
    assert!(each < LOG_BYTES && each > LOG_BYTES * 0.7, "{each}");
}
