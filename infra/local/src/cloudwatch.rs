//! `CloudWatch`: reads metrics from log lines in the embedded metric format, and answers the two calls that query them (Smithy RPC v2
//! CBOR).

mod history;
mod message;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use ciborium::tag::Required;
use serde_json::Value;
use template::Fault;
use user_core::clock::Timestamp;
use user_telemetry::metric;

use history::History;
use message::{
    Dimension, GetMetricData, ListMetrics, Listed, Metric, MetricData, MetricStat, Points, Query, Refusal, encode,
};

/// The path of every call, before the operation.
pub(crate) const SERVICE: &str = "/service/GraniteServiceVersion20100801/operation/";

/// The maximum number of series in an answer, and of queries in a call (`CloudWatch` API Reference).
const PAGE: usize = 500;

/// The metrics of a stack.
#[derive(Clone, Default)]
pub struct CloudWatch(Arc<Mutex<BTreeMap<Metric, History>>>);

static SHARED: LazyLock<CloudWatch> = LazyLock::new(CloudWatch::default);

/// The metrics that this process writes.
#[must_use]
pub fn shared() -> &'static CloudWatch {
    &SHARED
}

/// The writer of this process's metrics, for [`user_telemetry::metric::start`].
#[must_use]
pub fn writer() -> Box<dyn io::Write> {
    Box::new(Lines { cloudwatch: shared().clone(), begun: Vec::new() })
}

/// A stream of lines; each is processed when it is complete.
pub struct Lines {
    cloudwatch: CloudWatch,
    begun: Vec<u8>,
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.cloudwatch.take(&String::from_utf8_lossy(&self.begun));
                self.begun.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl CloudWatch {
    /// Reads a line of the log; a line that is not in the embedded metric format has no metrics.
    pub fn take(&self, line: &str) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return };
        let Some(millis) = line["_aws"]["Timestamp"].as_i64() else { return };
        for directive in list(&line["_aws"]["CloudWatchMetrics"]) {
            for names in list(&directive["Dimensions"]) {
                let names = list(names).iter().map(text);
                let dimensions = names.map(|name| Dimension { value: Some(text(&line[&name])), name });
                let dimensions: Vec<_> = dimensions.collect();
                for metric in list(&directive["Metrics"]) {
                    let (namespace, metric_name) = (text(&directive["Namespace"]), text(&metric["Name"]));
                    let value = &line[&metric_name];
                    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                    let values: Vec<_> = values.iter().filter_map(Value::as_f64).collect();
                    let metric = Metric { namespace, metric_name, dimensions: dimensions.clone() }.sorted();
                    self.lock().entry(metric).or_default().add(millis.div_euclid(1_000), &values);
                }
            }
        }
    }

    /// Answers a call; returns a status and a body in CBOR.
    pub(crate) fn answer(&self, operation: &str, body: &[u8], now: Timestamp) -> (u16, Vec<u8>) {
        // Includes the metrics that this process has not written yet.
        metric::flush();
        let outcome = match operation {
            "ListMetrics" => self.list(body, now.0),
            "GetMetricData" => self.read(body),
            _ => Err("the local stack does not know this operation".into()),
        };
        match outcome {
            Ok(body) => (200, body),
            Err(fault) => {
                let refusal = Refusal { kind: "ValidationError", message: fault.to_string() };
                (400, encode(&refusal).unwrap_or_default())
            }
        }
    }

    /// A page of the requested series of today and yesterday; the token is the number of series on the pages before.
    fn list(&self, body: &[u8], now: i64) -> Result<Vec<u8>, Fault> {
        let request: ListMetrics = ciborium::from_reader(body)?;
        let before = request.next_token.as_deref().map_or(Ok(0), str::parse::<usize>)?;
        let kept = self.lock();
        let recent = kept.iter().filter(|(_, history)| history.is_recent(now)).map(|(metric, _)| metric);
        let mut metrics: Vec<_> = recent.filter(|metric| request.wants(metric)).skip(before).take(PAGE + 1).collect();
        let next_token = (metrics.len() > PAGE).then(|| (before + PAGE).to_string());
        metrics.truncate(PAGE);
        encode(&Listed { metrics, next_token })
    }

    /// The values of each query, newest first.
    fn read(&self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let request: GetMetricData = ciborium::from_reader(body)?;
        let (Required(start), Required(end)) = (request.start_time, request.end_time);
        if start >= end || request.metric_data_queries.len() > PAGE {
            return Err("the end is not later than the start, or there are more than 500 queries".into());
        }
        let kept = self.lock();
        let points = |Query { id, metric_stat: MetricStat { metric, period, stat } }: Query| {
            let periods = kept.get(&metric.sorted()).and_then(|history| history.periods(period));
            let points = periods.into_iter().flatten().rev().filter_map(|(at, bucket)| {
                let at = f64::from(u32::try_from(*at).ok()?);
                let asked = start <= at && at < end;
                Some((Required(at), bucket.stat(&stat)?)).filter(|_| asked)
            });
            let (timestamps, values): (Vec<_>, Vec<_>) = points.unzip();
            Points { id, status_code: "Complete", timestamps, values }
        };
        encode(&MetricData { metric_data_results: request.metric_data_queries.into_iter().map(points).collect() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Metric, History>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
