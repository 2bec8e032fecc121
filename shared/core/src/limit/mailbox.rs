//! How many emails that anybody can request a mailbox gets: of each purpose five at once, then one per hour. The links in them are valid
//! for longer than an hour, so that a stranger's requests never leave the owner of the mailbox without a valid link.

/// Seconds after which a mailbox may get one more.
pub const REFILL_SECONDS: i64 = 3_600;
/// How long a link in such an email is valid, in seconds: until the next one may be sent, and ten minutes more for its way.
pub const LINK_SECONDS: i64 = REFILL_SECONDS + 600;

/// The purpose of the link in an email. Each has its own allowance, so that none uses up another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To verify the address of a sign-up.
    Verification,
    /// To choose a new password, or to restore an address.
    Recovery,
    /// To confirm a new address; counted for each account that requests it.
    Change,
    /// To prevent a requested change of address.
    Notice,
}

impl Asked {
    /// The word for it in keys.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Recovery => "recovery",
            Self::Change => "change",
            Self::Notice => "notice",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::limit::allowance::after_one_more;

    #[test]
    fn a_mailbox_gets_five_messages_at_once_and_then_one_an_hour() {
        let (mut state, mut sent) = (None, Vec::new());
        // Somebody asks every minute for a day.
        for minute in 0..1_440 {
            let now = Timestamp(minute * 60);
            if let Ok(after) = after_one_more(state, REFILL_SECONDS, now) {
                state = Some(after);
                sent.push(now);
            }
        }
        assert_eq!(sent.len(), 5 + 23);
        let gaps: Vec<_> = sent.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        assert!(gaps.iter().all(|gap| *gap < LINK_SECONDS), "there is a valid link at every moment: {gaps:?}");
    }
}
