//! `transport`: what sends emails. The mailer sends by it; health asks whether it could.
//!
//! - [`Mail`]: an email as it is sent.
//! - [`ses`]: Amazon SES, API version 2.
//! - [`smtp`]: a mail server.

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
    /// The link that the text shows; empty when it shows none.
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

/// What a person at a terminal needs of it.
impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail to {} | {} | {}", self.to.as_str(), self.subject, self.link())
    }
}

/// Why a mail was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A code such as `smtp-550` or `ses-TooManyRequestsException`. The service's own words may name the address; this does not.
    pub code: String,
    /// Whether the same mail will always be refused.
    pub is_permanent: bool,
}

/// Takes a mail on a developer's machine.
pub type Printer = Arc<dyn Fn(&Mail) -> io::Result<()> + Send + Sync>;

/// `MAIL_BACKEND`.
#[derive(Clone)]
pub enum Transport {
    /// Amazon SES.
    Ses(ses::Ses),
    /// A mail server.
    Smtp(Box<smtp::Smtp>),
    /// Whatever the machine does with it.
    Console(Printer),
}

impl Transport {
    /// The transport that the configuration names; `sdk` leads to SES, `password` opens the mail server, `printer` takes mails for the
    /// console.
    ///
    /// # Errors
    /// [`Error::Internal`] when the mail server's name cannot be one.
    pub fn new(config: &Config, sdk: &SdkConfig, password: smtp::Password, printer: Printer) -> Result<Self, Error> {
        Ok(match config.mail_backend {
            MailBackend::Ses => Self::Ses(ses::Ses::new(config, sdk)),
            MailBackend::Smtp => Self::Smtp(Box::new(smtp::Smtp::new(config, password)?)),
            MailBackend::Console => Self::Console(printer),
        })
    }

    /// Hands the mail over; returns the receiver's name for it.
    ///
    /// # Errors
    /// Why it was refused.
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

    /// Asks whether a mail would be accepted now, without sending one.
    ///
    /// # Errors
    /// [`Error::Internal`] with what is wrong, for the log.
    pub async fn probe(&self) -> Result<(), Error> {
        match self {
            Self::Ses(ses) => ses.probe().await,
            Self::Smtp(smtp) => smtp.probe().await,
            Self::Console(_) => Ok(()),
        }
    }
}
