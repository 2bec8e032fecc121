//! Security events: what happened to an account, by whom and from where. Each is a line of the log and an item that administrators
//! read; what changed follows from the record before and after, so that no change goes unnoticed.

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Timestamp};
use crate::error::Error;
use crate::id::{EventId, UserId};
use crate::session::Origin;
use crate::user::User;
use crate::words::words;

/// For how long events can be read, in seconds.
pub const EVENT_SECONDS: i64 = 90 * 86_400;

words! {
    /// What happened.
    #[expect(missing_docs, reason = "the names say it")]
    EventName {
        SignedUp = "signed-up",
        EmailVerified = "email-verified",
        EmailUnverified = "email-unverified",
        SignedIn = "signed-in",
        SignInFailed = "sign-in-failed",
        SignedOutEverywhere = "signed-out-everywhere",
        RefreshTokenReused = "refresh-token-reused",
        PasswordChanged = "password-changed",
        EmailChangeRequested = "email-change-requested",
        EmailChanged = "email-changed",
        EmailReverted = "email-reverted",
        RoleChanged = "role-changed",
        Deactivated = "deactivated",
        Reactivated = "reactivated",
        Deleted = "deleted",
        Expired = "expired",
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "StoredActor", from = "StoredActor")]
pub enum Actor {
    /// A user; also the holder of an email to that user.
    User(UserId),
    /// Somebody who proved nothing.
    Anonymous,
    /// Somebody with access to the tables, by `userctl`.
    Operator,
    /// The service itself.
    Service,
    /// One of a later release.
    Other {
        /// What it is.
        kind: String,
        /// Which one, if there are several.
        id: Option<String>,
    },
}

/// An actor in items and answers.
#[derive(Serialize, Deserialize)]
struct StoredActor {
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl From<Actor> for StoredActor {
    fn from(actor: Actor) -> Self {
        let (kind, id) = match actor {
            Actor::User(id) => ("user", Some(id.to_string())),
            Actor::Anonymous => ("anonymous", None),
            Actor::Operator => ("operator", None),
            Actor::Service => ("service", None),
            Actor::Other { kind, id } => return Self { r#type: kind, id },
        };
        Self { r#type: kind.to_owned(), id }
    }
}

impl From<StoredActor> for Actor {
    fn from(StoredActor { r#type: kind, id }: StoredActor) -> Self {
        match (kind.as_str(), id) {
            ("user", Some(id)) => Self::User(UserId::of(id)),
            ("anonymous", None) => Self::Anonymous,
            ("operator", None) => Self::Operator,
            ("service", None) => Self::Service,
            (_, id) => Self::Other { kind, id },
        }
    }
}

/// Who does something, from where and when.
#[derive(Debug, Clone)]
pub struct By {
    actor: Actor,
    ip: String,
    request_id: String,
    millis: i64,
}

impl By {
    /// Somebody who made a request.
    #[must_use]
    pub fn request(actor: Actor, origin: &Origin, clock: &Clock) -> Self {
        Self { actor, ip: origin.ip.clone(), request_id: origin.request_id.clone(), millis: clock.now_millis() }
    }

    /// The same request, with another actor for what it brings about besides.
    #[must_use]
    pub fn acting(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Timestamp(self.millis.div_euclid(1000))
    }

    /// The gateway's name for the request; empty without one.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The service or its operator, without a request.
    #[must_use]
    pub fn itself(actor: Actor, clock: &Clock) -> Self {
        Self::request(actor, &Origin::default(), clock)
    }
}

/// A security event as it is stored and shown. It holds no address, password or token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Sorts by time.
    pub id: EventId,
    /// What happened.
    pub name: EventName,
    /// To whom.
    pub user_id: UserId,
    /// Who did it.
    pub actor: Actor,
    /// The source address that the gateway saw; empty without a request.
    pub ip: String,
    /// The gateway's name for the request; empty without one.
    pub request_id: String,
    /// A word more, such as the new role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

impl Event {
    /// An event of now.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn new(name: EventName, user: &UserId, by: &By) -> Result<Self, Error> {
        Ok(Self {
            id: EventId::new(by.millis)?,
            name,
            user_id: user.clone(),
            actor: by.actor.clone(),
            ip: by.ip.clone(),
            request_id: by.request_id.clone(),
            detail: None,
            created_at: by.at(),
        })
    }

    /// What a change of `before` to `after` means, with a new password or without.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn of_change(before: &User, after: &User, new_password: bool, by: &By) -> Result<Vec<Self>, Error> {
        let event = |name| Self::new(name, &after.id, by);
        let mut events = Vec::new();
        for name in names_of_change(before, after, new_password) {
            let role = (name == EventName::RoleChanged).then(|| after.role.as_str().to_owned());
            events.push(Self { detail: role, ..event(name)? });
        }
        Ok(events)
    }
}

fn names_of_change(before: &User, after: &User, new_password: bool) -> Vec<EventName> {
    let ended = after.epoch > before.epoch;
    let mut names: Vec<_> = [
        (new_password, EventName::PasswordChanged),
        (!before.is_verified && after.is_verified, EventName::EmailVerified),
        (before.is_verified && !after.is_verified, EventName::EmailUnverified),
        (after.email_change.is_some() && after.email_change != before.email_change, EventName::EmailChangeRequested),
        (after.email != before.email, EventName::EmailChanged),
        (after.role != before.role, EventName::RoleChanged),
        (before.is_active && !after.is_active, EventName::Deactivated),
        (!before.is_active && after.is_active, EventName::Reactivated),
    ]
    .into_iter()
    .filter_map(|(happened, name)| happened.then_some(name))
    .collect();
    // Somebody asked for a new epoch that nothing above explains.
    if ended
        && names
            .iter()
            .all(|name| matches!(name, EventName::EmailVerified | EventName::RoleChanged | EventName::Reactivated))
    {
        names.push(EventName::SignedOutEverywhere);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::Email;
    use crate::user::{Edit, Role};

    const NOW: Timestamp = Timestamp(10);

    fn ann() -> User {
        let email = Email::parse("ann@example.com").unwrap();
        User { is_verified: true, ..User::new(UserId::of("u"), email, Timestamp(1)) }
    }

    #[test]
    fn what_happened_follows_from_the_record_before_and_after() {
        let edited = |edit| ann().edited(&edit, NOW);
        let off = edited(Edit { is_active: Some(false), ..Edit::default() });
        let named = edited(Edit { first_name: Some(Some("Ann".to_owned())), ..Edit::default() });
        let admin = edited(Edit { role: Some(Role::Admin), ..Edit::default() });
        let unproven = edited(Edit { is_verified: Some(false), ..Edit::default() });
        assert_eq!(names_of_change(&ann(), &named, false), []);
        assert_eq!(names_of_change(&ann(), &off, false), [EventName::Deactivated]);
        assert_eq!(names_of_change(&off, &ann(), false), [EventName::Reactivated]);
        assert_eq!(names_of_change(&ann(), &admin, false), [EventName::RoleChanged]);
        assert_eq!(names_of_change(&ann(), &unproven, false), [EventName::EmailUnverified]);
        assert_eq!(names_of_change(&unproven, &ann(), false), [EventName::EmailVerified]);
        assert_eq!(names_of_change(&ann(), &ann().in_new_epoch(NOW), false), [EventName::SignedOutEverywhere]);
        assert_eq!(names_of_change(&ann(), &ann().in_new_epoch(NOW), true), [EventName::PasswordChanged]);
    }

    #[test]
    fn each_phase_of_a_change_of_address_is_an_event() {
        let asked = ann().requesting_email(Email::parse("b@example.com").unwrap(), NOW).unwrap();
        assert_eq!(names_of_change(&ann(), &asked, false), [EventName::EmailChangeRequested]);
        let moved = asked.confirming_email(&asked.change_ticket(NOW).unwrap(), NOW).unwrap();
        assert_eq!(names_of_change(&asked, &moved, false), [EventName::EmailChanged]);
    }
}
