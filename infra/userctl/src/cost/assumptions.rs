//! What is not measured: how long functions take, how much they log, and what users do in a month.

use clap::Args;

/// How long a function's own code runs in a call, in milliseconds.
pub const OWN_MS: f64 = 5.0;
/// How long a round trip to the database in the same region takes, in milliseconds.
pub const TRIP_MS: f64 = 6.0;
/// How long an argon2id hash with the template's parameters takes on the one processor that `auth` has, in milliseconds.
pub const HASH_MS: f64 = 40.0;
/// How long SES takes to accept an email, in milliseconds.
pub const SEND_MS: f64 = 60.0;
/// How long `CloudWatch` takes to answer for `/metrics`, in milliseconds.
pub const SCRAPE_MS: f64 = 500.0;
/// The percentage of calls that start a new instance.
pub const COLD_PERCENT: f64 = 1.0;
/// How long an instance takes to start, in milliseconds.
pub const COLD_MS: f64 = 250.0;

/// How many bytes an invocation of a function logs: the line of the request with its metrics, and its share of the lines of security
/// events. A test measures it.
pub const LOG_BYTES: f64 = 450.0;
/// How many bytes a call adds to the gateway's access log.
pub const ACCESS_BYTES: f64 = 180.0;
/// Stored bytes for each byte that was logged; logs are kept for a month.
pub const LOG_KEPT: f64 = 0.15;
/// Essential series of our own metrics that have a value in most hours; they are charged by the hour.
pub const SERIES: f64 = 16.0;
/// Series that have a value without any call: the cleanup's, and started instances.
pub const IDLE_SERIES: f64 = 4.0;
/// Metrics that one scrape of `/metrics` requests.
pub const ASKED_FOR: f64 = SERIES;
/// Metrics that the stack's alarms read; a test counts them.
pub const ALARM_METRICS: f64 = 51.0;

/// The size of a user in the tables and their indexes, with login, session, emails and events, in kilobytes.
pub const USER_KB: f64 = 4.0;
/// Instances that run for the whole month; each reads the secret every five minutes.
pub const INSTANCES: f64 = 5.0;

/// The hours of a month.
pub const HOURS: f64 = 730.0;

/// The assumptions in sentences.
#[must_use]
pub fn sentences() -> Vec<String> {
    vec![
        format!(
            "A call takes a function {OWN_MS} ms, and {TRIP_MS} ms more for each trip to the database; a password hash takes \
             {HASH_MS} ms on a whole processor, an email {SEND_MS} ms at SES, a look at all metrics {SCRAPE_MS} ms. \
             {COLD_PERCENT} % of all calls start an instance, which takes {COLD_MS} ms."
        ),
        format!(
            "A call leaves {LOG_BYTES} bytes in its function's log and {ACCESS_BYTES} in the gateway's access log; kept for a \
             month they are {:.0} % of that.",
            LOG_KEPT * 100.0
        ),
        format!(
            "With `METRICS_DETAIL=essential`, {SERIES} series of metrics get values in most hours, {IDLE_SERIES} of them \
             without any call; one look of `/metrics` asks for {ASKED_FOR}. The alarms look at {ALARM_METRICS}; a stack without \
             `OperatorEmail` has none."
        ),
        format!(
            "A user takes {USER_KB} KB. {INSTANCES} instances are there all month, which has {HOURS} hours; each reads the \
             secret every five minutes."
        ),
        "Nothing is taken off for free tiers but Cognito's, and the first three dashboards of an account, of which this is \
         one: both are a part of the price. Not in it: data that leaves AWS, KMS, streams, what fails and what is tried again, Cognito's emails."
            .to_owned(),
    ]
}

/// What users do in a month.
#[derive(Debug, Clone, Copy, PartialEq, Args)]
pub struct Behaviour {
    /// Users of a month
    #[arg(long, value_name = "N", value_parser = amount, default_value_t = USUAL.users)]
    pub users: f64,
    /// Sign-ups for each user and month
    #[arg(long, value_name = "N", value_parser = amount, default_value_t = USUAL.sign_ups)]
    pub sign_ups: f64,
    /// Of a hundred sign-ups, those that never prove their address
    #[arg(long, value_name = "PERCENT", value_parser = amount, default_value_t = USUAL.abandoned)]
    pub abandoned: f64,
    /// Logins for each user and month
    #[arg(long, value_name = "N", value_parser = amount, default_value_t = USUAL.logins)]
    pub logins: f64,
    /// Refreshes of tokens for each user and month
    #[arg(long, value_name = "N", value_parser = amount, default_value_t = USUAL.refreshes)]
    pub refreshes: f64,
    /// Calls that read the own record, for each user and month
    #[arg(long, value_name = "N", value_parser = amount, default_value_t = USUAL.reads)]
    pub reads: f64,
    /// Calls that change the own record, for each user and month
    #[arg(long, value_name = "N", value_parser = amount, default_value_t = USUAL.changes)]
    pub changes: f64,
    /// Forgotten passwords for each user and month
    #[arg(long, value_name = "N", value_parser = amount, default_value_t = USUAL.resets)]
    pub resets: f64,
    /// Looks of Prometheus at /metrics in a month; every five minutes are 8760
    #[arg(long, value_name = "N", value_parser = amount, default_value_t = USUAL.scrapes)]
    pub scrapes: f64,
}

/// The default behaviour.
pub const USUAL: Behaviour = Behaviour {
    users: 100_000.0,
    sign_ups: 0.1,
    abandoned: 20.0,
    logins: 4.0,
    refreshes: 60.0,
    reads: 60.0,
    changes: 0.2,
    resets: 0.1,
    scrapes: 0.0,
};

impl Behaviour {
    /// The calls of a month by all users, by route.
    #[must_use]
    pub fn calls(&self) -> [(&'static str, f64); 9] {
        let proven = self.sign_ups * (1.0 - self.abandoned / 100.0);
        [
            ("POST /api/v1/auth/signup", self.users * self.sign_ups),
            ("POST /api/v1/auth/verify", self.users * proven),
            ("POST /api/v1/auth/login", self.users * self.logins),
            ("POST /api/v1/auth/refresh", self.users * self.refreshes),
            ("GET /api/v1/users/me", self.users * self.reads),
            ("PATCH /api/v1/users/me", self.users * self.changes),
            ("POST /api/v1/auth/forgot-password", self.users * self.resets),
            ("POST /api/v1/auth/reset-password", self.users * self.resets),
            ("GET /metrics", self.scrapes),
        ]
    }

    /// The users of a month that cleanup removes.
    #[must_use]
    pub fn removed(&self) -> f64 {
        self.users * self.sign_ups * self.abandoned / 100.0
    }
}

fn amount(text: &str) -> Result<f64, String> {
    let amount = text.parse().ok().filter(|amount: &f64| amount.is_finite() && *amount >= 0.0);
    amount.ok_or_else(|| "a number is needed that is not below zero".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::budget::{ROUTES, find};

    #[test]
    fn every_call_of_a_month_has_a_row() {
        for (route, _) in USUAL.calls() {
            assert!(find(ROUTES, route).is_some(), "{route}");
        }
    }

    #[test]
    fn an_amount_is_a_number_from_zero_on() {
        assert_eq!(amount("0.5"), Ok(0.5));
        for wrong in ["-1", "nan", "inf", "many"] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
    }
}
