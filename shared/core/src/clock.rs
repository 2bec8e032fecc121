//! Time: the only file that reads the system's clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment in whole seconds since the Unix epoch, the unit of `DynamoDB`'s TTL and of a JWT's `NumericDate` (RFC 7519, 2).
/// Everything that expires does so at the start of its second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `seconds` later.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this moment; negative when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// RFC 3339 in UTC, such as `2026-11-23T08:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = OffsetDateTime::from_unix_timestamp(self.0).map_err(|_| fmt::Error)?;
        f.write_str(&moment.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

/// The clock that the service uses.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that a test sets: milliseconds since the epoch.
    Settable(Arc<AtomicI64>),
}

impl Clock {
    /// A settable clock that starts at the system's present second.
    #[must_use]
    pub fn settable() -> Self {
        Self::Settable(Arc::new(AtomicI64::new(Self::System.now().0 * 1000)))
    }

    /// Moves a settable clock forward; the system's clock stays as it is.
    pub fn advance(&self, seconds: i64) {
        if let Self::Settable(millis) = self {
            millis.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }

    /// The present second.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(self.now_millis().div_euclid(1000))
    }

    /// The present time in milliseconds since the epoch, the unit of UUIDv7.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn now_millis(&self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
            Self::Settable(millis) => millis.load(Ordering::SeqCst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_as_rfc_3339() {
        assert_eq!(Timestamp(1_795_420_800).to_string(), "2026-11-23T08:00:00Z");
    }

    #[test]
    fn a_settable_clock_moves_only_when_told() {
        let clock = Clock::settable();
        let before = clock.now();
        clock.advance(3);
        assert_eq!(clock.now().since(before), 3);
    }
}
