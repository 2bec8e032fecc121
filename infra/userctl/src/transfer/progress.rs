//! The progress on a terminal: a bar, the rate in a second, and the time that is left.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `length` bytes on standard error; it shows only on a terminal. Without a length it counts.
pub(crate) fn bar(length: Option<u64>) -> ProgressBar {
    let template = match length {
        Some(_) => "{bar:30} {percent:>3} %  {msg}, {eta} left",
        None => "{spinner} {msg}",
    };
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Shows `count` of `things`, and their rate in a second.
pub(crate) fn show(bar: &ProgressBar, count: u64, things: &str) {
    bar.set_message(format!("{count} {things}, {} a second", rate(count, bar.elapsed())));
}

/// The rate in a second, rounded down.
pub(crate) fn rate(count: u64, time: Duration) -> u128 {
    u128::from(count) * 1_000 / time.as_millis().max(1)
}
