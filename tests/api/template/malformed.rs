//! An invalid setting is named together with its valid values.

use super::*;

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

/// The errors at a start with the deployed functions' variables and some others.
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
        ("PROJECT_NAME", "TestApp\nBcc: eve@example.com", "PROJECT_NAME is no line of text: control characters"),
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
        ("EDGE_SECRET_SHA256", "the-secret-itself", "EDGE_SECRET_SHA256 entry 1 is no SHA-256 digest: 64 hexadecimal"),
        ("EDGE_SECRET_SHA256", &"0".repeat(63), "EDGE_SECRET_SHA256 entry 1 is no SHA-256 digest"),
        ("EDGE_SECRET_SHA256", &vec!["0".repeat(64); 3].join(","), "EDGE_SECRET_SHA256 has more than 2 entries"),
        ("LOG_LEVEL", "verbose", "LOG_LEVEL is no list of LEVEL and CRATE=LEVEL"),
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
