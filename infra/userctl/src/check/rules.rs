//! The rules for a user, a login, a reserved address and a session, given the other items of the store.

use user_config::Enumeration;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::event;
use user_core::id::UserId;
use user_core::login::Login;
use user_core::message::{KEEP_SECONDS, MessageKind};
use user_core::session::Session;
use user_core::user::User;

use super::Scope;
use super::report::Violation;
use crate::records::census::{Place, Record, address_name};
use crate::stage::Stage;

pub(super) const ADMIN_COUNT: &str = "admin-count";
const USER_WITHOUT_LOGIN: &str = "user-without-login";
const LOGIN_DIFFERS: &str = "login-differs";
const LOGIN_WITHOUT_USER: &str = "login-without-user";
const LOGIN_ELSEWHERE: &str = "login-elsewhere";
const RESERVATION_WITHOUT_USER: &str = "reservation-without-user";
const RESERVATION_UNLISTED: &str = "reservation-unlisted";
const RESERVATION_MISSING: &str = "reservation-missing";
const SESSION_WITHOUT_USER: &str = "session-without-user";
const SESSION_TO_BE_SWEPT: &str = "session-to-be-swept";
const VERIFIED_USER_EXPIRES: &str = "verified-user-expires";
const INDEX_KEYS: &str = "index-keys";
const MESSAGE_MISSING: &str = "message-missing";
const UNREADABLE: &str = "unreadable";

/// How many events of a waiting user are read; its first event is its sign-up.
const EVENTS: usize = 100;

/// The findings about a record.
#[derive(Default)]
pub(super) struct Judgement {
    pub(super) violations: Vec<Violation>,
    pub(super) notes: Vec<&'static str>,
}

impl Judgement {
    fn add(&mut self, kind: &'static str, ids: impl IntoIterator<Item = String>) {
        self.violations.push(Violation { kind, ids: ids.into_iter().collect() });
    }
}

/// Judges a record against the other items of the store.
pub(super) async fn judge(stage: &Stage, scope: Scope, place: &Place, record: &Record) -> Result<Judgement, Error> {
    let now = stage.clock.now();
    let mut judgement = Judgement::default();
    match record {
        Record::User { user, indexed } => {
            if !indexed {
                judgement.add(INDEX_KEYS, [name(&user.id)]);
            }
            judge_user(stage, scope, user, now, &mut judgement).await?;
        }
        Record::Login { address, login } if !login.is_expired(now) => {
            judge_login(stage, address, login, now, &mut judgement).await?;
        }
        Record::Reservation { address, user_id, expires_at } if now < *expires_at => {
            judge_reservation(stage, address, user_id, &mut judgement).await?;
        }
        Record::Session(session) if !session.is_expired(now) => {
            judge_session(stage, session, &mut judgement).await?;
        }
        Record::Unreadable => judgement.add(UNREADABLE, [place.owner()]),
        // Expired items may remain until TTL or cleanup removes them.
        _ => {}
    }
    Ok(judgement)
}

async fn judge_user(
    stage: &Stage,
    scope: Scope,
    user: &User,
    now: Timestamp,
    judgement: &mut Judgement,
) -> Result<(), Error> {
    if user.is_verified && user.expires_at.is_some() {
        judgement.add(VERIFIED_USER_EXPIRES, [name(&user.id)]);
    }
    // The address of an expired user may belong to somebody else.
    if user.is_expired(now) {
        return Ok(());
    }
    match stage.records().record_at(&Place::of_login(&user.email.key())).await? {
        Record::Login { login, .. } if login.user_id == user.id => {
            if Login::of(user, login.password_hash.clone()) != login {
                judgement.add(LOGIN_DIFFERS, [name(&user.id)]);
            }
        }
        // The unreadable login is reported by itself.
        Record::Unreadable => {}
        _ => judgement.add(USER_WITHOUT_LOGIN, [name(&user.id), address_name(user.email.key().as_str())]),
    }
    for former in user.reverts.iter().filter(|former| now < former.expires_at) {
        let key = former.email.key();
        let kept = match stage.records().record_at(&Place::of_login(&key)).await? {
            Record::Reservation { user_id, .. } => user_id == user.id,
            Record::Unreadable => true,
            _ => key == user.email.key(),
        };
        if !kept {
            judgement.add(RESERVATION_MISSING, [name(&user.id), address_name(key.as_str())]);
        }
    }
    if scope == Scope::Whole && lacks_message(stage, user, now).await? {
        // In private mode a message is written after its user; if a sign-up breaks off between the two, another try repairs it.
        match stage.config.signup_enumeration {
            Enumeration::Private => judgement.notes.push(MESSAGE_MISSING),
            Enumeration::Reveal => judgement.add(MESSAGE_MISSING, [name(&user.id)]),
        }
    }
    Ok(())
}

/// Whether a user who signed up waits for a message that was never written; false once a message would be past its retention time.
async fn lacks_message(stage: &Stage, user: &User, now: Timestamp) -> Result<bool, Error> {
    let waits = user.expires_at.is_some() && !user.is_verified && !user.is_expired(now);
    if !waits || user.created_at.plus(KEEP_SECONDS) <= now {
        return Ok(false);
    }
    let messages = stage.store.messages_to(&user.email.key()).await?;
    let own = |id: &Option<UserId>| id.as_ref().is_none_or(|id| *id == user.id);
    if messages.iter().any(|message| message.kind == MessageKind::VerifyEmail && own(&message.user_id)) {
        return Ok(false);
    }
    // Imported users signed up elsewhere, so they were sent no message.
    let (events, _) = stage.store.list_events(&user.id, None, EVENTS, now).await?;
    Ok(events.iter().any(|event| event.name == event::EventName::SignedUp))
}

async fn judge_login(
    stage: &Stage,
    address: &str,
    login: &Login,
    now: Timestamp,
    judgement: &mut Judgement,
) -> Result<(), Error> {
    let ids = || [name(&login.user_id), address_name(address)];
    match stage.records().record_at(&Place::of_user(&login.user_id)).await? {
        Record::User { user, .. } if user.email.key().as_str() != address => judgement.add(LOGIN_ELSEWHERE, ids()),
        // The judgement of the user compares the copies, unless the user is expired.
        Record::User { user, .. } if user.is_expired(now) => judgement.add(LOGIN_DIFFERS, [name(&user.id)]),
        Record::User { .. } | Record::Unreadable => {}
        _ => judgement.add(LOGIN_WITHOUT_USER, ids()),
    }
    Ok(())
}

async fn judge_reservation(
    stage: &Stage,
    address: &str,
    user_id: &UserId,
    judgement: &mut Judgement,
) -> Result<(), Error> {
    match stage.records().record_at(&Place::of_user(user_id)).await? {
        Record::User { user, .. } => {
            // The reservation expires by itself.
            if !user.reserved_emails().any(|email| email.key().as_str() == address) {
                judgement.notes.push(RESERVATION_UNLISTED);
            }
        }
        Record::Unreadable => {}
        _ => judgement.add(RESERVATION_WITHOUT_USER, [name(user_id), address_name(address)]),
    }
    Ok(())
}

async fn judge_session(stage: &Stage, session: &Session, judgement: &mut Judgement) -> Result<(), Error> {
    if !matches!(stage.records().record_at(&Place::of_user(&session.user_id)).await?, Record::Absent) {
        return Ok(());
    }
    let sweep = stage.store.read_sweep(&session.user_id).await?;
    // The removal broke off, or a concurrent sign-in wrote the session after it. The session gives no access, and cleanup ends it.
    if sweep.is_some_and(|sweep| sweep.covers(session)) {
        judgement.notes.push(SESSION_TO_BE_SWEPT);
    } else {
        judgement.add(SESSION_WITHOUT_USER, [name(&session.user_id), format!("session:{}", session.id)]);
    }
    Ok(())
}

fn name(id: &UserId) -> String {
    format!("user:{id}")
}
