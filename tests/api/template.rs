//! The template, the configuration and their documentation agree.

mod conditions;
mod documented;
mod malformed;
mod refused;
mod together;

use std::collections::{BTreeMap, BTreeSet};

use local::cloudwatch::CloudWatch;
use local::hosts::Hosts;
use local::service::{Options, Service};
use serde_json::json;
use template::{Resource, Template, environment_name};
use user_config::{Config, ConfigError};
use user_core::clock::Clock;

const SOURCE: &str = include_str!("../../template.yaml");
const EXAMPLE: &str = include_str!("../../.env.example");
const MANIFEST: &str = include_str!("../../Cargo.toml");
const SETTINGS: &str = include_str!("../../infra/docs/settings.md");

fn template() -> Template {
    Template::evaluate(|_| None).unwrap()
}

/// The names of the template's parameters, as environment variables.
fn parameters() -> BTreeSet<String> {
    let section = SOURCE.split("\nParameters:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    section.lines().filter_map(|line| line.trim().split_once(':')).map(|(name, _)| environment_name(name)).collect()
}

#[test]
fn every_function_gets_exactly_the_variables_that_are_read() {
    let read: BTreeSet<_> = Config::names().into_iter().collect();
    for (id, _, function) in template().functions() {
        let given: BTreeSet<_> = template().environment(function).into_keys().collect();
        assert_eq!(given, read, "{id}");
        let environment = template().environment(function);
        Config::read(|name| environment.get(name).cloned()).unwrap();
    }
}

#[test]
fn every_function_has_a_role_and_a_log_of_its_own() {
    for (id, ..) in template().functions() {
        let name = id.strip_suffix("Function").unwrap();
        for needed in [format!("Role: !GetAtt {name}Role.Arn"), format!("LoggingConfig: {{LogGroup: !Ref {name}Logs}}")]
        {
            assert_eq!(SOURCE.matches(&needed).count(), 1, "{needed}");
        }
    }
    for wide in ["Action: \"*\"", "dynamodb:*", "Resource: \"*\""] {
        assert!(!SOURCE.contains(wide), "{wide}");
    }
}

#[test]
fn cargo_lambda_watch_has_the_templates_routes() {
    let section = userctl::routes::section(&template());
    let same = userctl::routes::replaced(MANIFEST, &section).unwrap() == MANIFEST;
    assert!(same, "run cargo userctl routes --write");
}

#[test]
fn functions_end_before_the_gateway_gives_up() {
    // Amazon API Gateway quotas: an HTTP API waits 30 seconds.
    for (id, route) in template().routes() {
        let template = template();
        let (_, _, function) = template.functions().find(|(other, ..)| *other == id).unwrap();
        assert!(template.timeout_seconds(function) < 30, "{id} {}", route.key());
    }
}
