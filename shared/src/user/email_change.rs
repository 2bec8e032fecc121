//! A change of address in two phases: the old address signs in until the new one is proven, and for a week the old one's owner can
//! take it back. Nobody is locked out at any point.

use serde::{Deserialize, Serialize};

use super::User;
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::id::TicketId;
use crate::limit::{Class, Standing};

/// How long a new address may be proven, in seconds. It is reserved for that time.
const PROVE_SECONDS: i64 = 86_400;
/// How long an old address may be taken back, in seconds. It is reserved for that time.
pub const REVERT_SECONDS: i64 = 7 * 86_400;
/// How many changes can be under way or be taken back at once.
const MOST: usize = 5;

/// An address with the ticket that makes it the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressTicket {
    /// The address.
    pub email: Email,
    /// The ticket of the letter.
    pub ticket: TicketId,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl AddressTicket {
    fn is(&self, ticket: &TicketId, now: Timestamp) -> bool {
        self.ticket == *ticket && now < self.expires_at
    }
}

impl User {
    /// The user who wants `new` as its address: `prove` is the ticket for the new one, `revert` for the old one.
    ///
    /// # Errors
    /// [`Error::Throttled`] after five changes that can still be taken back, until the first of them cannot be any more.
    pub fn wanting_email(&self, new: Email, prove: TicketId, revert: TicketId, now: Timestamp) -> Result<Self, Error> {
        let mut user = self.clone();
        user.reverts.retain(|revert| now < revert.expires_at);
        if let Some(first) = user.reverts.first().filter(|_| user.reverts.len() >= MOST) {
            let (class, limit, seconds) = (Class::Auth, MOST as u64, first.expires_at.since(now));
            return Err(Error::Throttled(Standing { class, limit, remaining: 0, seconds, admitted: false }));
        }
        let expires_at = now.plus(REVERT_SECONDS);
        user.reverts.push(AddressTicket { email: self.email.clone(), ticket: revert, expires_at });
        user.email_change = Some(AddressTicket { email: new, ticket: prove, expires_at: now.plus(PROVE_SECONDS) });
        user.version += 1;
        user.updated_at = now;
        Ok(user)
    }

    /// The user with the new address that `ticket` proves, and until when the old one is reserved.
    ///
    /// # Errors
    /// [`Error::InvalidToken`].
    pub fn with_email_proven(&self, ticket: &TicketId, now: Timestamp) -> Result<(Self, Timestamp), Error> {
        let change = self.email_change.as_ref().filter(|change| change.is(ticket, now)).ok_or(Error::InvalidToken)?;
        let mine = |revert: &&AddressTicket| revert.email == self.email;
        let reserved_until = self.reverts.iter().rev().find(mine).map_or(now, |revert| revert.expires_at);
        let mut user = self.clone();
        user.email = change.email.clone();
        user.email_change = None;
        user.version += 1;
        user.updated_at = now;
        Ok((user, reserved_until))
    }

    /// The user with the old address that `ticket` takes back, in a new epoch. What came after that change is void, too.
    ///
    /// # Errors
    /// [`Error::InvalidToken`].
    pub fn with_email_reverted(&self, ticket: &TicketId, now: Timestamp) -> Result<Self, Error> {
        let at = self.reverts.iter().position(|revert| revert.is(ticket, now)).ok_or(Error::InvalidToken)?;
        let mut user = self.in_new_epoch(now);
        let later = user.reverts.split_off(at);
        user.email = later.into_iter().next().ok_or(Error::InvalidToken)?.email;
        user.email_change = None;
        Ok(user)
    }

    /// Every address that is reserved for the user besides its own.
    pub fn reserved_emails(&self) -> impl Iterator<Item = &Email> {
        let others = self.email_change.iter().chain(&self.reverts).map(|ticket| &ticket.email);
        others.filter(|email| email.key() != self.email.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    #[test]
    fn a_thief_who_changes_the_address_twice_does_not_void_the_owners_way_back() {
        let now = Timestamp(1_000);
        let ticket = TicketId::of;
        let owner = User::new(UserId::of("u"), email("a@example.com"), now);
        let stolen = owner.wanting_email(email("b@example.com"), ticket("pb"), ticket("ra"), now).unwrap();
        let (stolen, until) = stolen.with_email_proven(&ticket("pb"), now).unwrap();
        assert_eq!(until, now.plus(REVERT_SECONDS));
        let again = stolen.wanting_email(email("c@example.com"), ticket("pc"), ticket("rb"), now).unwrap();
        let (again, _) = again.with_email_proven(&ticket("pc"), now).unwrap();
        let back = again.with_email_reverted(&ticket("ra"), now.plus(REVERT_SECONDS - 1)).unwrap();
        assert_eq!((back.email.as_str(), back.epoch, back.reverts.len()), ("a@example.com", 2, 0));
        assert!(back.with_email_reverted(&ticket("rb"), now).is_err(), "what came after is void");
        assert!(again.with_email_reverted(&ticket("ra"), now.plus(REVERT_SECONDS)).is_err());
    }
}
