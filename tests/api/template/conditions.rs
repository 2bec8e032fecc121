//! The parts of a stack that exist only if a parameter requests them.

use template::REGION;

use super::*;

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
        (&domain[..], &["Domain", "DomainMapping", "DomainRecord", "DomainRecordV6"][..]),
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
fn a_table_and_a_secret_that_are_adopted_take_the_place_of_the_stacks_own_everywhere() {
    let secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kept-1";
    let setting = |name: &str| match name {
        "EXISTING_USERS_TABLE" => Some("kept-users".to_owned()),
        "EXISTING_SIGNING_SECRET" => Some(secret.to_owned()),
        _ => None,
    };
    let (own, adopting) = (template(), Template::evaluate(setting).unwrap());
    let absent: Vec<_> = own.resources.keys().filter(|id| !adopting.resources.contains_key(*id)).collect();
    assert_eq!(absent, ["SigningSecret", "UsersTable"]);
    for (id, _, function) in adopting.functions() {
        let environment = adopting.environment(function);
        assert_eq!(
            (environment["USERS_TABLE"].as_str(), environment["SIGNING_SECRET_ID"].as_str()),
            ("kept-users", secret)
        );
        let role = function.role.trim_end_matches(".Arn");
        let resources = |template: &Template| -> Vec<String> {
            template.statements(role).flat_map(|statement| statement.resource).collect()
        };
        let expected = resources(&own).into_iter().map(|resource| match resource.strip_prefix("UsersTable.Arn") {
            Some(rest) => {
                format!("arn:AWS::Partition:dynamodb:{REGION}:AWS::AccountId:table/kept-users{rest}")
            }
            None if resource == "SigningSecret" => secret.to_owned(),
            None => resource,
        });
        assert_eq!(resources(&adopting), expected.collect::<Vec<_>>(), "{id}");
    }
    assert!(adopting.rotations().all(|rotation| rotation.secret_id == secret));
}

#[test]
fn backups_are_made_only_by_a_stack_that_wants_them() {
    let backups = |days: &str| {
        let set = |name: &str| (name == "BACKUP_RETENTION_DAYS").then(|| days.to_owned());
        let template = Template::evaluate(set).unwrap();
        template.resources.into_keys().filter(|id| id.starts_with("Backup")).collect::<Vec<_>>()
    };
    assert_eq!((backups(""), backups("0")), (vec![], vec![]));
    assert_eq!(backups("35"), ["BackupPlan", "BackupRole", "BackupSelection", "BackupVault"]);
}
