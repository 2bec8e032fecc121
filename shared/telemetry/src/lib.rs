//! Metrics and logs.
//!
//! - [`metric`]: every metric.
//! - [`log`]: log lines; [`security`]: those of security events.
//! - [`usage`]: what one request has used.

pub mod log;
pub mod metric;
pub mod security;
pub mod usage;
