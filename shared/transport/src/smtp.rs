//! A mail server (RFC 5321), by `lettre`.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::response::Category;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use user_core::config::{Config, SmtpTls};
use user_core::error::Error;

use crate::{Mail, Refusal};

/// The most that one command of the conversation may take.
const COMMAND: Duration = Duration::from_secs(5);
/// The most that a whole conversation may take.
const CONVERSATION: Duration = Duration::from_secs(15);

/// A mail server with our sender. Each mail is a conversation of its own: between two of them a function may be frozen for long.
#[derive(Clone)]
pub struct Smtp {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        type Server = AsyncSmtpTransport<Tokio1Executor>;
        let host = config.smtp_host.as_str();
        let server = match config.smtp_tls {
            SmtpTls::Starttls => Server::starttls_relay(host).map_err(Error::internal)?,
            SmtpTls::Implicit => Server::relay(host).map_err(Error::internal)?,
            SmtpTls::None => Server::builder_dangerous(host),
        };
        let mut server = server.port(config.smtp_port).timeout(Some(COMMAND));
        if !config.smtp_user.is_empty() {
            server = server.credentials(Credentials::new(config.smtp_user.clone(), config.smtp_password.0.clone()));
        }
        let address = config.emails_from_email.mailbox().as_str().parse().map_err(Error::internal)?;
        Ok(Self { server: server.build(), from: Mailbox::new(Some(config.emails_from_name.clone()), address) })
    }

    pub(crate) async fn send(&self, mail: &Mail) -> Result<String, Refusal> {
        let (id, message) =
            self.message(mail).map_err(|_| Refusal { code: "smtp-message".to_owned(), is_permanent: true })?;
        match tokio::time::timeout(CONVERSATION, self.server.send(message)).await {
            Ok(Ok(_)) => Ok(id),
            Ok(Err(error)) => {
                Err(Refusal { code: code(&error), is_permanent: error.is_permanent() && !is_about_us(&error) })
            }
            Err(_) => Err(Refusal { code: "smtp-timeout".to_owned(), is_permanent: false }),
        }
    }

    /// The message and its identifier, which is the letter's: should it be sent twice, its reader's program knows it as one.
    fn message(&self, mail: &Mail) -> Result<(String, Message), Error> {
        let to: Address = mail.to.mailbox().as_str().parse().map_err(Error::internal)?;
        let id = format!("<{}@{}>", mail.id, self.from.email.domain());
        // Read out of the header, an address in quotes would not be the one that was written.
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

    /// The server greets us, takes our name and password, and answers.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        match self.server.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::internal("the mail server does not answer NOOP")),
            Err(error) => Err(Error::internal(code(&error))),
        }
    }
}

/// Whether the server objects to how we sign in (RFC 4954, 6): an operator can mend that.
fn is_about_us(error: &SmtpError) -> bool {
    error.status().is_some_and(|status| status.category == Category::Unspecified3)
}

/// What went wrong, without the server's words.
fn code(error: &SmtpError) -> String {
    match error.status() {
        Some(status) => format!("smtp-{status}"),
        None if error.is_timeout() => "smtp-timeout".to_owned(),
        None if error.is_tls() => "smtp-tls".to_owned(),
        None => "smtp-connection".to_owned(),
    }
}
