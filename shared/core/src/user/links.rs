//! Which links in emails are valid for a user's present record.

use super::User;
use crate::clock::Timestamp;
use crate::ticket::{AddressTag, Ticket};

impl User {
    /// A ticket for the user's present address.
    #[must_use]
    pub fn ticket(&self, expires_at: Timestamp) -> Ticket {
        let address = AddressTag::of(&self.email.key());
        Ticket { user: self.id.clone(), epoch: self.epoch, address, expires_at }
    }

    /// Whether `ticket` is for the present address and the present epoch.
    fn is_bound(&self, ticket: &Ticket) -> bool {
        self.epoch == ticket.epoch && ticket.went_to(&self.email)
    }

    /// Whether a link that verifies the address is valid now; never for a verified address.
    #[must_use]
    pub fn may_verify(&self, ticket: &Ticket, now: Timestamp) -> bool {
        self.is_bound(ticket) && self.is_active && !self.is_verified && !self.is_expired(now)
    }

    /// Whether a link that sets a new password is valid now.
    #[must_use]
    pub fn may_reset(&self, ticket: &Ticket, now: Timestamp) -> bool {
        self.is_bound(ticket) && self.is_active && !self.is_expired(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::Email;
    use crate::id::UserId;
    use crate::user::Edit;

    const NOW: Timestamp = Timestamp(10);

    #[test]
    fn a_link_is_void_in_another_epoch_at_another_address_and_for_another_form_of_none() {
        let ann = User::new(UserId::of("u"), Email::parse("Ann@example.com").unwrap(), NOW);
        let link = ann.ticket(Timestamp(100));
        assert!(ann.may_verify(&link, NOW) && ann.may_reset(&link, NOW));
        let typed_otherwise = User { email: Email::parse("ann@EXAMPLE.com").unwrap(), ..ann.clone() };
        assert!(typed_otherwise.may_reset(&link, NOW), "it is the same address");
        let moved = User { email: Email::parse("b@example.com").unwrap(), ..ann.clone() };
        let (later, off) = (ann.in_new_epoch(NOW), User { is_active: false, ..ann.clone() });
        let over = User { expires_at: Some(NOW), ..ann.clone() };
        for user in [&moved, &later, &off, &over] {
            assert!(!user.may_verify(&link, NOW) && !user.may_reset(&link, NOW));
        }
        let verified = ann.edited(&Edit { is_verified: Some(true), ..Edit::default() }, NOW);
        assert!(!verified.may_verify(&link, NOW) && verified.may_reset(&link, NOW));
    }
}
