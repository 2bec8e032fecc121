//! Who gets a letter, if anybody does.

use user_core::app::App;
use user_core::error::Error;
use user_core::event::{Actor, By};
use user_core::letter::{Kind, Letter};
use user_core::store::user::Change;
use user_core::user::User;

/// The user whom the letter serves; `None` when it is not to be sent.
pub(crate) async fn addressee(app: &App, letter: &Letter) -> Result<Option<User>, Error> {
    let now = app.clock.now();
    match &letter.user_id {
        Some(id) => {
            let user = app.store.read_user(id).await?.filter(|user| !user.is_expired(now));
            Ok(user.filter(|user| match letter.kind {
                Kind::VerifyEmail => !user.is_verified && user.verify_ticket.as_ref() == Some(&letter.ticket),
                Kind::ResetPassword | Kind::AccountExists => user.reset_ticket.as_ref() == Some(&letter.ticket),
                Kind::ConfirmEmail => user.email_change.as_ref().is_some_and(|change| change.ticket == letter.ticket),
                Kind::EmailChange => user.reverts.iter().any(|revert| revert.ticket == letter.ticket),
                Kind::PasswordChanged => true,
            }))
        }
        None => asked_by_address(app, letter).await,
    }
}

/// Somebody asked for this letter by address: if there is an account that it serves, the letter's ticket becomes the one that is good.
async fn asked_by_address(app: &App, letter: &Letter) -> Result<Option<User>, Error> {
    let Some(login) = app.store.read_login(&letter.to.key()).await? else { return Ok(None) };
    let now = app.clock.now();
    // It came this far before: since then a newer letter took its place, or it was not needed any more.
    let was_ready = letter.problem.as_deref().is_some_and(|problem| problem != "internal");
    let decide = |user: &User| {
        let good = if letter.kind == Kind::VerifyEmail { &user.verify_ticket } else { &user.reset_ticket };
        let is_late = was_ready && good.as_ref() != Some(&letter.ticket);
        if !user.is_active || user.is_expired(now) || is_late {
            return Err(Error::NotFound);
        }
        match letter.kind {
            Kind::VerifyEmail if !user.is_verified => Ok(Change::from(user.with_verify_ticket(&letter.ticket))),
            Kind::ResetPassword | Kind::AccountExists => Ok(user.with_reset_ticket(&letter.ticket).into()),
            _ => Err(Error::NotFound),
        }
    };
    let by = By::itself(Actor::Service, &app.clock);
    match app.store.change_user(&login.user_id, None, &by, decide).await {
        Ok(user) => Ok(Some(user)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
