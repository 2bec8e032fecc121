//! Breached passwords, by the range API of Have I Been Pwned (<https://haveibeenpwned.com/API/v3#PwnedPasswords>). It receives the first
//! five of the forty hexadecimal digits of the password's SHA-1, and answers with the remaining digits of all hashes that it knows
//! (k-anonymity). The rows that it adds to hide the length of the answer have the count 0.

use std::time::Duration;

use ::http::{Request, StatusCode, header};
use aws_smithy_types::body::SdkBody;
use https::Https;
use user_config::{BreachCheck, Config};
use user_core::error::Cause;
use user_core::password::Password;
use user_telemetry::metric;

/// The timeout of a whole check.
const PATIENCE: Duration = Duration::from_secs(1);
/// The largest answer, in bytes. A usual one has some two thousand rows of forty bytes.
const MOST_BYTES: usize = 1 << 20;
/// The digits that leave the service.
const PREFIX: usize = 5;

/// The service that knows breached passwords.
pub(super) struct Breaches {
    https: Https,
    url: String,
}

impl Breaches {
    /// The configured service, if any.
    pub(super) fn configured(config: &Config) -> Option<Self> {
        let breaches = || Self { https: Https::new(PATIENCE), url: config.password_breach_url.clone() };
        (config.password_breach_check == BreachCheck::Range).then(breaches)
    }

    /// Whether the password is known to be breached. If there is no answer within a second, the result is false, and a metric counts it.
    pub(super) async fn hold(&self, password: &Password) -> bool {
        let known = match tokio::time::timeout(PATIENCE, self.ask(password.sha1().as_ref())).await {
            Ok(known) => known,
            Err(late) => Err(late.into()),
        };
        let outcome = match &known {
            Ok(true) => "found",
            Ok(false) => "absent",
            Err(_) => "failed",
        };
        metric::BREACH_CHECKS.add(&[outcome], 1);
        known.unwrap_or_else(|cause| {
            tracing::warn!(error.cause = %cause, "a new password was taken without a look into those of breaches");
            false
        })
    }

    async fn ask(&self, hash: &[u8]) -> Result<bool, Cause> {
        let digits: String = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        let (prefix, rest) = digits.split_at_checked(PREFIX).ok_or("a hash is too short")?;
        let request = Request::get(format!("{}/range/{prefix}", self.url))
            .header("add-padding", "true")
            .header(header::USER_AGENT, "user-management")
            .body(SdkBody::empty())?;
        let answer = self.https.send(request, MOST_BYTES).await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("the answer is {}", answer.status()).into());
        }
        let rows = std::str::from_utf8(answer.body())?.lines();
        let counts: Vec<u64> = rows.map(|row| count(row, rest)).collect::<Result<_, _>>()?;
        if counts.is_empty() { Err("the answer is empty".into()) } else { Ok(counts.iter().any(|count| *count > 0)) }
    }
}

/// How often, according to a row, the hash with these remaining digits was seen.
fn count(row: &str, rest: &str) -> Result<u64, Cause> {
    let (suffix, count) = row.split_once(':').ok_or("a row has no count")?;
    let count = count.trim().parse()?;
    if suffix.len() != rest.len() {
        return Err("a row holds no rest of a hash".into());
    }
    Ok(if suffix.eq_ignore_ascii_case(rest) { count } else { 0 })
}
