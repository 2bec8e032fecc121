//! Finds out who gets a message, if anybody does, and what its link may do. It writes nothing.

use user_app::App;
use user_core::clock::Timestamp;
use user_core::email::Email;
use user_core::error::Error;
use user_core::limit::mailbox::LINK_SECONDS;
use user_core::message::{Message, MessageKind};
use user_core::ticket::{Purpose, Ticket};
use user_core::user::User;
use user_store::claim::{Claim, Holder};

/// A message that is to be sent.
pub(crate) struct Outgoing {
    /// The user that it is about.
    pub(crate) user: User,
    /// The address that it goes to.
    pub(crate) to: Email,
    /// Its kind, which selects the text.
    pub(crate) kind: MessageKind,
    /// The purpose and the ticket of its link, if it has one.
    pub(crate) link: Option<(Purpose, Ticket)>,
}

/// What to send for a message; `None` if nobody needs it any more.
pub(crate) async fn resolve(app: &App, message: &Message) -> Result<Option<Outgoing>, Error> {
    let now = app.clock.now();
    let (id, former) = match &message.user_id {
        Some(id) => (id.clone(), false),
        None => match app.store.holder(&message.to.key(), now).await? {
            None => return Ok(None),
            Some(Holder::Present(id)) => (id, false),
            Some(Holder::Former(id)) => (id, true),
        },
    };
    let Some(user) = app.store.read_user(&id).await?.filter(|user| !user.is_expired(now)) else { return Ok(None) };
    if former {
        return Ok(way_back(user, message, now));
    }
    if message.epoch.is_some_and(|epoch| epoch != user.epoch) && !tells_of_the_past(message.kind) {
        return Ok(None);
    }
    if message.kind == MessageKind::ConfirmEmail && is_taken(app, message, &user, now).await? {
        return Ok(None);
    }
    let link = match message.kind {
        MessageKind::VerifyEmail => (!user.is_verified && user.is_active).then(|| {
            let end = user.expires_at.unwrap_or_else(|| now.plus(app.config.unverified_user_ttl_seconds));
            (Purpose::Verify, user.ticket(end))
        }),
        MessageKind::ResetPassword | MessageKind::AccountExists => {
            user.is_active.then(|| (Purpose::Reset, user.ticket(now.plus(LINK_SECONDS))))
        }
        MessageKind::ConfirmEmail => {
            user.change_ticket(now).filter(|ticket| ticket.went_to(&message.to)).map(|it| (Purpose::ConfirmEmail, it))
        }
        MessageKind::EmailChange | MessageKind::EmailChanged => {
            let ticket = user.revert_ticket(&message.to, message.epoch.unwrap_or_default(), now);
            ticket.map(|ticket| (Purpose::RevertEmail, ticket))
        }
        MessageKind::EmailReverted | MessageKind::PasswordChanged => {
            let to = message.to.clone();
            return Ok(Some(Outgoing { user, to, kind: message.kind, link: None }));
        }
        MessageKind::Other(_) => None,
    };
    // A message that was requested by address goes to the account's address as its owner typed it.
    let to = if message.user_id.is_some() { message.to.clone() } else { user.email.clone() };
    Ok(link.map(|link| Outgoing { user, to, kind: message.kind, link: Some(link) }))
}

/// Notices that stay true whatever has happened since.
fn tells_of_the_past(kind: MessageKind) -> bool {
    matches!(
        kind,
        MessageKind::EmailChange
            | MessageKind::EmailChanged
            | MessageKind::EmailReverted
            | MessageKind::PasswordChanged
    )
}

/// Whether somebody else has verified the address that is to be confirmed: then the link would be useless and is not sent.
async fn is_taken(app: &App, message: &Message, user: &User, now: Timestamp) -> Result<bool, Error> {
    Ok(matches!(app.store.claim(&message.to.key(), &user.id, now).await?, Claim::Taken))
}

/// A request for recovery at a former address of the account gets a link that restores this address.
fn way_back(user: User, message: &Message, now: Timestamp) -> Option<Outgoing> {
    if !user.may_sign_in(now) || message.kind == MessageKind::VerifyEmail {
        return None;
    }
    let former = user.reverts.iter().rev().find(|former| former.email.key() == message.to.key())?;
    let link = (Purpose::RevertEmail, user.revert_ticket(&former.email, former.epoch, now)?);
    Some(Outgoing { to: former.email.clone(), kind: MessageKind::EmailChanged, link: Some(link), user })
}
