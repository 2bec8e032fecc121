//! Prices of AWS in us-east-1, in dollars, without free tiers and discounts. They stand only here and in the dashboard, which a test
//! compares with this file.

/// When these prices were last checked. Prices that could not be read from AWS's own pages are the generally known ones. Change this date
/// with every price.
pub const DATE: &str = "2026-11-24";

/// How many users Cognito serves without charge every month, in its plans Lite and Essentials.
pub const COGNITO_FREE: f64 = 10_000.0;

/// A price.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    /// What is paid for.
    pub what: &'static str,
    /// The price of `per` units, in dollars.
    pub dollars: f64,
    /// The number of units that `dollars` pays for.
    pub per: f64,
    /// The page of AWS with the price, below `https://aws.amazon.com/`.
    pub page: &'static str,
}

impl Price {
    /// The dollars for an amount.
    #[must_use]
    pub fn of(&self, amount: f64) -> f64 {
        amount * self.dollars / self.per
    }
}

macro_rules! prices {
    ($($constant:ident = $dollars:literal per $per:literal, $what:literal, $page:literal;)+) => {
        $(#[doc = $what] pub const $constant: Price =
            Price { what: $what, dollars: $dollars, per: $per, page: $page };)+

        /// All prices.
        pub const ALL: &[Price] = &[$($constant),+];
    };
}

prices! {
    REQUESTS = 1.0 per 1_000_000.0, "requests of an HTTP API", "api-gateway/pricing";
    INVOCATIONS = 0.2 per 1_000_000.0, "invocations of functions", "lambda/pricing";
    COMPUTE = 0.0000133334 per 1.0, "GB-seconds of functions on arm64", "lambda/pricing";
    READS = 0.125 per 1_000_000.0, "read units on demand", "dynamodb/pricing/on-demand";
    WRITES = 0.625 per 1_000_000.0, "write units on demand", "dynamodb/pricing/on-demand";
    STORAGE = 0.25 per 1.0, "GB-months of tables and indexes", "dynamodb/pricing/on-demand";
    BACKUP = 0.2 per 1.0, "GB-months of point-in-time recovery", "dynamodb/pricing/on-demand";
    MAILS = 0.1 per 1_000.0, "emails sent", "ses/pricing";
    LOGS = 0.5 per 1.0, "GB of log ingested", "cloudwatch/pricing";
    LOG_STORAGE = 0.03 per 1.0, "GB-months of log, compressed", "cloudwatch/pricing";
    METRICS = 0.3 per 1.0, "series of our own metrics for a month", "cloudwatch/pricing";
    METRIC_READS = 0.01 per 1_000.0, "metrics asked for by GetMetricData", "cloudwatch/pricing";
    ALARMS = 0.1 per 1.0, "metrics that an alarm looks at for a month", "cloudwatch/pricing";
    DASHBOARDS = 3.0 per 1.0, "dashboards for a month, after the first three", "cloudwatch/pricing";
    SECRETS = 0.4 per 1.0, "secrets for a month", "secrets-manager/pricing";
    SECRET_READS = 0.05 per 10_000.0, "calls of Secrets Manager", "secrets-manager/pricing";
    SCHEDULED = 1.0 per 1_000_000.0, "calls by EventBridge Scheduler", "eventbridge/pricing";
    COGNITO = 0.015 per 1.0, "active users of Cognito Essentials for a month", "cognito/pricing";
}
