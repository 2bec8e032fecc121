//! The documentation of the settings is correct, and settings of the release have their values in the code.

use super::*;

/// Parameters of the stack, which the service does not read.
const STACK_ONLY: [&str; 26] = [
    "ARCHITECTURE",
    "AUTH_CONCURRENCY",
    "BACKUP_COPY_VAULT_ARN",
    "BACKUP_RETENTION_DAYS",
    "BACKUP_WEEKLY_RETENTION_DAYS",
    "BUDGET_DOLLARS",
    "CERTIFICATE_ARN",
    "DOMAIN_NAME",
    "EDGE_DOMAIN",
    "EXISTING_SIGNING_SECRET",
    "EXISTING_USERS_TABLE",
    "FAILED_SIGN_INS_BURST",
    "HOSTED_ZONE_ID",
    "KMS_KEY_ARN",
    "LOG_RETENTION_DAYS",
    "MAIL_DMARC",
    "MAIL_TLS_POLICY",
    "MAIL_ZONE_ID",
    "OPERATOR_EMAIL",
    "PASSWORD_REQUESTS_PER_SECOND",
    "PASSWORD_REQUEST_BURST",
    "PERMISSIONS_BOUNDARY",
    "RELEASE_GOES_BACK",
    "REQUESTS_PER_SECOND",
    "REQUEST_BURST",
    "TRACING",
];

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
        ("METRICS_DETAIL", "full"),
        ("SMTP_SECRET_ID", "MailSecret"),
    ];
    for (name, value) in template.environment(function) {
        let release = Config::release().get(&name).map_or(value, |value| (*value).to_owned());
        let expected = local.iter().find(|(local, _)| *local == name).map_or(release, |(_, value)| (*value).to_owned());
        assert_eq!(example[name.as_str()].trim_matches('"'), expected, "{name}");
    }
}

#[test]
fn the_page_of_settings_describes_every_one_and_the_release_with_its_values() {
    for name in Config::names().into_iter().chain(parameters()) {
        assert!(SETTINGS.contains(&format!("`{name}`")), "{name}");
    }
    let table = SETTINGS.split("| of the release | value | meaning |\n|---|---|---|\n").nth(1).unwrap();
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
    // `sam deploy` keeps the former value of a parameter that is not passed, so a stack would keep the values of its creation forever.
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
