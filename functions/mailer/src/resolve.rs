//! Who gets a letter, if anybody does.

use user_core::app::App;
use user_core::error::Error;
use user_core::letter::Letter;
use user_core::user::User;

/// The user whom the letter's ticket serves; `None` when the letter is not to be sent.
pub(crate) async fn addressee(app: &App, letter: &Letter) -> Result<Option<User>, Error> {
    match &letter.user_id {
        Some(id) => {
            let user = app.store.read_user(id).await?;
            Ok(user
                .filter(|user| awaits_verification(app, user) && user.verify_ticket.as_ref() == Some(&letter.ticket)))
        }
        None => asked_by_address(app, letter).await,
    }
}

/// Somebody asked for this letter by address: if it waits for one, the letter's ticket becomes the one that is good.
async fn asked_by_address(app: &App, letter: &Letter) -> Result<Option<User>, Error> {
    let Some(login) = app.store.read_login(&letter.to.key()).await? else {
        return Ok(None);
    };
    let decide = |user: &User| {
        if awaits_verification(app, user) {
            Ok(user.with_verify_ticket(&letter.ticket))
        } else {
            Err(Error::NotFound)
        }
    };
    match app.store.change_user(&login.user_id, None, decide).await {
        Ok(user) => Ok(Some(user)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn awaits_verification(app: &App, user: &User) -> bool {
    user.is_active && !user.is_verified && !user.is_expired(app.clock.now())
}
