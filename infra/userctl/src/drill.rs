//! A drill: tests that the data can be restored. It restores a backup into a separate copy, checks the copy and removes it, and reports how
//! old the data is and how long the restore took.
//!
//! - [`file`](from_file): from a backup, into a database in a folder of its own; `cargo local --drill` opens an embedded one.
//! - [`table`](from_table): from the table's point-in-time recovery, into a new table.

mod file;
mod table;

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use user_core::clock::Timestamp;

use crate::check::Report;

pub use file::from_file;
pub use table::{From, from_table};

/// The result of a drill.
#[derive(Debug)]
pub struct Drill {
    /// What was restored.
    pub source: String,
    /// The point in time of the data in the copy.
    pub made_at: Timestamp,
    /// How many seconds ago that was.
    pub age_seconds: i64,
    /// How many items were restored, if they were counted.
    pub items: Option<u64>,
    /// How long each step took.
    pub steps: Vec<(&'static str, Duration)>,
    /// What the check of the copy found.
    pub report: Report,
    /// The name of the copy, if it was kept.
    pub kept: Option<String>,
}

impl Drill {
    /// Whether the copy has users and no violations.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.report.is_clean() && self.report.users > 0
    }

    fn total(&self) -> Duration {
        self.steps.iter().map(|(_, took)| *took).sum()
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let steps = self.steps.iter().copied().chain([("total", self.total())]);
        let seconds: Value = steps.map(|(step, took)| (step.to_owned(), json!(rounded(took)))).collect();
        json!({
            "source": self.source,
            "made_at": self.made_at.to_string(),
            "age_seconds": self.age_seconds,
            "items": self.items,
            "seconds": seconds,
            "check": self.report.json(),
            "kept": self.kept,
        })
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let steps: Vec<_> =
            self.steps.iter().map(|(step, took)| format!("{step} {:.1} s", took.as_secs_f64())).collect();
        let items = self.items.map(|items| format!("items      {items}\n")).unwrap_or_default();
        let kept = self.kept.as_ref().map_or("removed", String::as_str);
        format!(
            "restored   {}\nmade at    {}, {} ago\n{items}took       {:.1} s: {}\ncopy       {kept}\n{}",
            self.source,
            self.made_at,
            age(self.age_seconds),
            self.total().as_secs_f64(),
            steps.join(", "),
            if self.report.users > 0 { self.report.text() } else { format!("{}\nno users", self.report.text()) }
        )
    }
}

/// Rounds to tenths of a second.
fn rounded(took: Duration) -> f64 {
    (took.as_secs_f64() * 10.0).round() / 10.0
}

/// Formats a time in its two largest units.
fn age(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days} d {} h", hours % 24),
        () if hours > 0 => format!("{hours} h {} min", minutes % 60),
        () if minutes > 0 => format!("{minutes} min {} s", seconds % 60),
        () => format!("{seconds} s"),
    }
}

/// The steps of a drill and their times.
struct Steps {
    begun: Instant,
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    fn begin() -> Self {
        Self { begun: Instant::now(), done: Vec::new() }
    }

    fn ended(&mut self, step: &'static str) {
        self.done.push((step, self.begun.elapsed()));
        self.begun = Instant::now();
    }
}

/// Waits until the program is interrupted or its terminal closes. It listens from this call on, not only while it is awaited.
#[cfg(unix)]
pub fn interrupted() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let signals = kinds.map(signal);
    async move {
        // Without a signal handler the program ends at once, as it would without a drill.
        if let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        } else {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until the program is interrupted.
#[cfg(not(unix))]
pub async fn interrupted() {
    let _ = tokio::signal::ctrl_c().await;
}

/// The result of `work`, or an error if it was interrupted.
async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, template::Fault>>,
    interrupt: impl Future<Output = ()>,
) -> Result<T, template::Fault> {
    tokio::select! {
        done = work => done,
        () = interrupt => Err("interrupted; the copy is removed".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_two_units() {
        for (seconds, words) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7_260, "2 h 1 min"), (180_000, "2 d 2 h")]
        {
            assert_eq!(age(seconds), words);
        }
    }
}
