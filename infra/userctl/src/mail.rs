//! Finds out why an email did not arrive.

use user_core::email::Email;
use user_core::error::{Error, Unmet};
use user_core::message::Message;
use user_core::user::User;
use user_store::delivery::Undeliverable;

use crate::command;
use crate::stage::Stage;

/// Everything that is known about the emails to an address.
#[derive(Debug)]
pub struct Status {
    /// The account with this address.
    pub user: Option<User>,
    /// Which mailboxes of the address get no emails, and why: `Ann@` and `ann@` are two mailboxes of one address.
    pub marks: Vec<Undeliverable>,
    /// The emails of the last 30 days, newest first.
    pub messages: Vec<Message>,
}

/// The outcome of the emails to an address.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn status(stage: &Stage, email: &Email) -> Result<Status, Error> {
    let user = match command::show(stage, email).await {
        Ok(user) => Some(user),
        Err(Error::Unmet(Unmet::Absent)) => None,
        Err(error) => return Err(error),
    };
    let marks = stage.store.read_undeliverable(&email.key(), stage.clock.now()).await?;
    Ok(Status { user, marks, messages: stage.store.messages_to(&email.key()).await? })
}

/// Allows emails again to all mailboxes of an address that bounced or reported spam.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn allow(stage: &Stage, email: &Email) -> Result<Status, Error> {
    stage.store.unmark_undeliverable(&email.key()).await?;
    status(stage, email).await
}

/// Emails that were given up, oldest first; at most a page.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn failed(stage: &Stage) -> Result<Vec<Message>, Error> {
    stage.store.list_failed_messages(stage.clock.now()).await
}

/// Tries every email again that was given up, and returns how many there were.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn retry(stage: &Stage) -> Result<usize, Error> {
    let mut revived = 0;
    loop {
        let mut news = 0;
        for message in failed(stage).await? {
            news += usize::from(stage.store.revive_message(&message, stage.clock.now()).await?);
        }
        revived += news;
        if news == 0 {
            return Ok(revived);
        }
    }
}
