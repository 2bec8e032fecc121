//! Shares: requests of a frequent sender are counted in advance, several by one write, and the instance serves the next ones from
//! memory. Whatever is served was counted before, so the limit is never exceeded. A share is valid in the step that it was counted in.
//! What is left of it then stays counted, so a subject may be refused a little early. To keep that small, a share is at most an eighth
//! of what the instance let through in this step, and an eighth of what the subject had left.

use super::RateLimitState;

/// The divisor that limits a share.
const PART: u64 = 8;

/// What an instance holds of a subject's limit in one step.
#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    /// The step, counted from the Unix epoch.
    step: i64,
    /// Requests of the step that the instance let through.
    served: u64,
    /// Requests that are counted but have not come yet.
    left: u64,
    /// Requests that the subject had left apart from these at the last count.
    remaining: u64,
    /// Whether a share is being counted.
    asking: bool,
}

impl Share {
    /// Serves a request from the share; returns how many the subject has left, or `None` when the request must be counted.
    pub fn serve(&mut self, step: i64) -> Option<u64> {
        let left = self.left.checked_sub(1).filter(|_| self.step == step)?;
        (self.left, self.served) = (left, self.served + 1);
        Some(self.remaining + left)
    }

    /// Gives up what was counted in advance in a step; returns how much it was.
    pub fn give_up(&mut self, step: i64) -> u64 {
        if self.step == step { std::mem::take(&mut self.left) } else { 0 }
    }

    /// How many requests to count for one that the share cannot serve, which is included.
    pub fn ask(&mut self, step: i64) -> u64 {
        if self.step != step {
            *self = Self { step, ..Self::default() };
        }
        // While a share is being counted, other requests are counted alone, so that a burst does not multiply it.
        let most = (self.remaining / PART).saturating_sub(1);
        let ahead = if self.asking { 0 } else { most.min(self.served / PART) };
        self.asking |= ahead > 0;
        1 + ahead
    }

    /// Takes the result of a count: `asked` requests were counted in a step, and `left` of them were admitted besides the first.
    pub fn counted(&mut self, step: i64, asked: u64, left: u64, state: &RateLimitState) {
        if self.step < step {
            *self = Self { step, ..Self::default() };
        }
        if self.step == step {
            self.asking &= asked == 1;
            self.left += left;
            self.served += u64::from(state.admitted);
            self.remaining = state.remaining - left;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::limit::{Class, Counts, STEP_SECONDS, WINDOW_SECONDS, judge, step};

    const LIMIT: u64 = 100;

    /// A subject's counts as the database keeps them, what instances hold of them, and how often they were written.
    #[derive(Default)]
    struct Subject {
        windows: BTreeMap<i64, Counts>,
        shares: [Share; 3],
        writes: usize,
        admitted: Vec<i64>,
    }

    impl Subject {
        /// A request at an instance; returns until when the instance refuses the subject, if it does.
        fn request(&mut self, instance: usize, at: i64) -> Option<i64> {
            let (window, elapsed, now) = (at / WINDOW_SECONDS, at % WINDOW_SECONDS, at / STEP_SECONDS);
            if self.shares[instance].serve(now).is_none() {
                let asked = self.shares[instance].ask(now);
                self.windows.entry(window).or_default()[step(elapsed)] += asked;
                self.writes += 1;
                let previous = self.windows.get(&(window - 1)).copied().unwrap_or_default();
                let (state, left) = judge(Class::General, LIMIT, &previous, &self.windows[&window], elapsed, asked);
                self.shares[instance].counted(now, asked, left, &state);
                if !state.admitted {
                    return Some(at + state.seconds);
                }
            }
            self.admitted.push(at);
            None
        }

        /// Requests from `begin` on for five minutes, to each instance in turn. An instance remembers refusals.
        fn asked(instances: usize, begin: i64, per_second: usize) -> Self {
            let (mut subject, mut refused) = (Self::default(), [0; 3]);
            for n in 0..300 * per_second {
                let (at, instance) = (begin + i64::try_from(n / per_second).unwrap(), n % instances);
                if refused[instance] <= at {
                    refused[instance] = subject.request(instance, at).unwrap_or(0);
                }
            }
            subject
        }

        fn fullest_minute(&self) -> u64 {
            let within =
                |from: i64| self.admitted.iter().filter(|at| (from..from + WINDOW_SECONDS).contains(*at)).count();
            self.admitted.iter().map(|from| within(*from)).max().unwrap_or(0) as u64
        }
    }

    #[test]
    fn no_minute_holds_more_than_the_limit_however_many_instances_share_it() {
        for begin in 0..WINDOW_SECONDS {
            for (instances, per_second) in [(1, 40), (2, 7), (3, 40), (3, 3)] {
                let subject = Subject::asked(instances, begin, per_second);
                let fullest = subject.fullest_minute();
                assert!(fullest <= LIMIT, "{fullest}, begun at {begin}");
                // Less than an eighth is refused early.
                assert!(fullest * 9 >= LIMIT * 8, "{fullest} of {instances} instances, begun at {begin}");
            }
        }
    }

    #[test]
    fn one_instance_alone_admits_every_request_of_a_burst() {
        let mut subject = Subject::default();
        while subject.request(0, 0).is_none() {}
        assert_eq!(subject.admitted.len() as u64, LIMIT);
        assert!(subject.writes < 60, "{}", subject.writes);
    }

    #[test]
    fn who_comes_seldom_is_never_counted_ahead() {
        let mut subject = Subject::default();
        for at in 0..60 {
            assert_eq!(subject.request(0, at), None);
        }
        assert_eq!((subject.writes, subject.admitted.len()), (60, 60));
    }

    #[test]
    fn a_crowd_is_counted_ahead_once() {
        let state = RateLimitState { class: Class::General, limit: 1_000, remaining: 900, seconds: 65, admitted: true };
        let mut share = Share::default();
        for _ in 0..80 {
            let asked = share.ask(7);
            share.counted(7, asked, 0, &state);
        }
        assert_eq!([share.ask(7), share.ask(7), share.ask(7)], [11, 1, 1]);
        share.counted(7, 11, 10, &state);
        assert_eq!((share.serve(7), share.serve(8)), (Some(899), None), "it ends with its step");
    }
}
