//! The requests and answers of the two calls, in CBOR, with `CloudWatch`'s names.

use ciborium::tag::Required;
use serde::{Deserialize, Serialize};
use template::Fault;

/// Seconds since the epoch (RFC 8949, 3.4.2: tag 1).
pub(super) type Moment = Required<f64, 1>;

/// A series; its dimensions are sorted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metric {
    pub(super) namespace: String,
    pub(super) metric_name: String,
    #[serde(default)]
    pub(super) dimensions: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Dimension {
    pub(super) name: String,
    /// A filter may omit it.
    pub(super) value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListMetrics {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    pub(super) next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed<'a> {
    pub(super) metrics: Vec<&'a Metric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetMetricData {
    pub(super) metric_data_queries: Vec<Query>,
    pub(super) start_time: Moment,
    pub(super) end_time: Moment,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Query {
    pub(super) id: String,
    pub(super) metric_stat: MetricStat,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetricStat {
    pub(super) metric: Metric,
    pub(super) period: i64,
    pub(super) stat: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetricData {
    pub(super) metric_data_results: Vec<Points>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Points {
    pub(super) id: String,
    pub(super) status_code: &'static str,
    pub(super) timestamps: Vec<Moment>,
    pub(super) values: Vec<f64>,
}

/// An error of any call.
#[derive(Serialize)]
pub(super) struct Refusal {
    #[serde(rename = "__type")]
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Metric {
    pub(super) fn sorted(mut self) -> Self {
        self.dimensions.sort();
        self
    }

    fn has(&self, filter: &Dimension) -> bool {
        self.dimensions
            .iter()
            .any(|own| own.name == filter.name && (filter.value.is_none() || own.value == filter.value))
    }
}

impl ListMetrics {
    /// Whether a series matches every filter.
    pub(super) fn wants(&self, metric: &Metric) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == metric.namespace)
            && self.metric_name.as_ref().is_none_or(|name| *name == metric.metric_name)
            && self.dimensions.iter().all(|filter| metric.has(filter))
    }
}

pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes)?;
    Ok(bytes)
}
