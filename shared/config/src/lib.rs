//! The configuration: environment variables, read once at start. The values of a stack come from `template.yaml`. The values of the
//! release are defined here, so that they change with the code; a variable of these has a text only if the stack overrides it.

mod choice;
mod edge;
mod filter;
mod read;
mod together;
mod web;

use std::collections::BTreeMap;
use std::fmt;

use tracing_subscriber::filter::Targets;
use user_core::email::Email;
use user_core::password::Policy;
use user_core::signing::JwtAlgorithm;
use user_core::token::TokenSettings;
use user_core::user::REVERT_SECONDS;

pub use choice::{BreachCheck, Enumeration, Environment, Hidden, LogFormat, MailBackend, MetricsDetail, SmtpTls};
pub use edge::EdgeSecrets;
use filter::filter;
use read::{any, between, email, name, parsed, text};
use web::{hosts, origins, url};

/// Declares one field for each variable. The variable's name is the field's name in capitals, and the function behind `=` reads its value.
/// The literal behind `=>` is the release's value, which an empty variable means.
macro_rules! variables {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $read:expr $(=> $release:literal)?,)+) => {
        /// All settings of the functions.
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

            /// The values that belong to the release, by the names of the variables.
            #[must_use]
            pub fn release() -> BTreeMap<String, &'static str> {
                BTreeMap::from([$($((stringify!($field).to_uppercase(), $release),)?)+])
            }

            fn read_over(
                release: &BTreeMap<String, &str>,
                lookup: impl Fn(&str) -> Option<String>,
            ) -> Result<Self, ConfigError> {
                let mut wrong = Vec::new();
                let lookup = |name: &str| {
                    let given = lookup(name)?;
                    Some(release.get(name).filter(|_| given.trim().is_empty()).map_or(given, |value| (*value).to_owned()))
                };
                $(let $field: Option<$type> = one(&lookup, &stringify!($field).to_uppercase(), $read, &mut wrong);)+
                wrong.extend(together::contradictions(&lookup));
                let config = (|| Some(Self { $($field: $field?,)+ }))();
                config.filter(|_| wrong.is_empty()).ok_or(ConfigError(wrong))
            }
        }
    };
}

variables! {
    /// The project's name, in emails and answers.
    project_name: String = name,
    /// Where the service runs.
    environment: Environment = parsed,
    /// The stack's name, which its metrics carry.
    stack_name: String = text,
    /// Which metrics are emitted, and with which labels.
    metrics_detail: MetricsDetail = parsed,
    /// A filter such as `info` or `user_store=debug,info`.
    log_level: Targets = filter,
    /// The format of log lines.
    log_format: LogFormat = parsed,
    /// The origins of browser applications (CORS). The gateway uses them; a function only validates them at start.
    cors_origins: Vec<String> = origins,
    /// Hosts that requests may name, in lower case: exact, `*.example.com`, or `*` for all.
    allowed_hosts: Vec<String> = hosts,
    /// The secrets that identify the edge in front of the gateway, whose header with the caller's address is trusted; see `user_web::edge`.
    edge_secret_sha256: EdgeSecrets = edge::secrets,
    /// Calls per minute, by a user or from a source address.
    rate_limit: u64 = between(1, 1_000_000_000) => "100",
    /// Calls per minute that take a password or send mail, from a source; ten times as many sign-ins of an account.
    rate_limit_auth: u64 = between(1, 1_000_000_000) => "5",
    /// Calls per minute on other users' records, by a user.
    rate_limit_admin: u64 = between(1, 1_000_000_000) => "30",
    /// The algorithm with which the next signing key signs access tokens.
    jwt_algorithm: JwtAlgorithm = parsed,
    /// How long others may cache the public keys, in seconds. A new key does not sign before that time is over.
    jwks_cache_seconds: i64 = between(1, 86_400) => "7200",
    /// The `iss` claim of every token.
    jwt_issuer: String = text,
    /// The `aud` claim of access tokens, which stands for this API.
    jwt_audience: String = text,
    /// How long an access token is valid, in minutes.
    jwt_access_token_expire_minutes: i64 = between(1, 1_440) => "30",
    /// How long a refresh token is valid, in days.
    jwt_refresh_token_expire_days: i64 = between(1, 400) => "7",
    /// The absolute life of a session, in days from its sign-in. Refreshing does not extend it, and no refresh token outlives it.
    session_max_days: i64 = between(1, 400) => "90",
    /// For how many seconds a used refresh token still returns its successor.
    refresh_reuse_grace_seconds: i64 = between(0, 300) => "10",
    /// Whether sign-up reveals that an address is taken.
    signup_enumeration: Enumeration = parsed,
    /// The shortest time that a failed sign-in takes, in milliseconds, so that imported hashes cannot be told apart by their own times.
    failed_sign_in_min_ms: u64 = between(0, 10_000) => "0",
    /// Whether new users have to verify their address.
    email_verification_enabled: bool = parsed,
    /// After how many seconds a user who has not verified the address expires.
    unverified_user_ttl_seconds: i64 = between(1, 31_536_000) => "172800",
    /// The backend that sends emails.
    mail_backend: MailBackend = parsed,
    /// The configuration set that SES sends emails with, which reports bounces and complaints.
    ses_configuration_set: String = text,
    /// The host of the SMTP server; empty without one.
    smtp_host: String = any,
    /// The port of the SMTP server.
    smtp_port: u16 = between(1, 65_535),
    /// The user name for the SMTP server; empty to send without authentication.
    smtp_user: String = any,
    /// The identifier of the secret that holds the SMTP password; empty without one.
    smtp_secret_id: String = any,
    /// How the connection to the SMTP server is encrypted.
    smtp_tls: SmtpTls = parsed,
    /// The sender's address.
    emails_from_email: Email = email,
    /// The sender's name.
    emails_from_name: String = name,
    /// The base URL of the links in emails, without a trailing slash.
    frontend_url: String = url,
    /// Which new passwords are accepted.
    password_policy: Policy = parsed => "either",
    /// Whether new passwords are checked against those of known breaches.
    password_breach_check: BreachCheck = parsed,
    /// The base URL of the service for that check, without a trailing slash; see `user_app::breach`.
    password_breach_url: String = url => "https://api.pwnedpasswords.com",
    /// The memory of one password hash, in KiB.
    argon2_memory_kib: u32 = between(8, 4_194_304) => "19456",
    /// The number of passes of one password hash.
    argon2_iterations: u32 = between(1, 100) => "2",
    /// The table of record.
    users_table: String = text,
    /// The ephemeral table: sessions and counters, which may be lost.
    ephemeral_table: String = text,
    /// The table of emails to be sent (the outbox).
    outbox_table: String = text,
    /// The identifier of the secret with the signing keys.
    signing_secret_id: String = text,
    /// The identifier of the secret with what verifying access tokens needs of those keys.
    verification_secret_id: String = text,
    /// The identifier of the secret with the token that lets a collector read `/metrics`.
    metrics_secret_id: String = text,
}

/// All errors of the configuration: one line for each, with the name of the variable.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is not usable: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the variables with `lookup`.
    ///
    /// # Errors
    /// [`ConfigError`] with all missing, malformed and contradictory variables at once.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::read_over(&Self::release(), lookup)
    }

    /// Reads the process's environment.
    ///
    /// # Errors
    /// As [`Config::read`].
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// The identifier of the secret with the SMTP password, if emails are sent by SMTP with a user name.
    #[must_use]
    pub fn mail_secret(&self) -> Option<&str> {
        let signs_in = self.mail_backend == MailBackend::Smtp && !self.smtp_user.is_empty();
        signs_in.then_some(&self.smtp_secret_id)
    }

    /// How long an access token is valid, in seconds.
    #[must_use]
    pub fn access_token_seconds(&self) -> i64 {
        self.jwt_access_token_expire_minutes * 60
    }

    /// How long a refresh token is valid, in seconds.
    #[must_use]
    pub fn refresh_token_seconds(&self) -> i64 {
        self.jwt_refresh_token_expire_days * 86_400
    }

    /// The issuer, the audience and the life of access tokens.
    #[must_use]
    pub fn token_settings(&self) -> TokenSettings {
        let (issuer, audience) = (self.jwt_issuer.clone(), self.jwt_audience.clone());
        TokenSettings { issuer, audience, access_seconds: self.access_token_seconds() }
    }

    /// The longest life of a token of any kind, in seconds. A key that no longer signs is kept for that time.
    #[must_use]
    pub fn longest_token_seconds(&self) -> i64 {
        self.refresh_token_seconds().max(self.unverified_user_ttl_seconds).max(REVERT_SECONDS)
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
    fn a_changed_value_of_the_release_reaches_a_stack_and_what_the_stack_wants_otherwise_stays() {
        let set = "ENVIRONMENT=production METRICS_DETAIL=essential LOG_LEVEL=info LOG_FORMAT=json EDGE_SECRET_SHA256= RATE_LIMIT=7 \
            CORS_ORIGINS=https://shop.example ALLOWED_HOSTS=* \
            JWT_ALGORITHM=ES256 JWT_ISSUER=shop SIGNUP_ENUMERATION=reveal EMAIL_VERIFICATION_ENABLED=true MAIL_BACKEND=ses SMTP_PORT=587 \
            SMTP_TLS=starttls EMAILS_FROM_EMAIL=no-reply@example.com FRONTEND_URL=https://shop.example PASSWORD_BREACH_CHECK=off";
        let stack = |name: &str| {
            let own = set.split_whitespace().filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name);
            let otherwise = if Config::release().contains_key(name) { " " } else { "text" };
            Some(own.map_or(otherwise, |(_, value)| value).to_owned())
        };
        let now = Config::read(stack).unwrap();
        assert_eq!((now.argon2_memory_kib, now.rate_limit), (19_456, 7));
        let mut next = Config::release();
        next.insert("ARGON2_MEMORY_KIB".to_owned(), "65536");
        next.insert("RATE_LIMIT".to_owned(), "200");
        let then = Config::read_over(&next, stack).unwrap();
        assert_eq!((then.argon2_memory_kib, then.rate_limit), (65_536, 7));
        let malformed = |name: &str| if name == "PASSWORD_POLICY" { Some("weak".to_owned()) } else { stack(name) };
        assert_eq!(Config::read(malformed).unwrap_err().0, ["PASSWORD_POLICY is none of classes, length, either"]);
        let absent = |name: &str| stack(name).filter(|_| name != "SESSION_MAX_DAYS");
        assert_eq!(Config::read(absent).unwrap_err().0, ["SESSION_MAX_DAYS is missing"]);
    }
}
