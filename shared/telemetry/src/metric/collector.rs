//! Collects metrics until they are written, as objects of `CloudWatch`'s embedded metric format ("Embedded metric format specification").
//! No library puts metrics into a log line that has other fields, too.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use user_config::MetricsDetail;
use user_core::clock::Clock;

use super::{Metric, NAMESPACE, STACK};

/// The most values of a metric in an object (the specification's limit is 100).
const VALUES: usize = 100;

/// Collects values until they are taken.
pub struct Collector {
    detail: MetricsDetail,
    stack: String,
    series: Mutex<BTreeMap<Series, Values>>,
}

/// A metric with values of its labels, sorted so that series with the same labels are together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    labels: Vec<(&'static str, String)>,
    /// The labels of an additional series for the dashboard and the alarms.
    essential: Option<&'static [&'static str]>,
    name: &'static str,
    unit: &'static str,
}

enum Values {
    Sum(u64),
    Last(f64),
    Each(Vec<f64>),
}

impl Collector {
    /// An empty collector for the stack with this name.
    #[must_use]
    pub fn new(detail: MetricsDetail, stack: &str) -> Self {
        Self { detail, stack: stack.to_owned(), series: Mutex::default() }
    }

    /// See [`Metric::add`].
    pub fn add(&self, metric: &Metric, labels: &[&str], count: u64) {
        self.note(metric, labels, Values::Sum(count), |values| {
            if let Values::Sum(sum) = values {
                *sum += count;
            }
        });
    }

    /// See [`Metric::set`].
    pub fn set(&self, metric: &Metric, value: f64) {
        self.note(metric, &[], Values::Last(value), |values| *values = Values::Last(value));
    }

    /// See [`Metric::record`]. At most a hundred values are kept between two writes: the first ones.
    pub fn record(&self, metric: &Metric, labels: &[&str], value: f64) {
        self.note(metric, labels, Values::Each(vec![value]), |values| {
            if let Values::Each(each) = values
                && each.len() < VALUES
            {
                each.push(value);
            }
        });
    }

    fn note(&self, metric: &Metric, labels: &[&str], first: Values, more: impl FnOnce(&mut Values)) {
        let all = metric.labels.iter().copied().zip(labels.iter().copied());
        let (labels, essential) = match (self.detail, metric.essential) {
            (MetricsDetail::Essential, None) => return,
            (MetricsDetail::Essential, Some(kept)) => (owned(all.filter(|(name, _)| kept.contains(name))), None),
            (MetricsDetail::Full, kept) => (owned(all), kept.filter(|kept| kept.len() < metric.labels.len())),
        };
        let series = Series { labels, essential, name: metric.name, unit: metric.unit.as_str() };
        match self.lock().entry(series) {
            Entry::Vacant(vacant) => {
                vacant.insert(first);
            }
            Entry::Occupied(mut occupied) => more(occupied.get_mut()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Series, Values>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was collected and adds it to `first`. A name has one value in an object, so what contradicts `first` goes into further
    /// objects. Returns `first` alone if nothing was collected, and no object if `first` is empty, too.
    #[must_use]
    pub fn take_into(&self, first: Map<String, Value>) -> Vec<Map<String, Value>> {
        let series = std::mem::take(&mut *self.lock());
        let mut objects = vec![Object { members: first, directives: Vec::new() }];
        for (series, values) in series {
            let place = objects.iter().position(|object| object.takes(&series));
            let place = place.unwrap_or_else(|| {
                objects.push(Object { members: Map::new(), directives: Vec::new() });
                objects.len() - 1
            });
            if let Some(object) = objects.get_mut(place) {
                object.put(series, values);
            }
        }
        objects.into_iter().filter_map(|object| object.close(&self.stack)).collect()
    }
}

fn owned<'a>(labels: impl Iterator<Item = (&'static str, &'a str)>) -> Vec<(&'static str, String)> {
    labels.map(|(name, value)| (name, value.to_owned())).collect()
}

/// An object of the log that is being built.
struct Object {
    members: Map<String, Value>,
    directives: Vec<(Vec<Vec<&'static str>>, Vec<Value>)>,
}

impl Object {
    fn takes(&self, series: &Series) -> bool {
        let agrees = |(name, value): &(&str, String)| self.members.get(*name).is_none_or(|other| other == value);
        !self.members.contains_key(series.name) && series.labels.iter().all(agrees)
    }

    fn put(&mut self, series: Series, values: Values) {
        let names = |labels: &mut dyn Iterator<Item = &'static str>| [STACK].into_iter().chain(labels).collect();
        let mut dimensions: Vec<Vec<_>> = vec![names(&mut series.labels.iter().map(|(name, _)| *name))];
        dimensions.extend(series.essential.map(|kept| names(&mut kept.iter().copied())));
        for (name, value) in series.labels {
            self.members.insert(name.to_owned(), Value::String(value));
        }
        let value = match values {
            Values::Sum(sum) => json!(sum),
            Values::Last(last) => json!(last),
            Values::Each(each) => match each.as_slice() {
                [one] => json!(one),
                _ => json!(each),
            },
        };
        self.members.insert(series.name.to_owned(), value);
        let metric = json!({ "Name": series.name, "Unit": series.unit });
        match self.directives.iter_mut().find(|(known, _)| *known == dimensions) {
            Some((_, metrics)) => metrics.push(metric),
            None => self.directives.push((dimensions, vec![metric])),
        }
    }

    /// The finished object; `None` when it is empty.
    fn close(mut self, stack: &str) -> Option<Map<String, Value>> {
        if !self.directives.is_empty() {
            let directive =
                |(dimensions, metrics)| json!({ "Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics });
            let directives: Vec<_> = self.directives.into_iter().map(directive).collect();
            let about = json!({ "Timestamp": Clock::System.now_millis(), "CloudWatchMetrics": directives });
            self.members.insert("_aws".to_owned(), about);
            self.members.insert(STACK.to_owned(), Value::String(stack.to_owned()));
        }
        (!self.members.is_empty()).then_some(self.members)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ALL, DYNAMODB_FAILURES, ERRORS, EVENTS, HTTP_REQUESTS, HTTP_SECONDS, UNCOUNTED, USERS_OVERDUE};
    use super::*;

    fn taken(collector: &Collector, first: &Value) -> Vec<Value> {
        let first = first.as_object().cloned().unwrap_or_default();
        collector.take_into(first).into_iter().map(Value::Object).collect()
    }

    #[test]
    fn what_is_essential_leaves_with_the_labels_that_are_needed_and_the_rest_not_at_all() {
        let collector = Collector::new(MetricsDetail::Essential, "users");
        collector.add(&HTTP_REQUESTS, &["GET", "/api/v1/me", "2xx"], 1);
        collector.add(&DYNAMODB_FAILURES, &["Query", "users"], 1);
        collector.add(&DYNAMODB_FAILURES, &["GetItem", "users"], 2);
        collector.add(&EVENTS, &["signed-in"], 1);
        let line = taken(&collector, &json!({ "message": "request" }));
        let [line] = line.as_slice() else { panic!("{line:?}") };
        assert_eq!((&line["message"], &line["stack"]), (&json!("request"), &json!("users")));
        assert_eq!((&line["dynamodb_failures_total"], &line["security_events_total"]), (&json!(3), &json!(1)));
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let dimensions: Vec<_> = directives.iter().map(|directive| &directive["Dimensions"]).collect();
        assert_eq!(dimensions, [&json!([["stack"]]), &json!([["stack", "name"]])]);
        assert_eq!(taken(&collector, &json!({})), Vec::<Value>::new(), "what was taken is gone");
    }

    #[test]
    fn in_full_detail_each_label_leaves_and_the_essential_form_beside_it() {
        let collector = Collector::new(MetricsDetail::Full, "users");
        collector.add(&UNCOUNTED, &["general"], 1);
        collector.record(&HTTP_SECONDS, &["GET", "/api/v1/me"], 0.5);
        let line = taken(&collector, &json!({}));
        let [line] = line.as_slice() else { panic!("{line:?}") };
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let dimensions: Vec<_> = directives.iter().map(|directive| &directive["Dimensions"]).collect();
        assert_eq!(dimensions, [&json!([["stack", "class"], ["stack"]]), &json!([["stack", "method", "route"]])]);
    }

    #[test]
    fn values_that_cannot_stand_in_one_object_stand_in_two() {
        let collector = Collector::new(MetricsDetail::Full, "users");
        collector.add(&EVENTS, &["password-changed"], 1);
        collector.add(&EVENTS, &["signed-out-everywhere"], 1);
        collector.add(&ERRORS, &["conflict"], 1);
        let lines = taken(&collector, &json!({ "message": "request" }));
        assert_eq!(lines.len(), 2);
        assert_eq!(lines.iter().map(|line| line["security_events_total"].as_u64().unwrap()).sum::<u64>(), 2);
    }

    #[test]
    fn a_value_of_the_moment_is_said_once_and_a_distribution_is_bounded() {
        let collector = Collector::new(MetricsDetail::Full, "users");
        collector.set(&USERS_OVERDUE, 3.0);
        collector.set(&USERS_OVERDUE, 2.0);
        for _ in 0..VALUES + 5 {
            collector.record(&HTTP_SECONDS, &["GET", "/api/v1/me"], 0.25);
        }
        let lines = taken(&collector, &json!({}));
        assert_eq!(lines[0]["users_overdue"], 2.0);
        assert_eq!(lines[0]["http_request_duration_seconds"].as_array().unwrap().len(), VALUES);
        assert!(taken(&collector, &json!({})).is_empty());
    }

    #[test]
    fn what_is_essential_is_a_part_of_what_is_declared() {
        for metric in ALL {
            let declared = |label| metric.labels.contains(label);
            assert!(metric.essential.is_none_or(|kept| kept.iter().all(declared)), "{}", metric.name);
        }
    }
}
