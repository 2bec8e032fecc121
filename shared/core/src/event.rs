//! Security events: what happened to an account, by whom and from where. Each is a line of the log and an item that administrators can
//! read. The events of a change are derived from the record before and after it, so that none is missed.

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Timestamp};
use crate::error::Error;
use crate::id::{EventId, UserId};
use crate::session::Origin;
use crate::user::User;
use crate::words::words;

/// How long events can be read, in seconds.
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
    /// A user, also if known only by the link in an email to that user.
    User(UserId),
    /// An unauthenticated caller.
    Anonymous,
    /// Somebody with access to the tables, who uses `userctl`.
    Operator,
    /// The service itself.
    Service,
    /// A kind of actor that a later release has.
    Other {
        /// The kind.
        kind: String,
        /// The identifier, if there is one.
        id: Option<String>,
    },
}

/// The form of an actor in items and responses.
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
    /// The actor, the origin and the time of a request.
    #[must_use]
    pub fn request(actor: Actor, origin: &Origin, clock: &Clock) -> Self {
        Self { actor, ip: origin.ip.clone(), request_id: origin.request_id.clone(), millis: clock.now_millis() }
    }

    /// The same request with another actor, for a change that it causes in addition.
    #[must_use]
    pub fn acting(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    /// The time, in whole seconds.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Timestamp(self.millis.div_euclid(1000))
    }

    /// The gateway's identifier for the request; empty without one.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The service itself or its operator, without a request.
    #[must_use]
    pub fn itself(actor: Actor, clock: &Clock) -> Self {
        Self::request(actor, &Origin::default(), clock)
    }
}

/// A security event as it is stored and shown. It holds no address, password or token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Identifiers sort by time.
    pub id: EventId,
    /// What happened.
    pub name: EventName,
    /// The user it is about.
    pub user_id: UserId,
    /// Who did it.
    pub actor: Actor,
    /// The source address that the gateway saw; empty without a request.
    pub ip: String,
    /// The gateway's identifier for the request; empty without one.
    pub request_id: String,
    /// An additional word, such as the new role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
}

impl Event {
    /// An event at the time of `by`.
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

    /// The events of a change from `before` to `after`, with or without a new password.
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
    // No change above explains the new epoch, so somebody requested it.
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
