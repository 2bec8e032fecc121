//! `transport`: sends emails. The mailer sends with it; health asks it whether it could.
//!
//! - [`Mail`]: an email as it is sent.
//! - [`ses`]: Amazon SES, API version 2.
//! - [`smtp`]: an SMTP server.

pub mod ses;
pub mod smtp;

use std::sync::Arc;
use std::{fmt, io};

use aws_types::SdkConfig;
use serde::{Deserialize, Serialize};
use user_config::{Config, MailBackend};
use user_core::email::Email;
use user_core::error::Error;

/// An email as it is sent.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it; times are RFC 3339")]
pub struct Mail {
    pub id: String,
    /// The address as its owner typed it; servers are given its mailbox.
    pub to: Email,
    pub kind: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub sent_at: String,
}

impl Mail {
    /// The link in the text; empty when there is none.
    #[must_use]
    pub fn link(&self) -> &str {
        self.text.split_whitespace().find(|word| word.contains("?token=")).unwrap_or_default()
    }

    /// The token in the link; empty when there is none.
    #[must_use]
    pub fn token(&self) -> &str {
        self.link().split_once("?token=").map_or("", |(_, token)| token)
    }
}

/// One line for a person at a terminal.
impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail to {} | {} | {}", self.to.as_str(), self.subject, self.link())
    }
}

/// Why a mail was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A code such as `smtp-550` or `ses-TooManyRequestsException`. Unlike the service's own message, it never contains the address.
    pub code: String,
    /// Whether the same mail will always be refused.
    pub is_permanent: bool,
}

/// Handles an email on a developer's machine.
pub type Printer = Arc<dyn Fn(&Mail) -> io::Result<()> + Send + Sync>;

/// The backend that `MAIL_BACKEND` selects.
#[derive(Clone)]
pub enum Transport {
    /// Amazon SES.
    Ses(ses::Ses),
    /// An SMTP server.
    Smtp(Box<smtp::Smtp>),
    /// The printer of a developer's machine.
    Console(Printer),
}

impl Transport {
    /// The transport that the configuration selects. `sdk` is for SES, `password` for the SMTP server, `printer` for the console.
    ///
    /// # Errors
    /// [`Error::Internal`] when the name of the SMTP server is not valid.
    pub fn new(config: &Config, sdk: &SdkConfig, password: smtp::Password, printer: Printer) -> Result<Self, Error> {
        Ok(match config.mail_backend {
            MailBackend::Ses => Self::Ses(ses::Ses::new(config, sdk)),
            MailBackend::Smtp => Self::Smtp(Box::new(smtp::Smtp::new(config, password)?)),
            MailBackend::Console => Self::Console(printer),
        })
    }

    /// Sends the email; returns the backend's identifier for it.
    ///
    /// # Errors
    /// The reason of the refusal.
    pub async fn send(&self, mail: &Mail) -> Result<String, Refusal> {
        match self {
            Self::Ses(ses) => ses.send(mail).await,
            Self::Smtp(smtp) => smtp.send(mail).await,
            Self::Console(print) => match print(mail) {
                Ok(()) => Ok(format!("console-{}", mail.id)),
                Err(_) => Err(Refusal { code: "console".to_owned(), is_permanent: false }),
            },
        }
    }

    /// Checks whether an email would be accepted now, without sending one.
    ///
    /// # Errors
    /// [`Error::Internal`] with the reason, for the log.
    pub async fn probe(&self) -> Result<(), Error> {
        match self {
            Self::Ses(ses) => ses.probe().await,
            Self::Smtp(smtp) => smtp.probe().await,
            Self::Console(_) => Ok(()),
        }
    }
}
