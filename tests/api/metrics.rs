//! Metrics in CloudWatch's embedded metric format: every line is valid, and says only what is declared.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Mutex;

use local::template::Template;
use serde_json::{Value, json};
use user_core::metric::{self, ALL, Kind, NAMESPACE};

use crate::support::Shop;

/// What has been written so far, by all tests of this process.
static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Checks a line by the specification ("Embedded metric format specification"), returns its metrics with their dimensions.
fn read(line: &Value) -> BTreeMap<String, BTreeMap<String, String>> {
    assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_600_000_000_000, "milliseconds");
    let [directive] = line["_aws"]["CloudWatchMetrics"].as_array().unwrap().as_slice() else { panic!("{line}") };
    assert_eq!(directive["Namespace"], NAMESPACE);
    let [dimensions] = directive["Dimensions"].as_array().unwrap().as_slice() else { panic!("{line}") };
    let dimensions: BTreeMap<_, _> = dimensions
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .map(|name| (name.to_owned(), line[name].as_str().unwrap().to_owned()))
        .collect();
    assert!(dimensions.len() <= 30 && dimensions.values().all(|value| (1..=1024).contains(&value.len())), "{line}");
    let metrics = directive["Metrics"].as_array().unwrap();
    assert!((1..=100).contains(&metrics.len()));
    let metrics = metrics.iter().map(|metric| {
        let name = metric["Name"].as_str().unwrap();
        assert!(["Count", "Seconds"].contains(&metric["Unit"].as_str().unwrap()), "{metric}");
        let numbers = line[name].as_array().map_or(1, |values| {
            assert!(values.iter().all(Value::is_number));
            values.len()
        });
        assert!((1..=100).contains(&numbers) && (line[name].is_number() || line[name].is_array()), "{line}");
        (name.to_owned(), dimensions.clone())
    });
    metrics.collect()
}

#[tokio::test]
async fn a_request_to_each_route_leaves_valid_lines_that_say_only_what_is_declared() {
    let shop = Shop::open();
    metric::start(&shop.service.config, || Box::new(Writer), 1).unwrap();
    let ann = shop.member("ann@example.com").await;
    let template = Template::evaluate(|_| None).unwrap();
    for (_, route) in template.routes() {
        let (method, path) = (route.method.as_deref().unwrap_or("GET"), route.path.as_deref().unwrap_or("/nowhere"));
        let call = shop.call(method.parse().unwrap(), &path.replace("{user_id}", &ann.id));
        call.bearer(&ann.access).json(json!({})).send().await;
    }
    shop.stranger("ann@example.com", "Wr0ng!password").await;
    shop.service.invoke("CleanupFunction", json!({})).await.unwrap();
    shop.forgot("nobody@example.com").await;
    shop.mails("nobody@example.com").await;
    // Nobody is there to ask.
    let asking = [("PASSWORD_BREACH_CHECK", "range"), ("PASSWORD_BREACH_URL", "http://127.0.0.1:1")];
    assert_eq!(Shop::with(&asking).sign_up("ann@example.com").await.status, 201);
    metric::flush();
    let written = String::from_utf8(WRITTEN.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = written.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(lines.len() * 100 >= written.lines().count() * 99, "concurrent tests may cut a line short");
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let (mut routes, mut outcomes) = (BTreeSet::new(), BTreeSet::new());
    for (name, mut dimensions) in lines.iter().flat_map(read) {
        let metric = ALL.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is not declared"));
        dimensions.remove("environment").unwrap();
        let labels: BTreeSet<_> = dimensions.keys().map(String::as_str).collect();
        assert_eq!(labels, metric.labels.iter().copied().collect(), "{name}");
        if name == metric::BREACH_CHECKS {
            outcomes.insert(dimensions["outcome"].clone());
        }
        routes.extend(dimensions.get("route").map(|route| format!("{} {route}", dimensions["method"])));
        seen.insert(name);
    }
    assert!(outcomes.contains("failed"), "{outcomes:?}");
    for (_, route) in template.routes() {
        let label = route.path.as_ref().map_or("GET unmatched".to_owned(), |_| route.key());
        assert!(routes.contains(&label), "{label}");
    }
    agrees(&lines).await;
    // What takes a fault, a new instance or a user to remove is not in a calm run.
    let rare = [metric::UNCOUNTED, metric::DYNAMODB_FAILURES, metric::DYNAMODB_RETRIES, metric::COLD_STARTS];
    for metric in ALL.iter().filter(|metric| !rare.contains(&metric.name) && metric.name != metric::USERS_REMOVED) {
        assert!(seen.contains(metric.name), "{} is never emitted", metric.name);
    }
}

/// What `/metrics` says of these lines is what they say.
async fn agrees(lines: &[Value]) {
    let shop = Shop::open();
    // The lines bear the real time.
    let newest = lines.iter().filter_map(|line| line["_aws"]["Timestamp"].as_i64()).max().unwrap() / 1_000;
    shop.clock.advance(newest + 1 - shop.clock.now().0);
    let midnight = shop.clock.now().0 / 86_400 * 86_400;
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["_aws"]["Timestamp"].as_i64().unwrap() / 1_000 >= midnight) {
        shop.aws().cloudwatch.take(&line.to_string());
        for (name, dimensions) in read(line) {
            let kind = ALL.iter().find(|metric| metric.name == name).unwrap().kind;
            let labels: Vec<_> = dimensions.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
            let suffix = if kind == Kind::Histogram { "_count" } else { "" };
            let said = line[&name].as_array().map_or(vec![line[&name].clone()], Clone::clone);
            let amount =
                if kind == Kind::Histogram { said.len() as f64 } else { said.iter().filter_map(Value::as_f64).sum() };
            if kind != Kind::Gauge {
                *sums.entry(format!("{name}{suffix}{{{}}}", labels.join(","))).or_default() += amount;
            }
        }
    }
    let text = crate::fleet::read(&shop).await;
    let told: BTreeMap<_, f64> = crate::fleet::samples(&text)
        .into_iter()
        .map(|sample| sample.rsplit_once(' ').unwrap())
        .filter(|(name, _)| {
            !name.contains("quantile=") && !name.contains("_seconds_sum") && !name.starts_with("users_overdue")
        })
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect();
    assert!(sums.len() > 50, "{sums:?}");
    assert_eq!(told, sums);
}

#[test]
fn every_metric_is_documented() {
    let readme = include_str!("../../README.md");
    for metric in ALL {
        let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" ");
        assert!(readme.contains(&format!("| `{}` | {labels} |", metric.name)), "{}", metric.name);
        let counts_up = metric.name.ends_with("_total");
        assert_eq!(counts_up, metric.kind == Kind::Counter, "{}: a counter's name ends so", metric.name);
    }
}

const MONITORING: &str = include_str!("../../infra/monitoring.yaml");

/// What the dashboard shows of our own metrics: names with the dimensions that they are asked for by.
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
            if !search.contains("SEARCH(") {
                return None;
            }
            let dimensions = search.split(&format!("{{{NAMESPACE},")).nth(1).unwrap().split('}').next().unwrap();
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
fn the_dashboard_shows_only_metrics_that_are_emitted_with_their_dimensions() {
    let shown = shown();
    assert!(shown.len() >= 9);
    for (name, mut dimensions) in shown {
        let metric = ALL.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is not emitted"));
        assert!(dimensions.remove("environment"), "{name}");
        assert_eq!(dimensions, metric.labels.iter().map(|label| (*label).to_owned()).collect(), "{name}");
    }
}

#[test]
fn alarms_are_about_metrics_that_exist_and_tell_the_topic() {
    let alarms: Vec<_> = MONITORING.split("Type: AWS::CloudWatch::Alarm").skip(1).collect();
    assert_eq!(alarms.len(), 7);
    for alarm in alarms {
        assert!(alarm.contains("AlarmActions: !If [Tells,") && alarm.contains("AlarmDescription: "), "{alarm}");
        // The alarms on our own metrics are queries of Metrics Insights.
        let Some(query) = alarm.split("SELECT SUM(").nth(1) else {
            assert!(!alarm.contains(NAMESPACE), "an alarm that this test cannot read: {alarm}");
            continue;
        };
        let (name, rest) = query.split_once(") FROM SCHEMA(UserManagement, environment, ").unwrap();
        let labels: Vec<_> = rest.split(')').next().unwrap().split(", ").collect();
        assert_eq!(ALL.iter().find(|metric| metric.name == name).unwrap().labels, labels);
    }
}
