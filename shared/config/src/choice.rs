//! Settings that are one of a few words, and values that are secret.

use std::fmt;
use std::str::FromStr;

/// `ENVIRONMENT`: where the service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Environment {
    Development,
    Staging,
    Production,
}

/// `LOG_FORMAT`: one JSON object a line, or text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogFormat {
    Json,
    Plain,
}

/// `METRICS_DETAIL`: which metrics are emitted, and with which labels; `CloudWatch` charges for each combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsDetail {
    /// What the dashboard and the alarms need: 30 combinations at most.
    Essential,
    /// All metrics with all their labels (route, table and so on), and in addition the essential combinations.
    Full,
}

/// `SIGNUP_ENUMERATION`: whether sign-up reveals that an address is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enumeration {
    /// The answer for a taken address is 409.
    Reveal,
    /// The answer is that for a free address, in the same time; the owner gets an email.
    Private,
}

/// `PASSWORD_BREACH_CHECK`: whether new passwords are checked against those of known breaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreachCheck {
    /// No check.
    Off,
    /// A check by the range API of Have I Been Pwned, which learns five digits of a hash.
    Range,
}

/// `MAIL_BACKEND`: the backend that sends emails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailBackend {
    /// Amazon SES, API version 2.
    Ses,
    /// An SMTP server.
    Smtp,
    /// Emails are printed, links included; for development only.
    Console,
}

/// `SMTP_TLS`: how the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// By `STARTTLS`, which the server must offer (RFC 3207).
    Starttls,
    /// From its first byte on (RFC 8314, 3.3).
    Implicit,
    /// Not at all: for a server on the same machine.
    None,
}

/// A value of a secret, which no log and no error shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

macro_rules! words {
    ($type:ty, $($word:literal => $value:expr),+) => {
        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err(format!("is none of {}", [$($word),+].join(", "))),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str([$(($word, $value)),+].iter().find(|(_, value)| value == self).map_or("", |(word, _)| word))
            }
        }
    };
}
words!(Environment, "development" => Self::Development, "staging" => Self::Staging, "production" => Self::Production);
words!(LogFormat, "json" => Self::Json, "plain" => Self::Plain);
words!(MetricsDetail, "essential" => Self::Essential, "full" => Self::Full);
words!(Enumeration, "reveal" => Self::Reveal, "private" => Self::Private);
words!(BreachCheck, "off" => Self::Off, "range" => Self::Range);
words!(MailBackend, "ses" => Self::Ses, "smtp" => Self::Smtp, "console" => Self::Console);
words!(SmtpTls, "starttls" => Self::Starttls, "implicit" => Self::Implicit, "none" => Self::None);
