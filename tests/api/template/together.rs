//! Settings that are valid alone and invalid together.

use super::*;

#[test]
fn emails_are_printed_only_in_development() {
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
    for audience in ["coffee-shop-api-2", "coffee-app", "https://api.example.com/users"] {
        assert_eq!(read(&[("JWT_AUDIENCE", audience)]).map(|config| config.jwt_audience).unwrap(), audience);
    }
}
