//! Prometheus's text format: a counter is the sum of the day so far, which restarts at midnight UTC as after a restart of a process; a
//! histogram is a summary of the day.

use user_telemetry::metric::{ALL, Kind};

use crate::cloudwatch::Question;

/// A statistic of `CloudWatch`, and its form in the text.
pub(crate) struct Stat {
    pub(crate) name: &'static str,
    suffix: &'static str,
    quantile: Option<&'static str>,
}

const COUNTER: &[Stat] = &[Stat { name: "Sum", suffix: "", quantile: None }];
const GAUGE: &[Stat] = &[Stat { name: "Maximum", suffix: "", quantile: None }];
const SUMMARY: &[Stat] = &[
    Stat { name: "p50", suffix: "", quantile: Some("0.5") },
    Stat { name: "p90", suffix: "", quantile: Some("0.9") },
    Stat { name: "p99", suffix: "", quantile: Some("0.99") },
    Stat { name: "Sum", suffix: "_sum", quantile: None },
    Stat { name: "SampleCount", suffix: "_count", quantile: None },
];

/// The statistics for each series of a kind, in the order in which they are shown.
pub(crate) fn stats(kind: Kind) -> &'static [Stat] {
    match kind {
        Kind::Counter => COUNTER,
        Kind::Gauge => GAUGE,
        Kind::Histogram => SUMMARY,
    }
}

/// The text of all answers, with the samples of each metric together below its `HELP` and `TYPE`.
pub(crate) fn write(answers: &[(Question, f64)]) -> String {
    let mut text = String::new();
    for metric in ALL {
        let mut own = answers.iter().filter(|(question, _)| question.metric.name == metric.name).peekable();
        if own.peek().is_some() {
            let (name, kind) = (metric.name, type_of(metric.kind));
            text.push_str(&format!("# HELP {name} {}\n# TYPE {name} {kind}\n", metric.description));
        }
        for (question, value) in own {
            text.push_str(&line(question, *value));
        }
    }
    text
}

fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "summary",
    }
}

fn line(Question { metric, labels, stat }: &Question, value: f64) -> String {
    let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let labels = labels.chain(stat.quantile.map(|quantile| ("quantile", quantile)));
    let labels: Vec<_> = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{}{}{{{}}} {value}\n", metric.name, stat.suffix, labels.join(","))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
