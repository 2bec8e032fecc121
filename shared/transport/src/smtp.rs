//! An SMTP server (RFC 5321), by `lettre`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::response::Category;
use lettre::transport::smtp::{AsyncSmtpTransportBuilder as ServerBuilder, Error as SmtpError};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use user_config::{Config, Hidden, SmtpTls};
use user_core::error::Error;
use user_store::Store;

use crate::{Mail, Refusal};

/// The timeout of one command of the conversation.
const COMMAND: Duration = Duration::from_secs(5);
/// The timeout of a whole conversation.
const CONVERSATION: Duration = Duration::from_secs(15);

type Server = AsyncSmtpTransport<Tokio1Executor>;

/// The password of the mail server, as last read from its secret.
#[derive(Clone)]
pub struct Password {
    store: Store,
    known: Arc<Mutex<Hidden>>,
}

impl Password {
    /// A password that was read from this store before.
    #[must_use]
    pub fn new(store: Store, known: Hidden) -> Self {
        Self { store, known: Arc::new(Mutex::new(known)) }
    }

    fn known(&self) -> Hidden {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the secret again; returns whether the password differs from `refused`.
    async fn renew(&self, refused: &Hidden) -> bool {
        match self.store.read_mail_password().await {
            Ok(password) => {
                let is_new = password != *refused;
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = password;
                is_new
            }
            Err(error) => {
                tracing::error!(error.cause = %error, "the mail server refused the password");
                false
            }
        }
    }
}

/// A mail server with our sender. Each mail has a connection of its own, since a function may be frozen for long between two of them.
#[derive(Clone)]
pub struct Smtp {
    server: ServerBuilder,
    user: String,
    password: Password,
    from: Mailbox,
}

impl Smtp {
    pub(crate) fn new(config: &Config, password: Password) -> Result<Self, Error> {
        let host = config.smtp_host.as_str();
        let server = match config.smtp_tls {
            SmtpTls::Starttls => Server::starttls_relay(host).map_err(Error::internal)?,
            SmtpTls::Implicit => Server::relay(host).map_err(Error::internal)?,
            SmtpTls::None => Server::builder_dangerous(host),
        };
        let server = server.port(config.smtp_port).timeout(Some(COMMAND));
        let address = config.emails_from_email.mailbox().as_str().parse().map_err(Error::internal)?;
        let from = Mailbox::new(Some(config.emails_from_name.clone()), address);
        Ok(Self { server, user: config.smtp_user.clone(), password, from })
    }

    pub(crate) async fn send(&self, mail: &Mail) -> Result<String, Refusal> {
        let (id, message) =
            self.message(mail).map_err(|_| Refusal { code: "smtp-message".to_owned(), is_permanent: true })?;
        let password = self.password.known();
        let sent = async {
            match self.open(&password).send(message.clone()).await {
                Err(error) if self.is_renewed(&error, &password).await => {
                    self.open(&self.password.known()).send(message).await
                }
                outcome => outcome,
            }
        };
        match tokio::time::timeout(CONVERSATION, sent).await {
            Ok(Ok(_)) => Ok(id),
            Ok(Err(error)) => {
                Err(Refusal { code: code(&error), is_permanent: error.is_permanent() && !is_about_us(&error) })
            }
            Err(_) => Err(Refusal { code: "smtp-timeout".to_owned(), is_permanent: false }),
        }
    }

    /// Whether the server refused the password, and it has changed since it was read.
    async fn is_renewed(&self, error: &SmtpError, refused: &Hidden) -> bool {
        is_about_us(error) && !self.user.is_empty() && self.password.renew(refused).await
    }

    fn open(&self, password: &Hidden) -> Server {
        let credentials = || Credentials::new(self.user.clone(), password.0.clone());
        let server = self.server.clone();
        if self.user.is_empty() { server.build() } else { server.credentials(credentials()).build() }
    }

    /// The email and its `Message-ID`, which contains the outbox message's identifier, so that receivers recognise an email sent twice.
    fn message(&self, mail: &Mail) -> Result<(String, Message), Error> {
        let to: Address = mail.to.mailbox().as_str().parse().map_err(Error::internal)?;
        let id = format!("<{}@{}>", mail.id, self.from.email.domain());
        // Taken from the header, a quoted address would differ from the one that was written.
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()]).map_err(Error::internal)?;
        let message = Message::builder()
            .envelope(envelope)
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&mail.subject)
            .message_id(Some(id.clone()))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(Error::internal)?;
        Ok((id, message))
    }

    /// Checks that the server greets us, accepts our user name and password, and answers.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        let password = self.password.known();
        let answer = match self.open(&password).test_connection().await {
            Err(error) if self.is_renewed(&error, &password).await => {
                self.open(&self.password.known()).test_connection().await
            }
            outcome => outcome,
        };
        match answer {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::internal("the mail server does not answer NOOP")),
            Err(error) => Err(Error::internal(code(&error))),
        }
    }
}

/// Whether the server objects to our authentication (RFC 4954, 6), which an operator can correct.
fn is_about_us(error: &SmtpError) -> bool {
    error.status().is_some_and(|status| status.category == Category::Unspecified3)
}

/// A code for the error, without the server's message.
fn code(error: &SmtpError) -> String {
    match error.status() {
        Some(status) => format!("smtp-{status}"),
        None if error.is_timeout() => "smtp-timeout".to_owned(),
        None if error.is_tls() => "smtp-tls".to_owned(),
        None => "smtp-connection".to_owned(),
    }
}
