//! Rate limits: a sliding window of a minute, of which the part that lies in the minute before is taken as evenly spread.

/// The length of a window, in seconds.
pub const WINDOW_SECONDS: i64 = 60;

/// What is limited, each with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Any call.
    General,
    /// A call that takes a password or sends mail.
    Auth,
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
            Self::Admin => "admin",
        }
    }
}

/// How a subject stands after a request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What is limited.
    pub class: Class,
    /// Requests allowed in a window.
    pub limit: u64,
    /// Requests that are left.
    pub remaining: u64,
    /// Seconds until this window ends; after a refusal, until the next request can be admitted.
    pub seconds: i64,
    /// Whether the request is admitted.
    pub admitted: bool,
}

/// Judges a request by the counts of this window (the request included) and the one before, `elapsed` seconds into this one.
#[must_use]
pub fn judge(class: Class, limit: u64, previous: u64, current: u64, elapsed: i64) -> Standing {
    let elapsed = elapsed.clamp(0, WINDOW_SECONDS - 1);
    let left = WINDOW_SECONDS - elapsed;
    let weigh =
        |count: u64, seconds: i64| count.saturating_mul(seconds.unsigned_abs()).div_ceil(WINDOW_SECONDS.unsigned_abs());
    let used = weigh(previous, left).saturating_add(current);
    if used <= limit {
        return Standing { class, limit, remaining: limit - used, seconds: left, admitted: true };
    }
    // The first second at which one more request would fit, in this window or the next.
    let this = (elapsed + 1..WINDOW_SECONDS).find(|at| weigh(previous, WINDOW_SECONDS - at) + current < limit);
    let next = || (0..WINDOW_SECONDS).find(|at| weigh(current, WINDOW_SECONDS - at) < limit).unwrap_or(WINDOW_SECONDS);
    let seconds = this.map_or_else(|| left + next(), |at| at - elapsed);
    Standing { class, limit, remaining: 0, seconds, admitted: false }
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

    fn admitted(previous: u64, current: u64, elapsed: i64) -> (bool, i64) {
        let standing = judge(Class::Auth, 5, previous, current, elapsed);
        (standing.admitted, standing.seconds)
    }

    #[test]
    fn the_window_before_counts_by_the_part_that_still_lies_in_the_last_minute() {
        assert_eq!(admitted(0, 5, 0), (true, 60));
        assert!(!admitted(0, 6, 0).0);
        assert!(!admitted(5, 1, 0).0);
        assert!(!admitted(5, 1, 11).0);
        assert!(admitted(5, 1, 12).0);
    }

    #[test]
    fn whoever_waits_as_told_is_admitted() {
        for previous in 0..20 {
            for current in 1..20 {
                for elapsed in 0..60 {
                    let standing = judge(Class::Auth, 5, previous, current, elapsed);
                    if standing.admitted {
                        continue;
                    }
                    let then = elapsed + standing.seconds;
                    let later = match then < WINDOW_SECONDS {
                        true => judge(Class::Auth, 5, previous, current + 1, then),
                        false => judge(Class::Auth, 5, current, 1, then - WINDOW_SECONDS),
                    };
                    assert!(
                        then >= 2 * WINDOW_SECONDS || later.admitted,
                        "{previous} {current} {elapsed} {standing:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_wait_grows_and_ends_at_a_quarter_of_an_hour() {
        let waits: Vec<_> = [0, 10, 11, 12, 15, 20, 100, u64::MAX].map(|failures| wait_after(failures, 10)).into();
        assert_eq!(waits, [0, 0, 2, 4, 32, 900, 900, 900]);
    }
}
