//! Settings that are one word of a few, and those that nobody may see.

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

/// `METRICS_DETAIL`: which metrics leave, and with which labels; `CloudWatch` charges for each combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsDetail {
    /// What the dashboard and the alarms need: 30 combinations at most.
    Essential,
    /// All that is declared, by route, by table and so on, and the essential ones beside it.
    Full,
}

/// `SIGNUP_ENUMERATION`: whether sign-up tells that an address is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enumeration {
    /// It says so: 409.
    Reveal,
    /// It answers as for a free one, in the same time; the owner gets an email.
    Private,
}

/// `PASSWORD_BREACH_CHECK`: whether new passwords are looked for among those of breaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreachCheck {
    /// They are not.
    Off,
    /// The range API of Have I Been Pwned is asked, which learns five digits of a hash.
    Range,
}

/// `MAIL_BACKEND`: what sends emails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailBackend {
    /// Amazon SES, API version 2.
    Ses,
    /// A mail server.
    Smtp,
    /// Printed, links included; for development only.
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
