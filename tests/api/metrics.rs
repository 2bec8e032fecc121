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
    metric::start(&shop.service.config, || Box::new(Writer)).unwrap();
    let ann = shop.member("ann@example.com").await;
    let template = Template::evaluate(|_| None).unwrap();
    for (_, route) in template.routes() {
        let call = shop.call(route.method.parse().unwrap(), &route.path.replace("{user_id}", &ann.id));
        call.bearer(&ann.access).json(json!({})).send().await;
    }
    shop.stranger("ann@example.com", "Wr0ng!password").await;
    shop.service.invoke("CleanupFunction", json!({})).await.unwrap();
    shop.forgot("nobody@example.com").await;
    shop.mails("nobody@example.com").await;
    metric::flush();
    let written = String::from_utf8(WRITTEN.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = written.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(lines.len() * 100 >= written.lines().count() * 99, "concurrent tests may cut a line short");
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut routes = BTreeSet::new();
    for (name, mut dimensions) in lines.iter().flat_map(read) {
        let metric = ALL.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is not declared"));
        dimensions.remove("environment").unwrap();
        let labels: BTreeSet<_> = dimensions.keys().map(String::as_str).collect();
        assert_eq!(labels, metric.labels.iter().copied().collect(), "{name}");
        routes.extend(dimensions.get("route").map(|route| format!("{} {route}", dimensions["method"])));
        seen.insert(name);
    }
    for (_, route) in template.routes() {
        assert!(routes.contains(&format!("{} {}", route.method, route.path)), "{} {}", route.method, route.path);
    }
    // What takes a fault, a new instance or a user to remove is not in a calm run.
    let rare = [metric::UNCOUNTED, metric::DYNAMODB_FAILURES, metric::DYNAMODB_RETRIES, metric::COLD_STARTS];
    for metric in ALL.iter().filter(|metric| !rare.contains(&metric.name) && metric.name != metric::USERS_REMOVED) {
        assert!(seen.contains(metric.name), "{} is never emitted", metric.name);
    }
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
