//! The values of one series, by hour and by day in UTC. They suffice for every statistic, and their memory is bounded.

use std::collections::BTreeMap;

/// A kind of period: its length in seconds, how many are kept, and how many values of each are kept for percentiles.
struct Grain {
    seconds: i64,
    kept: usize,
    sample: usize,
}

const HOUR: Grain = Grain { seconds: 3_600, kept: 48, sample: 40 };
const DAY: Grain = Grain { seconds: 86_400, kept: 2, sample: 1_000 };

/// Periods by their start, in seconds since the epoch.
type Buckets = BTreeMap<i64, Bucket>;

/// The last two days of a series.
#[derive(Default)]
pub(super) struct History {
    hours: Buckets,
    days: Buckets,
}

/// The values that were recorded in a period.
#[derive(Default)]
pub(super) struct Bucket {
    sum: f64,
    count: f64,
    maximum: Option<f64>,
    sample: Vec<f64>,
    /// The position in the sample that the next value overwrites when the sample is full.
    next: usize,
}

impl History {
    /// Adds values that were recorded at `at`; the oldest period makes room for a new one.
    pub(super) fn add(&mut self, at: i64, values: &[f64]) {
        for (grain, buckets) in [(&HOUR, &mut self.hours), (&DAY, &mut self.days)] {
            let bucket = buckets.entry(at - at.rem_euclid(grain.seconds)).or_default();
            for value in values {
                bucket.add(*value, grain.sample);
            }
            while buckets.len() > grain.kept {
                buckets.pop_first();
            }
        }
    }

    /// The periods with a length of `seconds`, if such periods are kept.
    pub(super) fn periods(&self, seconds: i64) -> Option<&Buckets> {
        [(&HOUR, &self.hours), (&DAY, &self.days)]
            .into_iter()
            .find(|(grain, _)| grain.seconds == seconds)
            .map(|(_, buckets)| buckets)
    }

    /// Whether anything was recorded today or yesterday.
    pub(super) fn is_recent(&self, now: i64) -> bool {
        self.days.last_key_value().is_some_and(|(day, _)| now - day < 2 * DAY.seconds)
    }
}

impl Bucket {
    fn add(&mut self, value: f64, most: usize) {
        self.sum += value;
        self.count += 1.0;
        self.maximum = Some(self.maximum.map_or(value, |maximum| maximum.max(value)));
        match self.sample.get_mut(self.next) {
            Some(place) => *place = value,
            None => self.sample.push(value),
        }
        self.next = (self.next + 1) % most;
    }

    /// A statistic by its name in `CloudWatch`.
    pub(super) fn stat(&self, name: &str) -> Option<f64> {
        match name {
            "Sum" => Some(self.sum),
            "SampleCount" => Some(self.count),
            "Maximum" => self.maximum,
            _ => self.percentile(name.strip_prefix('p')?.parse().ok()?),
        }
    }

    /// The smallest value of the sample that at least `percent` percent of the values do not exceed.
    fn percentile(&self, percent: usize) -> Option<f64> {
        let mut sorted = self.sample.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_any_number_of_values_two_days_and_a_sample_of_each_are_kept() {
        let mut history = History::default();
        for at in (0..10 * DAY.seconds).step_by(60) {
            history.add(at, &[1.0]);
        }
        assert_eq!((history.hours.len(), history.days.len()), (HOUR.kept, DAY.kept));
        let day = history.days.last_key_value().unwrap().1;
        assert_eq!((day.stat("Sum"), day.sample.len()), (Some(1_440.0), DAY.sample));
    }

    #[test]
    fn percentiles_are_by_the_nearest_rank() {
        let mut history = History::default();
        history.add(0, &[5.0, 1.0, 4.0, 2.0, 3.0]);
        let bucket = &history.days[&0];
        let stats = ["p50", "p90", "p0", "p101", "Median"].map(|name| bucket.stat(name));
        assert_eq!(stats, [Some(3.0), Some(5.0), Some(1.0), None, None]);
    }
}
