//! Metrics in CloudWatch's embedded metric format: every line is valid, and contains only declared metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::{Value, json};
use template::Template;
use user_config::MetricsDetail;
use user_telemetry::metric::{self, ALL, Collector, Kind, Metric, NAMESPACE, STACK, When};

use crate::support::{PASSWORD, TestApp, trap};

/// A value of a line: its metric, one set of its dimensions, and the number or numbers.
struct Point {
    metric: &'static Metric,
    dimensions: BTreeMap<String, String>,
    values: Vec<f64>,
}

/// Checks a line against the specification ("Embedded metric format specification"), and returns its values.
fn read(line: &Value) -> Vec<Point> {
    assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_600_000_000_000, "milliseconds");
    let mut points = Vec::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(directive["Namespace"], NAMESPACE);
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        for (set, metric) in directive["Dimensions"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|set| metrics.iter().map(move |metric| (set, metric)))
        {
            let names = set.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
            let dimensions: BTreeMap<_, _> =
                names.map(|name| (name.to_owned(), line[name].as_str().unwrap().to_owned())).collect();
            assert!(
                dimensions.len() <= 30 && dimensions.values().all(|value| (1..=1024).contains(&value.len())),
                "{line}"
            );
            let name = metric["Name"].as_str().unwrap();
            let values = line[name].as_array().map_or(vec![line[name].clone()], Clone::clone);
            let values: Vec<_> = values.iter().map(|value| value.as_f64().unwrap()).collect();
            assert!((1..=100).contains(&values.len()), "{line}");
            let metric = ALL.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name} is not declared"));
            assert_eq!(
                directive["Metrics"].as_array().unwrap().iter().find(|one| one["Name"] == name).unwrap()["Unit"],
                metric.unit.as_str()
            );
            points.push(Point { metric, dimensions, values });
        }
    }
    points
}

/// The writer of metrics that are in no request's line.
struct Beside;

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        trap::note(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_request_to_each_route_leaves_valid_lines_that_say_only_what_is_declared() {
    let app = TestApp::open();
    metric::start(&app.service.config, || Box::new(Beside), When::EachRequest);
    let ann = app.member("ann@example.com").await;
    let template = Template::evaluate(|_| None).unwrap();
    for (_, route) in template.routes() {
        let (method, path) = (route.method.as_deref().unwrap_or("GET"), route.path.as_deref().unwrap_or("/nowhere"));
        let call = app.call(method.parse().unwrap(), &path.replace("{user_id}", &ann.id));
        call.bearer(&ann.access).json(json!({})).send().await;
    }
    app.stranger("ann@example.com", "Wr0ng!password").await;
    app.service.invoke("CleanupFunction", json!({})).await.unwrap();
    app.forgot("nobody@example.com").await;
    app.mails("nobody@example.com").await;
    // There is no service at this URL.
    let asking = [("PASSWORD_BREACH_CHECK", "range"), ("PASSWORD_BREACH_URL", "http://127.0.0.1:1")];
    assert_eq!(TestApp::with(&asking).sign_up("ann@example.com").await.status, 201);
    metric::flush();
    let lines: Vec<Value> = trap::metrics().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let (mut routes, mut outcomes) = (BTreeSet::new(), BTreeSet::new());
    for Point { metric, mut dimensions, .. } in lines.iter().flat_map(read) {
        dimensions.remove(STACK).unwrap();
        let labels: BTreeSet<_> = dimensions.keys().map(String::as_str).collect();
        let forms = [Some(metric.labels), metric.essential];
        assert!(
            forms.iter().flatten().any(|form| labels == form.iter().copied().collect()),
            "{} {labels:?}",
            metric.name
        );
        if metric.name == metric::BREACH_CHECKS.name {
            outcomes.insert(dimensions["outcome"].clone());
        }
        routes.extend(dimensions.get("route").map(|route| format!("{} {route}", dimensions["method"])));
        seen.insert(metric.name);
    }
    assert!(outcomes.contains("failed"), "{outcomes:?}");
    for (_, route) in template.routes() {
        let label = route.path.as_ref().map_or("GET unmatched".to_owned(), |_| route.key());
        assert!(routes.contains(&label), "{label}");
    }
    agrees(&lines).await;
    // Metrics of a fault, a new instance or a removed user do not occur in a normal run.
    let rare = [
        metric::HTTP_FAILURES,
        metric::UNCOUNTED,
        metric::DYNAMODB_FAILURES,
        metric::DYNAMODB_RETRIES,
        metric::COLD_STARTS,
        metric::USERS_REMOVED,
    ];
    for metric in ALL.iter().filter(|metric| !rare.iter().any(|rare| rare.name == metric.name)) {
        assert!(seen.contains(metric.name), "{} is never emitted", metric.name);
    }
}

/// `/metrics` shows the values of these lines.
async fn agrees(lines: &[Value]) {
    let app = TestApp::open();
    // The lines have the real time.
    let newest = lines.iter().filter_map(|line| line["_aws"]["Timestamp"].as_i64()).max().unwrap() / 1_000;
    app.clock.advance(newest + 1 - app.clock.now().0);
    let midnight = app.clock.now().0 / 86_400 * 86_400;
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["_aws"]["Timestamp"].as_i64().unwrap() / 1_000 >= midnight) {
        app.aws().cloudwatch.take(&line.to_string());
        for Point { metric, dimensions, values } in read(line) {
            // The essential form is written in addition to the full one.
            if dimensions.len() != metric.labels.len() + 1 || metric.kind == Kind::Gauge {
                continue;
            }
            let labels: Vec<_> = dimensions.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
            let (suffix, amount) = match metric.kind {
                Kind::Histogram => ("_count", values.len() as f64),
                _ => ("", values.iter().sum()),
            };
            *sums.entry(format!("{}{suffix}{{{}}}", metric.name, labels.join(","))).or_default() += amount;
        }
    }
    let text = crate::metrics::read(&app).await;
    let told: BTreeMap<_, f64> = crate::metrics::samples(&text)
        .into_iter()
        .map(|sample| sample.rsplit_once(' ').unwrap())
        .filter(|(name, _)| {
            !name.contains("quantile=")
                && !name.contains("_seconds_sum")
                && !name.starts_with("users_overdue")
                && !name.starts_with("signing_key_age")
        })
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect();
    assert!(sums.len() > 50, "{sums:?}");
    assert_eq!(told, sums);
}

#[test]
fn every_metric_is_documented() {
    let page = include_str!("../../infra/docs/operating.md");
    for metric in ALL {
        let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" ");
        let row = format!("| `{}` | {labels} | {} |", metric.name, metric.description);
        assert!(page.contains(&row), "{row}");
        let counts_up = metric.name.ends_with("_total");
        assert_eq!(counts_up, metric.kind == Kind::Counter, "{}: a counter's name ends so", metric.name);
    }
}

const MONITORING: &str = include_str!("../../infra/monitoring.yaml");

/// Whether the dashboard and the alarms may query a metric with these dimensions: the stack and the essential labels.
fn is_essential(name: &str, dimensions: &BTreeSet<String>) -> bool {
    let metric = ALL.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is not emitted"));
    let names = |kept: &[&str]| kept.iter().copied().chain([STACK]).map(str::to_owned).collect();
    metric.essential.is_some_and(|kept| *dimensions == names(kept))
}

/// The metrics of our own that the dashboard shows, with the dimensions of the query.
fn shown() -> Vec<(String, BTreeSet<String>)> {
    let body = MONITORING.split("DashboardBody: !Sub |\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let widgets = body["widgets"].as_array().unwrap().iter().filter(|widget| widget["type"] == "metric");
    let entries = widgets.flat_map(|widget| {
        assert!(widget["properties"]["title"].is_string() && widget["properties"]["region"].is_string(), "{widget}");
        widget["properties"]["metrics"].as_array().unwrap().iter()
    });
    let own = entries.filter_map(|entry| {
        if let Some(search) = entry[0]["expression"].as_str() {
            let dimensions = search.split(&format!("{{{NAMESPACE},")).nth(1)?.split('}').next().unwrap();
            let name = search.split("MetricName=\"").nth(1).unwrap().split('"').next().unwrap();
            return Some((name.to_owned(), dimensions.split(',').map(str::to_owned).collect()));
        }
        let texts: Vec<_> = entry.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let dimensions = texts.iter().skip(2).step_by(2).map(|name| (*name).to_owned()).collect();
        (texts[0] == NAMESPACE).then(|| (texts[1].to_owned(), dimensions))
    });
    own.collect()
}

#[test]
fn the_dashboard_asks_only_for_what_is_essential() {
    let shown = shown();
    assert!(shown.len() >= 6);
    for (name, dimensions) in shown {
        assert!(is_essential(&name, &dimensions), "{name} {dimensions:?}");
    }
}

#[test]
fn every_alarm_tells_the_operators_when_it_begins_and_when_it_ends_and_asks_only_for_what_is_essential() {
    let files = [MONITORING, include_str!("../../template.yaml")];
    let alarms: Vec<_> = files.iter().flat_map(|file| file.split("Type: AWS::CloudWatch::Alarm").skip(1)).collect();
    assert_eq!(alarms.len(), 18);
    let mut own = 0;
    for alarm in alarms {
        let alarm = alarm.split("\n\n").next().unwrap();
        for needed in
            ["Condition: Tells", "AlarmActions: [!Ref Operators]", "OKActions: [!Ref Operators]", "AlarmDescription: "]
        {
            assert!(alarm.contains(needed), "{needed}: {alarm}");
        }
        if alarm.contains(&format!("Namespace: {NAMESPACE}")) {
            let name = alarm.split("MetricName: ").nth(1).unwrap().split(['\n', ',']).next().unwrap();
            let dimensions = alarm.split("{Name: ").skip(1).map(|rest| rest.split(',').next().unwrap().to_owned());
            assert!(is_essential(name, &dimensions.collect()), "{alarm}");
            own += 1;
        }
    }
    assert_eq!(own, 7);
}

#[test]
fn what_is_essential_is_thirty_series_at_most() {
    let events = 16; // `event::EventName`
    let outcomes = 7; // Outcomes of an email, by the mailer and by SES.
    let series = |metric: &Metric| match metric.essential {
        None => 0,
        Some([]) => 1,
        Some(["name"]) => events,
        Some(["outcome"]) => outcomes,
        Some(other) => panic!("{other:?}"),
    };
    assert!(ALL.iter().map(series).sum::<usize>() <= 30);
}

/// The maximum length of the line of a usual request with its metrics, in bytes.
const LINE_BYTES: usize = 900;

#[tokio::test]
async fn a_sign_in_on_a_new_instance_is_a_line_of_less_than_900_bytes() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    let answer = app.post("/auth/login").header("traceparent", trace).json(body).send().await;
    let mut lines = trap::lines(answer.header("x-request-id"));
    lines.retain(|line| line["message"] == "request");
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let mut line = line.as_object().unwrap().clone();
    line.retain(|name, _| name != "_aws" && name != STACK && !ALL.iter().any(|metric| metric.name == name));
    let collector = Collector::new(MetricsDetail::Essential, "users-production");
    for (metric, labels) in [(&metric::COLD_STARTS, [].as_slice()), (&metric::EVENTS, &["signed-in"])] {
        collector.add(metric, labels, 1);
    }
    let with_metrics = collector.take_into(line);
    let [line] = with_metrics.as_slice() else { panic!("{with_metrics:?}") };
    let bytes = serde_json::to_vec(line).unwrap().len();
    println!("{bytes} bytes");
    assert!((400..LINE_BYTES).contains(&bytes), "{bytes}: {line:?}");
}
