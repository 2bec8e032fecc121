//! A change of address in two phases. The old address signs in until the account itself verifies the new one, and for a week the owner of
//! the old address can restore it. A request reserves nothing: an address belongs to whoever verifies it first.
//!
//! The owner of the oldest address that can be restored decides: restoring it voids every later address, none of those can be restored
//! for longer than it, and an account that returns to it is as if it had never left.

use serde::{Deserialize, Serialize};

use super::{NotChanged, User};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::ticket::{AddressTag, Ticket};

/// How long a new address may be verified, in seconds.
const PROVE_SECONDS: i64 = 86_400;
/// How long an old address can be restored after the last change, in seconds. It is reserved for that time.
pub const REVERT_SECONDS: i64 = 7 * 86_400;
/// How many old addresses can be restored at a time.
const MOST: usize = 5;

/// The address that an account requested. It becomes the account's when a link that was sent to it is confirmed in the same epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingEmail {
    /// The address.
    pub email: Email,
    /// Until when it may be verified.
    pub expires_at: Timestamp,
}

/// A former address of the account, which can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerEmail {
    /// The address.
    pub email: Email,
    /// The epoch in which the account left it. Links that restore it are bound to that epoch, so that no later epoch voids them.
    #[serde(default)]
    pub epoch: u64,
    /// Until when it can be restored.
    pub expires_at: Timestamp,
}

impl FormerEmail {
    fn is_of(&self, ticket: &Ticket, now: Timestamp) -> bool {
        self.epoch == ticket.epoch && ticket.went_to(&self.email) && now < self.expires_at
    }
}

impl User {
    /// The user with `new` as the requested address. A repeated request for the same address leaves earlier links valid; another address
    /// replaces it.
    ///
    /// # Errors
    /// [`NotChanged::TooSoon`] while five old addresses can be restored, until the first of them cannot be any more.
    pub fn requesting_email(&self, new: Email, now: Timestamp) -> Result<Self, NotChanged> {
        let mut user = self.left_for(&new, now)?;
        user.email_change = Some(PendingEmail { email: new, expires_at: now.plus(PROVE_SECONDS) });
        user.version += 1;
        user.updated_at = now;
        Ok(user)
    }

    /// The ticket of the link that confirms the pending change, if there is one.
    #[must_use]
    pub fn change_ticket(&self, now: Timestamp) -> Option<Ticket> {
        let change = self.email_change.as_ref().filter(|change| now < change.expires_at)?;
        Some(Ticket { address: AddressTag::of(&change.email.key()), ..self.ticket(change.expires_at) })
    }

    /// The user with the new address that `ticket` verifies, in a new epoch. The old address and those before it can then be restored, all
    /// for the same time. If the account returns to a former address, those that came after it cannot be restored.
    ///
    /// # Errors
    /// [`NotChanged::TicketVoid`], also for accounts that may not sign in; [`NotChanged::TooSoon`] as for a request, or for a new epoch.
    pub fn confirming_email(&self, ticket: &Ticket, now: Timestamp) -> Result<Self, NotChanged> {
        let holds = |own: &Ticket| (own.epoch, &own.address) == (ticket.epoch, &ticket.address);
        let is_open = self.may_sign_in(now) && self.change_ticket(now).as_ref().is_some_and(holds);
        let change = self.email_change.as_ref().filter(|_| is_open).ok_or(NotChanged::TicketVoid)?;
        let mut user = self.left_for(&change.email, now)?.ending_sessions(ticket.epoch, now)?;
        user.email = change.email.clone();
        if let Some(at) = user.reverts.iter().position(|former| former.email.key() == user.email.key()) {
            user.reverts.truncate(at);
            return Ok(user);
        }
        let expires_at = now.plus(REVERT_SECONDS);
        user.reverts.push(FormerEmail { email: self.email.clone(), epoch: self.epoch, expires_at });
        user.reverts.iter_mut().for_each(|former| former.expires_at = expires_at);
        Ok(user)
    }

    /// The ticket of the link that restores `email`, which the account left, or was requested to leave, in `epoch`.
    #[must_use]
    pub fn revert_ticket(&self, email: &Email, epoch: u64, now: Timestamp) -> Option<Ticket> {
        let left = |former: &&FormerEmail| former.epoch == epoch && former.email.key() == email.key();
        match self.reverts.iter().find(left) {
            Some(former) if now < former.expires_at => {
                Some(Ticket { epoch, address: AddressTag::of(&email.key()), ..self.ticket(former.expires_at) })
            }
            None if self.epoch == epoch && self.email.key() == email.key() => {
                Some(self.ticket(now.plus(REVERT_SECONDS)))
            }
            _ => None,
        }
    }

    /// The user with the address that `ticket` restores, in a new epoch: a former one, or the present one if the requested change was never
    /// made. Addresses that came after it are void.
    ///
    /// # Errors
    /// [`NotChanged::TicketVoid`], also for accounts that may not sign in.
    pub fn reverting_email(&self, ticket: &Ticket, now: Timestamp) -> Result<Self, NotChanged> {
        if !self.may_sign_in(now) {
            return Err(NotChanged::TicketVoid);
        }
        let mut user = self.in_new_epoch(now);
        if let Some(at) = user.reverts.iter().position(|former| former.is_of(ticket, now)) {
            let later = user.reverts.split_off(at);
            user.email = later.into_iter().next().ok_or(NotChanged::TicketVoid)?.email;
            return Ok(user);
        }
        if self.epoch == ticket.epoch && ticket.went_to(&self.email) { Ok(user) } else { Err(NotChanged::TicketVoid) }
    }

    /// Every address that is reserved for the user besides its own.
    pub fn reserved_emails(&self) -> impl Iterator<Item = &Email> {
        self.reverts.iter().map(|former| &former.email)
    }

    /// Whether `email` is a former address of the user that is reserved, so that it can be restored.
    #[must_use]
    pub fn may_take_back(&self, email: &Email) -> bool {
        self.reserved_emails().any(|former| former.key() == email.key())
    }

    /// The user with the former addresses that can still be restored, if another one may join them when the account moves to `new`.
    fn left_for(&self, new: &Email, now: Timestamp) -> Result<Self, NotChanged> {
        let mut user = self.clone();
        // Records of former releases may have their own address among the former ones.
        user.reverts.retain(|former| now < former.expires_at && former.email.key() != self.email.key());
        let joins = !user.may_take_back(new);
        if let Some(first) = user.reverts.first().filter(|_| joins && user.reverts.len() >= MOST) {
            return Err(NotChanged::TooSoon { seconds: first.expires_at.since(now) });
        }
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;
    use crate::user::Edit;

    const NOW: Timestamp = Timestamp(1_000);

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    fn owner() -> User {
        User { is_verified: true, ..User::new(UserId::of("u"), email("a@example.com"), NOW) }
    }

    fn moved(user: &User, to: &str) -> (User, Ticket) {
        let asked = user.requesting_email(email(to), NOW).unwrap();
        let back = asked.revert_ticket(&asked.email, asked.epoch, NOW).unwrap();
        (asked.confirming_email(&asked.change_ticket(NOW).unwrap(), NOW).unwrap(), back)
    }

    #[test]
    fn a_thief_who_changes_the_address_twice_does_not_void_the_owners_way_back() {
        let (stolen, back) = moved(&owner(), "b@example.com");
        let (again, thiefs) = moved(&stolen, "c@example.com");
        let reset = again.in_new_epoch(NOW);
        let restored = reset.reverting_email(&back, NOW.plus(REVERT_SECONDS - 1)).unwrap();
        assert_eq!((restored.email.as_str(), restored.epoch, restored.reverts.len()), ("a@example.com", 5, 0));
        assert!(restored.reverting_email(&thiefs, NOW).is_err(), "what came after is void");
        assert!(restored.reverting_email(&back, NOW).is_err(), "it works once");
        assert!(again.reverting_email(&back, NOW.plus(REVERT_SECONDS)).is_err());
    }

    #[test]
    fn whatever_ends_all_sessions_voids_the_pending_change() {
        let asked = owner().requesting_email(email("b@example.com"), NOW).unwrap();
        let link = asked.change_ticket(NOW).unwrap();
        assert!(asked.confirming_email(&link, NOW).is_ok());
        let edited = |edit| asked.edited(&edit, NOW);
        let back_on =
            |user: User| user.edited(&Edit { is_active: Some(true), is_verified: Some(true), ..Edit::default() }, NOW);
        for after in [
            asked.in_new_epoch(NOW),
            back_on(edited(Edit { is_active: Some(false), ..Edit::default() })),
            back_on(edited(Edit { is_verified: Some(false), ..Edit::default() })),
        ] {
            assert!(after.confirming_email(&link, NOW).is_err() && after.email_change.is_none());
        }
        assert!(asked.confirming_email(&link, NOW.plus(PROVE_SECONDS)).is_err());
    }

    #[test]
    fn asking_for_the_same_address_again_voids_nothing_and_another_address_takes_its_place() {
        let asked = owner().requesting_email(email("b@example.com"), NOW).unwrap();
        let link = asked.change_ticket(NOW).unwrap();
        let again = asked.requesting_email(email("B@example.com"), NOW.plus(5)).unwrap();
        assert!(again.confirming_email(&link, NOW).is_ok());
        let other = asked.requesting_email(email("c@example.com"), NOW).unwrap();
        assert!(other.confirming_email(&link, NOW).is_err());
    }

    #[test]
    fn a_request_that_nobody_confirmed_can_be_taken_back_which_ends_every_session() {
        let asked = owner().requesting_email(email("b@example.com"), NOW).unwrap();
        let back = asked.revert_ticket(&asked.email, asked.epoch, NOW).unwrap();
        let secured = asked.reverting_email(&back, NOW).unwrap();
        assert_eq!((secured.email.as_str(), secured.epoch, secured.email_change), ("a@example.com", 2, None));
        assert_eq!(asked.in_new_epoch(NOW).reverting_email(&back, NOW).ok(), None, "the owner has recovered by then");
    }

    #[test]
    fn only_five_old_addresses_can_be_taken_back_at_once() {
        let mut user = owner();
        for n in 0..MOST {
            user = moved(&user, &format!("n{n}@example.com")).0;
        }
        assert!(matches!(user.requesting_email(email("z@example.com"), NOW), Err(NotChanged::TooSoon { .. })));
        assert!(user.requesting_email(email("z@example.com"), NOW.plus(REVERT_SECONDS)).is_ok());
        assert!(user.requesting_email(email("n0@example.com"), NOW).is_ok(), "a return adds none");
    }

    #[test]
    fn back_at_an_address_that_it_left_an_account_has_left_none_since() {
        let (stolen, owners) = moved(&owner(), "t1@example.com");
        let (again, _) = moved(&stolen, "t2@example.com");
        let (home, thiefs) = moved(&again, "A@example.com");
        assert_eq!((home.email.as_str(), home.reverts.len()), ("A@example.com", 0));
        assert!(home.reverting_email(&thiefs, NOW).is_err() && home.reverting_email(&owners, NOW).is_err());
        let (half, _) = moved(&again, "t1@example.com");
        assert_eq!(half.reverts.iter().map(|former| former.email.as_str()).collect::<Vec<_>>(), ["a@example.com"]);
        assert_eq!(half.reverting_email(&owners, NOW).unwrap().email.as_str(), "a@example.com");
    }

    #[test]
    fn an_address_of_its_own_among_those_that_it_left_is_left_out() {
        let (moved_away, _) = moved(&owner(), "b@example.com");
        let mut back = User { email: email("a@example.com"), ..moved_away.clone() };
        let former = FormerEmail { email: email("b@example.com"), ..moved_away.reverts[0].clone() };
        back.reverts.push(former);
        let (again, _) = moved(&back, "c@example.com");
        let left: Vec<_> = again.reverts.iter().map(|former| former.email.as_str()).collect();
        assert_eq!(left, ["b@example.com", "a@example.com"]);
    }

    #[test]
    fn no_later_address_can_be_taken_back_for_longer_than_an_earlier_one() {
        let (stolen, owners) = moved(&owner(), "t@example.com");
        let later = NOW.plus(REVERT_SECONDS - 1);
        let asked = stolen.requesting_email(email("o@example.com"), later).unwrap();
        let elsewhere = asked.confirming_email(&asked.change_ticket(later).unwrap(), later).unwrap();
        let last = later.plus(REVERT_SECONDS - 1);
        assert_eq!(elsewhere.reverting_email(&owners, last).unwrap().reverts, []);
        assert!(elsewhere.reverts.iter().all(|former| former.expires_at == later.plus(REVERT_SECONDS)));
    }
}
