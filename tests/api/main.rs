//! Tests of the service through the gateway that `infra/local` builds from `template.yaml`, with the real SDK and a separate embedded
//! database for each test. A file has the name of the handler that it tests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

mod access;
mod addresses;
mod attacks;
mod auth;
mod check;
mod cleanup;
mod cost;
mod dead_letters;
mod discovery;
mod docs;
mod drill;
mod edge;
mod events;
mod faults;
mod floors;
mod forgeries;
mod formats;
mod gateway;
mod health;
mod hosts;
mod join;
mod keys;
mod limits;
mod logs;
mod mail;
mod mailer;
mod metrics;
mod pages;
mod private;
mod races;
mod restart;
mod rivals;
mod roles;
mod support;
mod sweep;
mod telemetry;
mod template;
mod tokens;
mod transfer;
mod userctl;
mod users;
