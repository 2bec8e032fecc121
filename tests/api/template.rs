//! The template, the configuration and what is written about them agree.

use std::collections::{BTreeMap, BTreeSet};

use local::cloudwatch::CloudWatch;
use local::hosts::Hosts;
use local::service::{Options, Service};
use local::template::{Resource, Template, environment_name};
use user_core::clock::Clock;
use user_core::config::{Config, ConfigError};

const SOURCE: &str = include_str!("../../template.yaml");
const EXAMPLE: &str = include_str!("../../.env.example");
const MANIFEST: &str = include_str!("../../Cargo.toml");
const README: &str = include_str!("../../README.md");

/// Parameters about the stack, not about the service.
const STACK_ONLY: [&str; 10] = [
    "ARCHITECTURE",
    "LOG_RETENTION_DAYS",
    "ALARM_TOPIC",
    "DOMAIN_NAME",
    "CERTIFICATE_ARN",
    "HOSTED_ZONE_ID",
    "MAIL_TLS_POLICY",
    "MAIL_ZONE_ID",
    "MAIL_DMARC",
    "KMS_KEY_ARN",
];

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
fn the_example_names_every_setting_with_the_value_of_the_release_or_the_template() {
    let example: BTreeMap<_, _> = EXAMPLE
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .filter(|(name, _)| !name.contains(' '))
        .collect();
    let mut known: BTreeSet<_> = Config::names().into_iter().chain(parameters()).collect();
    known.retain(|name| !STACK_ONLY.contains(&name.as_str()));
    assert_eq!(example.keys().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), known);
    let template = template();
    let (_, _, function) = template.functions().next().unwrap();
    let local = [
        ("ENVIRONMENT", "development"),
        ("MAIL_BACKEND", "console"),
        ("LOG_FORMAT", "plain"),
        ("SMTP_SECRET_ID", "MailSecret"),
    ];
    for (name, value) in template.environment(function) {
        let release = Config::release().get(&name).map_or(value, |value| (*value).to_owned());
        let expected = local.iter().find(|(local, _)| *local == name).map_or(release, |(_, value)| (*value).to_owned());
        assert_eq!(example[name.as_str()].trim_matches('"'), expected, "{name}");
    }
}

#[test]
fn the_readme_describes_every_setting_and_the_release_with_its_values() {
    for name in Config::names().into_iter().chain(parameters()) {
        assert!(README.contains(&format!("`{name}`")), "{name}");
    }
    let table = README.split("| of the release | value | meaning |\n|---|---|---|\n").nth(1).unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|')).map(|row| row.split(" | ").collect::<Vec<_>>());
    let told = rows.flat_map(|row| {
        let names = row[0].trim_start_matches("| ").split(", ").map(|name| name.trim_matches('`').to_owned());
        names.zip(row[1].split(", ").map(str::to_owned)).collect::<Vec<_>>()
    });
    let release = Config::release().into_iter().map(|(name, value)| (name, value.to_owned()));
    assert_eq!(told.collect::<BTreeMap<_, _>>(), release.collect());
}

#[test]
fn what_belongs_to_the_release_reaches_a_stack_that_keeps_its_parameters() {
    // `sam deploy` keeps what is not passed: a stack has for ever what a parameter had when the stack was made.
    let config = |set: &[(&str, &str)]| {
        let setting = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let template = Template::evaluate(setting).unwrap();
        let (_, _, function) = template.functions().next().unwrap();
        let environment = template.environment(function);
        Config::read(|name| environment.get(name).cloned()).map(|config| format!("{config:?}"))
    };
    let template = template();
    for (id, _, function) in template.functions() {
        let environment = template.environment(function);
        for (name, _) in Config::release() {
            assert_eq!(environment[&name], "", "{id}: {name} is the release's as long as the stack wants nothing else");
        }
    }
    let release = config(&[]).unwrap();
    for (name, value) in Config::release().into_iter().filter(|(name, _)| parameters().contains(name)) {
        assert_eq!(config(&[(&name, value)]).unwrap(), release, "{name}");
        let other = if name == "PASSWORD_POLICY" { "length" } else { "77" };
        assert_ne!(config(&[(&name, other)]).unwrap(), release, "{name}: what the stack wants otherwise wins");
        let ConfigError(wrong) = config(&[(&name, "many")]).unwrap_err();
        assert!(wrong.len() == 1 && wrong[0].starts_with(&format!("{name} is no")), "{wrong:?}");
    }
}

#[test]
fn a_setting_that_is_missing_or_malformed_is_named_before_anything_starts() {
    let template = template();
    let (_, _, function) = template.functions().next().unwrap();
    let mut environment = template.environment(function);
    environment.remove("USERS_TABLE");
    environment.insert("PASSWORD_POLICY".to_owned(), "weak".to_owned());
    environment.insert("ARGON2_ITERATIONS".to_owned(), "0".to_owned());
    let error = Config::read(|name| environment.get(name).cloned()).unwrap_err();
    let expected = [
        "PASSWORD_POLICY is none of classes, length, either",
        "ARGON2_ITERATIONS is no number from 1 to 100",
        "USERS_TABLE is missing",
    ];
    assert_eq!(error.0, expected);
}

/// The deployed functions' variables with some others, as they are read at a start.
fn started(set: &[(&str, &str)]) -> Vec<String> {
    let template = template();
    let (_, _, function) = template.functions().next().unwrap();
    let mut environment = template.environment(function);
    environment.extend(set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Config::read(|name| environment.get(name).cloned()).map_or_else(|ConfigError(wrong)| wrong, |_| Vec::new())
}

#[test]
fn each_malformed_setting_is_named_with_what_would_be_right() {
    let long = "x".repeat(129);
    for (name, value, words) in [
        ("PROJECT_NAME", "Shop\nBcc: eve@example.com", "PROJECT_NAME is no line of text: control characters"),
        ("PROJECT_NAME", "\u{202e}pohS", "PROJECT_NAME is no line of text: characters that turn"),
        ("PROJECT_NAME", &long, "PROJECT_NAME is longer than 128 bytes"),
        ("EMAILS_FROM_NAME", "Sh\u{2028}op", "EMAILS_FROM_NAME is no line of text: line and paragraph separators"),
        ("EMAILS_FROM_EMAIL", "no-reply", "EMAILS_FROM_EMAIL is no address to send from: an e-mail address such as"),
        (
            "EMAILS_FROM_EMAIL",
            "zo\u{eb}@example.com",
            "EMAILS_FROM_EMAIL is no address to send from: mail is sent only",
        ),
        ("CORS_ORIGINS", "https://shop.example/", "CORS_ORIGINS entry 1 is no origin such as https://shop.example"),
        ("CORS_ORIGINS", "http://localhost:3000,null,*", "CORS_ORIGINS entry 2, 3 is no origin"),
        ("CORS_ORIGINS", "http://shop.example", "CORS_ORIGINS entry 1 must be https"),
        ("ALLOWED_HOSTS", "https://api.example.com", "ALLOWED_HOSTS entry 1 is no host such as api.example.com"),
        ("ALLOWED_HOSTS", "api.example.com,*evil", "ALLOWED_HOSTS entry 2 is no host"),
        ("FRONTEND_URL", "shop.example", "FRONTEND_URL is no URL such as https://shop.example/app"),
        ("FRONTEND_URL", "https://shop.example/#/", "FRONTEND_URL is no URL"),
        ("FRONTEND_URL", "http://shop.example", "FRONTEND_URL must be https"),
    ] {
        let wrong = started(&[(name, value)]);
        assert!(wrong.len() == 1 && wrong[0].starts_with(words), "{name}={value}: {wrong:?}");
        assert!(value.len() < 13 || !wrong[0].contains(value), "a value is not told: {wrong:?}");
    }
    let private = [("SIGNUP_ENUMERATION", "private"), ("EMAIL_VERIFICATION_ENABLED", "false")];
    let why =
        "SIGNUP_ENUMERATION private needs EMAIL_VERIFICATION_ENABLED true: without it a login after sign-up tells";
    assert_eq!(started(&private), [why]);
    let all = [
        ("PROJECT_NAME", "a\tb"),
        ("CORS_ORIGINS", "*"),
        ("FRONTEND_URL", "http://shop.example"),
        ("ALLOWED_HOSTS", ""),
    ];
    let names: Vec<_> = started(&all).iter().map(|why| why.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["PROJECT_NAME", "CORS_ORIGINS", "ALLOWED_HOSTS", "FRONTEND_URL"], "what contradicts comes last");
}

#[test]
fn the_gateway_and_the_functions_have_the_same_origins_and_refuse_the_same() {
    let set = |value: &'static str| move |name: &str| (name == "CORS_ORIGINS").then(|| value.to_owned());
    let template = Template::evaluate(set("https://shop.example, http://localhost:3000")).unwrap();
    let gateway = template.resources.values().find_map(|resource| match resource {
        Resource::HttpApi { properties } => Some(properties.cors_configuration.allow_origins.clone()),
        _ => None,
    });
    let (_, _, function) = template.functions().next().unwrap();
    let environment = template.environment(function);
    let config = Config::read(|name| environment.get(name).cloned()).unwrap();
    assert_eq!(Some(config.cors_origins), gateway);
    let settings = [("CORS_ORIGINS".to_owned(), "https://shop.example/".to_owned())].into();
    let (clock, cloudwatch) = (Clock::settable(), CloudWatch::default());
    let hosts = Hosts::default();
    let refused =
        Service::open(Options { folder: None, clock, settings, print_mails: false, cloudwatch, hosts, wire: None });
    let why = refused.err().unwrap().to_string();
    assert!(why.starts_with("the configuration is not usable: CORS_ORIGINS entry 1 is no origin"), "{why}");
}

#[test]
fn letters_are_printed_only_in_development() {
    let console = |name: &str| (name == "MAIL_BACKEND").then(|| "console".to_owned());
    let template = Template::evaluate(console).unwrap();
    let (_, _, function) = template.functions().next().unwrap();
    let environment = template.environment(function);
    let error = Config::read(|name| environment.get(name).cloned()).unwrap_err();
    assert_eq!(error.0, ["MAIL_BACKEND console prints tokens: only with ENVIRONMENT development"]);
}

#[test]
fn the_audience_of_access_tokens_is_neither_the_issuer_nor_that_of_another_kind_of_token() {
    let read = |settings: &[(&str, &str)]| {
        let template = Template::evaluate(|name| {
            settings.iter().find(|(setting, _)| *setting == name).map(|(_, value)| (*value).to_owned())
        });
        let template = template.unwrap();
        let (_, _, function) = template.functions().next().unwrap();
        let environment = template.environment(function);
        Config::read(|name| environment.get(name).cloned()).map_err(|error| error.0)
    };
    for audience in ["coffee-shop-api", " coffee-shop-api", "coffee-shop-api#refresh", "coffee-shop-api#"] {
        let wrong = read(&[("JWT_AUDIENCE", audience), ("MAIL_BACKEND", "console")]).unwrap_err();
        assert_eq!(wrong.len(), 2, "{audience}: both are told at once");
        assert_eq!(wrong[1], "JWT_AUDIENCE must not be JWT_ISSUER, nor begin with it and #");
    }
    assert_eq!(read(&[("JWT_ISSUER", "coffee-shop-users")]).unwrap_err().len(), 1);
    assert_eq!(read(&[("JWT_AUDIENCE", "")]).unwrap_err(), ["JWT_AUDIENCE is empty"]);
    for audience in ["coffee-shop-api-2", "coffee-shop", "https://api.example.com/users"] {
        assert_eq!(read(&[("JWT_AUDIENCE", audience)]).map(|config| config.jwt_audience).unwrap(), audience);
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
fn what_a_parameter_brings_an_empty_one_takes_away() {
    let of = |settings: &[(&str, &str)]| {
        let value =
            |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let template = Template::evaluate(value).unwrap();
        assert_eq!(template.routes().count(), self::template().routes().count());
        for (_, _, function) in template.functions() {
            let environment = template.environment(function);
            Config::read(|name| environment.get(name).cloned()).unwrap();
        }
        template.resources.into_keys().collect::<BTreeSet<_>>()
    };
    let none = of(&[]);
    let domain = [("DOMAIN_NAME", "api.example.com"), ("CERTIFICATE_ARN", "arn"), ("HOSTED_ZONE_ID", "Z1")];
    let mail = [("MAIL_BACKEND", "smtp"), ("SMTP_HOST", "mail.example"), ("SMTP_USER", "ann"), ("SMTP_PASSWORD", "p")];
    for (settings, brought) in [
        (&domain[..], &["Domain", "DomainMapping", "DomainRecord"][..]),
        (&domain[..2], &["Domain", "DomainMapping"]),
        (&[("MAIL_ZONE_ID", "Z1")], &["MailIdentity", "MailRecords"]),
        (&[("MAIL_ZONE_ID", "Z1"), ("MAIL_DMARC", "")], &["MailIdentity", "MailRecords"]),
        (&[("KMS_KEY_ARN", "arn")], &[]),
        (&mail, &["MailSecret"]),
        (&[mail[0], mail[1]], &[]),
    ] {
        let with = of(settings);
        assert_eq!(with.difference(&none).collect::<Vec<_>>(), brought, "{settings:?}");
        let emptied = settings.iter().filter(|(name, _)| *name != "MAIL_BACKEND").map(|(name, _)| (*name, ""));
        assert_eq!(of(&emptied.collect::<Vec<_>>()), none, "{settings:?}");
    }
}

#[test]
fn no_function_has_a_secret_in_its_environment() {
    let mail =
        [("MAIL_BACKEND", "smtp"), ("SMTP_HOST", "mail.example"), ("SMTP_USER", "ann"), ("SMTP_PASSWORD", "p\"\\$")];
    let value = |name: &str| mail.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let template = Template::evaluate(value).unwrap();
    for (id, _, function) in template.functions() {
        let environment = template.environment(function);
        assert!(!environment.values().any(|value| value.contains("p\"\\$")), "{id}");
        assert_eq!(environment["SMTP_SECRET_ID"], "MailSecret", "{id}");
    }
}

#[test]
fn functions_end_before_the_gateway_gives_up() {
    // Amazon API Gateway quotas: an HTTP API waits 30 seconds.
    for (id, route) in template().routes() {
        let template = template();
        let (_, _, function) = template.functions().find(|(other, ..)| *other == id).unwrap();
        assert!(template.timeout_seconds(function) < 30, "{id} {}", route.path);
    }
}
