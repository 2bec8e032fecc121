//! The password of the mail server.

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use user_config::Hidden;
use user_core::error::Error;

use super::Store;

impl Store {
    /// The password for the mail server; empty if it is used without authentication.
    ///
    /// # Errors
    /// [`Error::Internal`], with a text for the log, when the secret cannot be read or is empty.
    pub async fn read_mail_password(&self) -> Result<Hidden, Error> {
        let Some(id) = &self.mail_secret_id else { return Ok(Hidden::default()) };
        let because = |why: &str| {
            Error::internal(format!("the password of the mail server cannot be read from the secret {id}: {why}"))
        };
        let answer = self.secrets.get_secret_value().secret_id(id).send().await;
        let answer = answer.map_err(|error| because(error.code().unwrap_or("no answer")))?;
        answer.secret_string.filter(|text| !text.is_empty()).map(Hidden).ok_or_else(|| because("it is empty"))
    }
}
