//! An allowance: a few at once, and then one per interval (the generic cell rate algorithm). Its whole state is one moment.

use crate::clock::Timestamp;

/// How many can be taken at once.
pub const AT_ONCE: i64 = 5;

/// Takes one more from an allowance that is full again at `full_again_at`, and returns the moment when it is full again after that. One
/// comes back every `refill_seconds`.
///
/// # Errors
/// The seconds until there is one again, when the allowance is used up.
pub fn after_one_more(full_again_at: Option<Timestamp>, refill_seconds: i64, now: Timestamp) -> Result<Timestamp, i64> {
    let after = full_again_at.unwrap_or(now).max(now).plus(refill_seconds);
    let too_early = after.since(now) - AT_ONCE * refill_seconds;
    if too_early > 0 { Err(too_early) } else { Ok(after) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_at_once_and_then_one_as_it_comes_back() {
        let full = (0..AT_ONCE).fold(None, |state, _| after_one_more(state, 100, Timestamp(0)).ok());
        assert_eq!(after_one_more(full, 100, Timestamp(0)), Err(100));
        assert_eq!(after_one_more(full, 100, Timestamp(99)), Err(1));
        assert_eq!(after_one_more(full, 100, Timestamp(100)), Ok(Timestamp(600)));
    }

    #[test]
    fn after_a_quiet_time_there_are_five_at_once_again() {
        let full = (0..AT_ONCE).fold(None, |state, _| after_one_more(state, 100, Timestamp(0)).ok());
        let rested = (0..AT_ONCE).fold(full, |state, _| Some(after_one_more(state, 100, Timestamp(500)).unwrap()));
        assert!(after_one_more(rested, 100, Timestamp(500)).is_err());
    }
}
