//! What carries a mail away.

use std::fmt;
use std::io;
use std::sync::Arc;

use aws_sdk_sesv2::error::ProvideErrorMetadata;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use serde::{Deserialize, Serialize};
use user_core::app::App;
use user_core::email::Email;
use user_core::error::Error;

/// A letter as it is sent.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it; times are RFC 3339")]
pub struct Mail {
    pub id: String,
    pub to: Email,
    pub kind: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub link: String,
    pub token: String,
    pub sent_at: String,
}

/// What a person at a terminal needs of it.
impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail to {} | {} | {}", self.to.as_str(), self.subject, self.link)
    }
}

/// Takes a mail on a developer's machine.
pub type Printer = Arc<dyn Fn(&Mail) -> io::Result<()> + Send + Sync>;

/// `MAIL_BACKEND`.
#[derive(Clone)]
pub enum Backend {
    /// Amazon SES, API version 2.
    Ses(aws_sdk_sesv2::Client),
    /// Whatever the machine does with it.
    Console(Printer),
}

impl Backend {
    /// Hands the mail over; returns the backend's name for it.
    ///
    /// # Errors
    /// [`Error::Internal`] when the backend does not take it.
    pub(crate) async fn send(&self, app: &App, mail: &Mail) -> Result<String, Error> {
        match self {
            Self::Ses(client) => send_by_ses(client, app, mail).await,
            Self::Console(print) => print(mail).map(|()| format!("console-{}", mail.id)).map_err(Error::internal),
        }
    }
}

async fn send_by_ses(client: &aws_sdk_sesv2::Client, app: &App, mail: &Mail) -> Result<String, Error> {
    let content = |text: &str| Content::builder().data(text).charset("UTF-8").build().map_err(Error::internal);
    let body = Body::builder().text(content(&mail.text)?).html(content(&mail.html)?).build();
    let message = Message::builder().subject(content(&mail.subject)?).body(body).build();
    let sent = client
        .send_email()
        .from_email_address(sender(&app.config.emails_from_name, app.config.emails_from_email.as_str()))
        .destination(Destination::builder().to_addresses(mail.to.as_str()).build())
        .content(EmailContent::builder().simple(message).build())
        .send()
        .await
        // SES' own words name the address; its code does not.
        .map_err(|error| {
            Error::internal(format!("SES did not take the mail: {}", error.code().unwrap_or("no answer")))
        })?;
    Ok(sent.message_id.unwrap_or_default())
}

/// `"Name" <address>` (RFC 5322, 3.4), the name quoted.
fn sender(name: &str, address: &str) -> String {
    let quoted: String = name.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
    format!("\"{quoted}\" <{address}>")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_senders_name_cannot_break_out_of_its_quotes() {
        assert_eq!(super::sender("A \"B\"\r\n\\C", "a@example.com"), "\"A BC\" <a@example.com>");
    }
}
