//! The configuration: environment variables, read once at start. `template.yaml` gives each its value.

mod choice;
mod edge;
mod together;
mod web;

use std::fmt;
use std::str::FromStr;

use crate::email::Email;
use crate::password::Policy;
use crate::user::check_line;

pub use choice::{
    BreachCheck, Enumeration, Environment, Hidden, JwtAlgorithm, LogFormat, MailBackend, MetricsDetail, SmtpTls,
};
pub use edge::EdgeSecrets;
use web::{hosts, origins, url};

/// The most bytes of a name in the header of a message: in encoded words (RFC 2047) and with an address it stays below the 998 of a
/// line (RFC 5322, 2.1.1).
const NAME_MAX_BYTES: usize = 128;

/// One field a variable: the variable's name is the field's in capitals, its value is read by the function behind `=`.
macro_rules! variables {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $read:expr,)+) => {
        /// Everything the functions can be told from outside.
        #[derive(Debug, Clone)]
        pub struct Config {
            $($(#[$doc])* pub $field: $type,)+
        }

        impl Config {
            /// The names of all variables.
            #[must_use]
            pub fn names() -> Vec<String> {
                vec![$(stringify!($field).to_uppercase()),+]
            }

            /// Reads variables by way of `lookup`.
            ///
            /// # Errors
            /// All missing and malformed variables at once.
            pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
                let mut wrong = Vec::new();
                $(let $field: Option<$type> = one(&lookup, &stringify!($field).to_uppercase(), $read, &mut wrong);)+
                wrong.extend(together::contradictions(&lookup));
                let config = (|| Some(Self { $($field: $field?,)+ }))();
                config.filter(|_| wrong.is_empty()).ok_or(ConfigError(wrong))
            }
        }
    };
}

variables! {
    /// The shop's name, in emails and answers.
    project_name: String = name,
    /// The version that `/health` tells.
    api_version: String = text,
    /// Where the service runs.
    environment: Environment = parsed,
    /// The stack's name, which its metrics carry.
    stack_name: String = text,
    /// Which metrics leave, and with which labels.
    metrics_detail: MetricsDetail = parsed,
    /// A filter such as `info` or `user_core=debug,info`.
    log_level: String = text,
    /// How a log line looks.
    log_format: LogFormat = parsed,
    /// Origins of browsers' applications; the gateway answers by them, and a start checks them.
    cors_origins: Vec<String> = origins,
    /// Hosts that requests may name, in lower case: exact, `*.example.com`, or `*` for all.
    allowed_hosts: Vec<String> = hosts,
    /// By which secrets the edge in front of the gateway is known, whose word for a caller's address is taken; see `http/edge.rs`.
    edge_secret_sha256: EdgeSecrets = edge::secrets,
    /// Calls a minute, of a user or a source address.
    rate_limit: u64 = between(1, 1_000_000_000),
    /// Calls a minute that take a password or send mail, of a source; ten times as many sign-ins of an account.
    rate_limit_auth: u64 = between(1, 1_000_000_000),
    /// Calls a minute on other users' records, of a user.
    rate_limit_admin: u64 = between(1, 1_000_000_000),
    /// How the next signing key signs access tokens.
    jwt_algorithm: JwtAlgorithm = parsed,
    /// How long others may keep the public keys, in seconds; a new key waits as long before it signs.
    jwks_cache_seconds: i64 = between(1, 86_400),
    /// The `iss` claim of every token.
    jwt_issuer: String = text,
    /// The `aud` claim of access tokens: this API, for which they are.
    jwt_audience: String = text,
    /// How long an access token is good, in minutes.
    jwt_access_token_expire_minutes: i64 = between(1, 1_440),
    /// How long a refresh token is good, in days.
    jwt_refresh_token_expire_days: i64 = between(1, 400),
    /// How many days after its sign-in a session ends, whatever is refreshed; no refresh token outlives it, however many days one lasts.
    session_max_days: i64 = between(1, 400),
    /// For how many seconds a used refresh token still gets its successor.
    refresh_reuse_grace_seconds: i64 = between(0, 300),
    /// What sign-up says of an address that is taken.
    signup_enumeration: Enumeration = parsed,
    /// How long a failed sign-in takes at least, in milliseconds: so that imported hashes, which take their own time, are not told apart.
    failed_sign_in_min_ms: u64 = between(0, 10_000),
    /// Whether new users have to prove their address.
    email_verification_enabled: bool = parsed,
    /// After how many seconds a user that did not is gone.
    unverified_user_ttl_seconds: i64 = between(1, 31_536_000),
    /// What sends the letters.
    mail_backend: MailBackend = parsed,
    /// The configuration set that letters are sent with by SES, which reports bounces and complaints.
    ses_configuration_set: String = text,
    /// The mail server that takes letters; empty without one.
    smtp_host: String = any,
    /// Its port.
    smtp_port: u16 = between(1, 65_535),
    /// Who signs in there; empty for nobody.
    smtp_user: String = any,
    /// With which password.
    smtp_password: Hidden = hidden,
    /// How the connection is encrypted.
    smtp_tls: SmtpTls = parsed,
    /// The sender's address.
    emails_from_email: Email = email,
    /// The sender's name.
    emails_from_name: String = name,
    /// Where the links in letters lead; without a slash at the end.
    frontend_url: String = url,
    /// Which new passwords are taken.
    password_policy: Policy = parsed,
    /// Whether new passwords are looked for among those of breaches.
    password_breach_check: BreachCheck = parsed,
    /// The service that knows those, without a slash at the end; see `app/breach.rs`.
    password_breach_url: String = url,
    /// The memory of one password hash, in KiB.
    argon2_memory_kib: u32 = between(8, 4_194_304),
    /// The passes of one password hash.
    argon2_iterations: u32 = between(1, 100),
    /// The table of record.
    users_table: String = text,
    /// The table of sessions, which may vanish.
    ephemeral_table: String = text,
    /// The table of letters.
    outbox_table: String = text,
    /// The secret with the signing keys.
    signing_secret_id: String = text,
    /// The secret with the token that lets a collector read `/metrics`.
    metrics_secret_id: String = text,
}

/// What is wrong with the environment: a line for each variable, with its name.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is not usable: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// All missing and malformed variables at once.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Seconds that an access token is good.
    #[must_use]
    pub fn access_token_seconds(&self) -> i64 {
        self.jwt_access_token_expire_minutes * 60
    }

    /// Seconds that a refresh token is good.
    #[must_use]
    pub fn refresh_token_seconds(&self) -> i64 {
        self.jwt_refresh_token_expire_days * 86_400
    }

    /// Seconds from a sign-in to the absolute end of its session.
    #[must_use]
    pub fn session_max_seconds(&self) -> i64 {
        self.session_max_days * 86_400
    }
}

fn one<T>(
    lookup: impl Fn(&str) -> Option<String>,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
    wrong: &mut Vec<String>,
) -> Option<T> {
    let value = lookup(name).ok_or_else(|| "is missing".to_owned());
    value.and_then(|value| read(value.trim())).map_err(|why| wrong.push(format!("{name} {why}"))).ok()
}

fn text(value: &str) -> Result<String, String> {
    if value.is_empty() { Err("is empty".to_owned()) } else { Ok(value.to_owned()) }
}

fn any(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

fn hidden(value: &str) -> Result<Hidden, String> {
    Ok(Hidden(value.to_owned()))
}

fn parsed<T: FromStr<Err: fmt::Display>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|why: T::Err| why.to_string())
}

fn between<T: FromStr + PartialOrd + fmt::Display>(low: T, high: T) -> impl FnOnce(&str) -> Result<T, String> {
    move |value| match value.parse() {
        Ok(number) if number >= low && number <= high => Ok(number),
        _ => Err(format!("is no number from {low} to {high}")),
    }
}

fn list(value: &str) -> Result<Vec<String>, String> {
    let entries: Vec<_> =
        value.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect();
    if entries.is_empty() { Err("is empty".to_owned()) } else { Ok(entries) }
}

fn email(value: &str) -> Result<Email, String> {
    Email::parse(value).map_err(|refusal| format!("is no address to send from: {}", refusal.detail))
}

/// A name as a header of a message holds it.
fn name(value: &str) -> Result<String, String> {
    check_line(value).map_err(|refusal| format!("is no line of text: {}", refusal.detail))?;
    if value.len() > NAME_MAX_BYTES {
        return Err(format!("is longer than {NAME_MAX_BYTES} bytes"));
    }
    text(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_variable_is_named_at_once() {
        let ConfigError(wrong) = Config::read(|_| None).unwrap_err();
        let expected: Vec<_> = Config::names().iter().map(|name| format!("{name} is missing")).collect();
        assert_eq!(wrong, expected);
    }

    #[test]
    fn malformed_values_say_what_would_be_right() {
        assert_eq!(between(1, 5)("6"), Err("is no number from 1 to 5".to_owned()));
        assert_eq!(parsed::<Policy>("weak"), Err("is none of classes, length, either".to_owned()));
        assert_eq!(parsed::<MailBackend>("smoke"), Err("is none of ses, smtp, console".to_owned()));
    }

    #[test]
    fn a_name_is_a_line_that_a_header_can_hold() {
        let is = |value: &str, words: &str| name(value).is_err_and(|why| why.contains(words));
        assert_eq!(name("B\u{e4}ckerei \"Zum L\u{f6}wen\""), Ok("B\u{e4}ckerei \"Zum L\u{f6}wen\"".to_owned()));
        assert!(is("", "is empty"));
        for broken in ["Shop\r\nBcc: eve@example.com", "Shop\u{0}", "Shop\t1", "Shop\u{85}"] {
            assert!(is(broken, "control characters"), "{broken:?}");
        }
        assert!(is("Shop\u{2028}", "line and paragraph separators") && is("\u{202e}pohS", "direction of writing"));
        assert!(name(&"\u{e4}".repeat(64)).is_ok() && is(&"\u{e4}".repeat(65), "longer than 128 bytes"));
    }

    #[test]
    fn a_sender_is_an_address_that_mail_can_come_from() {
        assert!(
            email("Shop <no-reply@example.com>").is_err_and(|why| why.starts_with("is no address to send from: an"))
        );
        assert!(email("zo\u{eb}@example.com").is_err_and(|why| why.contains("ASCII alone before the @")));
        assert!(email("no-reply@b\u{fc}cher.example").is_ok());
    }
}
