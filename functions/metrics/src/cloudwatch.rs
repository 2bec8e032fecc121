//! Queries to `CloudWatch`: the series that exist, and their values of today.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{self, Dimension, DimensionFilter, MetricDataQuery, MetricStat, ScanBy};
use aws_types::SdkConfig;
use user_config::{Config, MetricsDetail};
use user_core::clock::Timestamp;
use user_core::error::{Cause, in_words};
use user_telemetry::metric::{ALL, Kind, Metric, NAMESPACE, STACK};
use user_web::problem::Problem;

use crate::text::{Stat, stats};

/// The maximum number of queries in one call (`GetMetricData`, "Request Parameters").
const QUERIES: usize = 500;

const HOUR: i32 = 3_600;
const DAY: i32 = 86_400;

type Labels = BTreeMap<String, String>;

/// A statistic of a series.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) metric: &'static Metric,
    pub(crate) labels: Labels,
    pub(crate) stat: &'static Stat,
}

/// The `CloudWatch` client of this function.
pub struct Source(Client);

impl Source {
    /// The source that `sdk` reaches.
    #[must_use]
    pub fn new(sdk: &SdkConfig) -> Self {
        Self(Client::new(sdk))
    }

    /// All declared series of this stack: for counters and histograms the values since midnight UTC; for gauges the newest hour of the last
    /// three, because some are written once an hour.
    pub(crate) async fn samples(&self, config: &Config, now: Timestamp) -> Result<Vec<(Question, f64)>, Problem> {
        let questions = questions(&self.series(&config.stack_name).await?, config.metrics_detail);
        let (gauges, others): (Vec<_>, Vec<_>) =
            questions.into_iter().partition(|question| question.metric.kind == Kind::Gauge);
        let mut samples = Vec::new();
        for (questions, period, reach) in [(others, DAY, 0), (gauges, HOUR, 3 * HOUR)] {
            let earliest = now.plus(i64::from(-reach)).0;
            let from = Timestamp(earliest - earliest.rem_euclid(i64::from(period)));
            for some in questions.chunks(QUERIES) {
                samples.extend(self.ask(some, period, from, now).await?);
            }
        }
        Ok(samples)
    }

    async fn series(&self, stack: &str) -> Result<Vec<types::Metric>, Problem> {
        let own = DimensionFilter::builder().name(STACK).value(stack).build();
        let pages = self.0.list_metrics().namespace(NAMESPACE).dimensions(own).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await.map_err(unavailable)?;
        Ok(pages.into_iter().flat_map(|page| page.metrics.unwrap_or_default()).collect())
    }

    /// The newest value of each question that has one.
    async fn ask(
        &self,
        questions: &[Question],
        period: i32,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<(Question, f64)>, Problem> {
        let queries = questions.iter().enumerate().map(|(number, question)| query(number, question, period)).collect();
        let call = self.0.get_metric_data().set_metric_data_queries(Some(queries));
        // The end has to be later than the start, also at midnight.
        let call = call.start_time(DateTime::from_secs(from.0)).end_time(DateTime::from_secs(now.plus(60).0));
        let pages = call.scan_by(ScanBy::TimestampDescending).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await.map_err(unavailable)?;
        let mut newest: BTreeMap<&str, f64> = BTreeMap::new();
        for result in pages.iter().flat_map(|page| page.metric_data_results.iter().flatten()) {
            if let (Some(id), Some(value)) = (result.id(), result.values().first()) {
                newest.entry(id).or_insert(*value);
            }
        }
        let answer = |(number, question): (usize, &Question)| {
            let value = newest.get(id(number).as_str()).filter(|value| value.is_finite())?;
            Some((question.clone(), *value))
        };
        Ok(questions.iter().enumerate().filter_map(answer).collect())
    }
}

/// The questions about the declared series, metrics in the order of their declaration, series in the order of their labels.
fn questions(listed: &[types::Metric], detail: MetricsDetail) -> Vec<Question> {
    let mut series: BTreeMap<&str, BTreeSet<Labels>> = BTreeMap::new();
    for one in listed {
        let pair = |dimension: &Dimension| Some((dimension.name()?.to_owned(), dimension.value()?.to_owned()));
        let labels: Labels = one.dimensions().iter().filter_map(pair).collect();
        series.entry(one.metric_name().unwrap_or_default()).or_default().insert(labels);
    }
    let mut questions = Vec::new();
    for metric in ALL {
        let declared = series.remove(metric.name).unwrap_or_default();
        for labels in declared.into_iter().filter(|labels| is_declared(metric, detail, labels)) {
            questions.extend(stats(metric.kind).iter().map(|stat| Question { metric, labels: labels.clone(), stat }));
        }
    }
    questions
}

/// Whether a metric is emitted with these labels. In full detail the essential form is emitted too, and would count everything twice.
fn is_declared(metric: &Metric, detail: MetricsDetail, labels: &Labels) -> bool {
    let has = |name: &str| labels.contains_key(name);
    let declared = match detail {
        MetricsDetail::Essential => metric.essential,
        MetricsDetail::Full => Some(metric.labels),
    };
    declared.is_some_and(|names| labels.len() == names.len() + 1 && has(STACK) && names.iter().all(|name| has(name)))
}

/// The id of a query, which has to begin with a letter.
fn id(number: usize) -> String {
    format!("q{number}")
}

fn query(number: usize, question: &Question, period: i32) -> MetricDataQuery {
    let dimension = |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
    let dimensions = question.labels.iter().map(dimension).collect();
    let metric = types::Metric::builder().namespace(NAMESPACE).metric_name(question.metric.name);
    let metric = metric.set_dimensions(Some(dimensions)).build();
    let stat = MetricStat::builder().metric(metric).period(period).stat(question.stat.name).build();
    MetricDataQuery::builder().id(id(number)).metric_stat(stat).build()
}

/// The cause goes only to the log.
fn unavailable(cause: impl Into<Cause>) -> Problem {
    tracing::error!(error.cause = in_words(&cause.into()), "the metrics cannot be read");
    Problem::Unavailable
}
