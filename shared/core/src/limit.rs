//! Rate limits: a minute that slides in steps of five seconds. A step counts as long as any part of it lies in the last minute, so
//! that no minute, wherever it begins, holds more requests than the limit. [`Share`] is what an instance knows of a subject's limit.

pub mod allowance;
pub mod mailbox;
mod share;

use crate::clock::Timestamp;

pub use share::{Input, Next, Share};

/// The length of a window, in seconds.
pub const WINDOW_SECONDS: i64 = 60;
/// The length of a step, in seconds.
const STEP_SECONDS: i64 = 5;
/// The steps of a window.
const STEPS: usize = 12;

/// How many times as often all networks together may sign in to one account, and give wrong passwords before a wait, as a single one.
pub const NETWORKS: u64 = 10;

/// How many requests came in each step of a window.
pub type Counts = [u64; STEPS];

/// The beginning of the window that a moment lies in.
#[must_use]
pub fn window_of(moment: Timestamp) -> Timestamp {
    Timestamp(moment.0 - moment.0.rem_euclid(WINDOW_SECONDS))
}

/// The step of its window that a moment lies in, counted from 0.
#[must_use]
pub fn step_of(moment: Timestamp) -> usize {
    usize::try_from(moment.since(window_of(moment)) / STEP_SECONDS).unwrap_or(0)
}

/// The classes of requests, each with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Any call.
    General,
    /// A call that takes a password or sends mail.
    Auth,
    /// A sign-in to one account, from anywhere: strangers share this limit.
    SignIn,
    /// A call on other users' records.
    Admin,
}

impl Class {
    /// The word in keys and headers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Auth => "auth",
            Self::SignIn => "sign-in",
            Self::Admin => "admin",
        }
    }
}

/// The state of a subject's limit at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitState {
    /// What is limited.
    pub class: Class,
    /// Requests allowed in a window; 0 when the refusal does not come from a window.
    pub limit: u64,
    /// Requests that are left.
    pub remaining: u64,
    /// Seconds until no request so far counts any more; after a refusal, until the next request can be admitted.
    pub seconds: i64,
    /// Whether the request is admitted.
    pub admitted: bool,
    /// When the request was counted; it was not if its subject was known to be refused.
    pub counted_at: Option<Timestamp>,
}

impl RateLimitState {
    /// A refusal that does not come from a window: the next try has to wait for some seconds.
    #[must_use]
    pub fn wait(seconds: i64) -> Self {
        Self::refused(Class::Auth, 0, seconds, None)
    }

    fn admitted(class: Class, limit: u64, remaining: u64, now: Timestamp) -> Self {
        let seconds = seconds_to(STEPS as i64 + 1, now);
        Self { class, limit, remaining, seconds, admitted: true, counted_at: Some(now) }
    }

    fn refused(class: Class, limit: u64, seconds: i64, counted_at: Option<Timestamp>) -> Self {
        Self { class, limit, remaining: 0, seconds, admitted: false, counted_at }
    }
}

/// The seconds until `steps` more steps have begun.
fn seconds_to(steps: i64, now: Timestamp) -> i64 {
    steps * STEP_SECONDS - now.0.rem_euclid(STEP_SECONDS)
}

/// Judges `asked` requests by the counts of this window, which include them, and of the one before. Returns the state of the first
/// request, and how many of the others are admitted.
fn judge(
    class: Class,
    limit: u64,
    previous: &Counts,
    current: &Counts,
    asked: u64,
    now: Timestamp,
) -> (RateLimitState, u64) {
    // What still counts after `steps` more steps, if no other request comes.
    let counted = |steps: usize| previous.iter().chain(current).skip(step_of(now) + steps).sum::<u64>();
    let used = counted(0);
    let granted = asked.saturating_sub(used.saturating_sub(limit));
    let left = granted.saturating_sub(1);
    if granted > 0 {
        return (RateLimitState::admitted(class, limit, limit.saturating_sub(used) + left, now), left);
    }
    let whole = STEPS as i64 + 1;
    let until = (1..whole).find(|steps| counted(usize::try_from(*steps).unwrap_or(0)) < limit).unwrap_or(whole);
    (RateLimitState::refused(class, limit, seconds_to(until, now), Some(now)), 0)
}

/// The longest wait after a wrong password, in seconds.
const LONGEST_WAIT_SECONDS: i64 = 15 * 60;

/// Seconds to wait after `failures` wrong passwords in a row, of which `free` cost nothing: 2, 4, 8 and so on, a quarter of an hour
/// at most.
#[must_use]
pub fn wait_after(failures: u64, free: u64) -> i64 {
    let more = u32::try_from(failures.saturating_sub(free)).unwrap_or(u32::MAX);
    match more {
        0 => 0,
        more => 1_i64.checked_shl(more.min(32)).map_or(LONGEST_WAIT_SECONDS, |wait| wait.min(LONGEST_WAIT_SECONDS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A subject with the counts of two windows, as the database keeps them.
    #[derive(Default)]
    struct Subject {
        windows: std::collections::BTreeMap<i64, Counts>,
    }

    impl Subject {
        fn request(&mut self, limit: u64, at: i64) -> RateLimitState {
            let (window, now) = (at / WINDOW_SECONDS, Timestamp(at));
            self.windows.entry(window).or_default()[step_of(now)] += 1;
            let previous = self.windows.get(&(window - 1)).copied().unwrap_or_default();
            judge(Class::Auth, limit, &previous, &self.windows[&window], 1, now).0
        }
    }

    #[test]
    fn no_minute_holds_more_than_the_limit_however_the_requests_come() {
        for begin in 0..WINDOW_SECONDS {
            for pause in [1, 3, 7, 30, 59] {
                let (mut subject, mut refused_until) = (Subject::default(), 0);
                let mut admitted: Vec<i64> = Vec::new();
                for at in (begin..begin + 400).step_by(usize::try_from(pause).unwrap()) {
                    // Ten at once. After a refusal, requests wait as long as it says.
                    for _ in 0..10 {
                        if at < refused_until {
                            break;
                        }
                        let state = subject.request(20, at);
                        if state.admitted {
                            admitted.push(at);
                        } else {
                            refused_until = at + state.seconds;
                        }
                    }
                }
                for from in &admitted {
                    let within = admitted.iter().filter(|at| (*from..from + WINDOW_SECONDS).contains(*at)).count();
                    assert!(within <= 20, "{within} from {from}, begun at {begin}, every {pause} s");
                }
                assert!(admitted.len() >= 20, "begun at {begin}, every {pause} s: {}", admitted.len());
            }
        }
    }

    #[test]
    fn whoever_waits_as_told_is_admitted_and_nobody_sooner() {
        for begin in 0..WINDOW_SECONDS {
            let mut subject = Subject::default();
            for left in (0..5).rev() {
                assert_eq!(subject.request(5, begin).remaining, left);
            }
            let refused = subject.request(5, begin);
            assert!(!refused.admitted && (61..=65).contains(&refused.seconds), "{refused:?}");
            let sooner = subject.request(5, begin + refused.seconds - 1);
            assert!(!sooner.admitted, "{begin}");
            let later = begin + refused.seconds - 1 + sooner.seconds;
            assert!(subject.request(5, later).admitted, "{begin}");
        }
    }

    #[test]
    fn the_wait_grows_and_ends_at_a_quarter_of_an_hour() {
        let waits: Vec<_> = [0, 10, 11, 12, 15, 20, 100, u64::MAX].map(|failures| wait_after(failures, 10)).into();
        assert_eq!(waits, [0, 0, 2, 4, 32, 900, 900, 900]);
    }
}
