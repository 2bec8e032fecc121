//! Values that are valid alone but not together. A rule looks only at values that are valid alone, whatever else is wrong, so that one
//! start reports all errors.

use std::str::FromStr;

use user_core::email::Email;

use super::web::{is_open, origins, url};
use super::{Enumeration, Environment, MailBackend, SmtpTls};

const MUST_BE_HTTPS: &str =
    "must be https: http only with ENVIRONMENT development or a host of this machine, such as localhost";

/// The values of the variables, by name.
struct Values<F>(F);

impl<F: Fn(&str) -> Option<String>> Values<F> {
    fn text(&self, name: &str) -> Option<String> {
        self.0(name).map(|value| value.trim().to_owned())
    }

    fn is<T: FromStr + PartialEq>(&self, name: &str, value: &T) -> bool {
        self.text(name).and_then(|text| text.parse().ok()).is_some_and(|read: T| read == *value)
    }

    /// Whether a variable that may be empty has a value; `None` when it is missing.
    fn is_set(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| !text.is_empty())
    }

    /// Whether the mailbox of an address, from which emails are sent, differs from the address.
    fn is_otherwise_sent(&self, name: &str) -> bool {
        let sent = |text: &String| Email::parse(text).is_ok_and(|email| email.mailbox().as_str() != text);
        self.0(name).is_some_and(|text| sent(&text))
    }

    /// Whether the service is deployed, so that others can reach it.
    fn is_deployed(&self) -> bool {
        self.is("ENVIRONMENT", &Environment::Staging) || self.is("ENVIRONMENT", &Environment::Production)
    }
}

/// The contradictions between values: a line for each rule, with the names of its variables.
pub(super) fn contradictions(lookup: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let values = Values(lookup);
    let smtp = values.is("MAIL_BACKEND", &MailBackend::Smtp);
    let is_open_url = |name| values.text(name).and_then(|value| url(&value).ok()).is_some_and(|url| is_open(&url));
    // The audiences of all other tokens are the issuer, `#` and the token's kind.
    let issuer = values.text("JWT_ISSUER").unwrap_or_default();
    let beyond_issuer = values.text("JWT_AUDIENCE").and_then(|text| text.strip_prefix(&issuer).map(str::to_owned));
    let rules = [
        (
            values.is_deployed() && values.is("MAIL_BACKEND", &MailBackend::Console),
            "MAIL_BACKEND console prints tokens: only with ENVIRONMENT development",
        ),
        (smtp && values.is_set("SMTP_HOST") == Some(false), "MAIL_BACKEND smtp needs SMTP_HOST"),
        (
            smtp && values.is("SMTP_TLS", &SmtpTls::None) && values.is_set("SMTP_USER") == Some(true),
            "SMTP_USER would be sent in clear: SMTP_TLS must not be none",
        ),
        (
            smtp && values.is_set("SMTP_USER") == Some(true) && values.is_set("SMTP_SECRET_ID") == Some(false),
            "SMTP_USER needs SMTP_PASSWORD, which the stack makes a secret of",
        ),
        (
            values.is("MAIL_BACKEND", &MailBackend::Ses) && values.is_otherwise_sent("EMAILS_FROM_EMAIL"),
            "EMAILS_FROM_EMAIL must have its domain in lower-case ASCII (xn--...): with MAIL_BACKEND ses the mailer may send \
             from the very address that the template has",
        ),
        (
            values.is("SIGNUP_ENUMERATION", &Enumeration::Private) && values.is("EMAIL_VERIFICATION_ENABLED", &false),
            "SIGNUP_ENUMERATION private needs EMAIL_VERIFICATION_ENABLED true: without it a login after sign-up tells",
        ),
        (
            beyond_issuer.is_some_and(|rest| !issuer.is_empty() && (rest.is_empty() || rest.starts_with('#'))),
            "JWT_AUDIENCE must not be JWT_ISSUER, nor begin with it and #",
        ),
    ];
    let mut wrong: Vec<_> = rules.iter().filter(|(broken, _)| *broken).map(|(_, why)| (*why).to_owned()).collect();
    for name in ["FRONTEND_URL", "PASSWORD_BREACH_URL"] {
        if values.is_deployed() && is_open_url(name) {
            wrong.push(format!("{name} {MUST_BE_HTTPS}"));
        }
    }
    let origins = values.text("CORS_ORIGINS").and_then(|value| origins(&value).ok()).unwrap_or_default();
    let open = (1..).zip(&origins).filter(|(_, origin)| values.is_deployed() && is_open(origin));
    let open: Vec<_> = open.map(|(at, _): (usize, _)| at.to_string()).collect();
    if !open.is_empty() {
        wrong.push(format!("CORS_ORIGINS entry {} {MUST_BE_HTTPS}", open.join(", ")));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The errors for these values together with valid ones for the rest.
    fn said(set: &[(&str, &str)]) -> Vec<String> {
        let lookup = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        contradictions(lookup)
    }

    #[test]
    fn each_rule_names_its_variables_and_all_are_named_at_once() {
        let wrong = said(&[
            ("ENVIRONMENT", "production"),
            ("MAIL_BACKEND", "console"),
            ("SIGNUP_ENUMERATION", "private"),
            ("EMAIL_VERIFICATION_ENABLED", " false "),
            ("FRONTEND_URL", "http://shop.example"),
            ("PASSWORD_BREACH_URL", "http://breaches.example"),
            ("CORS_ORIGINS", "https://shop.example,http://shop.example,http://localhost:3000,http://10.0.0.1"),
            ("PASSWORD_POLICY", "weak"),
        ]);
        let names: Vec<_> = wrong.iter().map(|why| why.split(' ').next().unwrap()).collect();
        assert_eq!(
            names,
            ["MAIL_BACKEND", "SIGNUP_ENUMERATION", "FRONTEND_URL", "PASSWORD_BREACH_URL", "CORS_ORIGINS"]
        );
        assert!(wrong[1].contains("private needs EMAIL_VERIFICATION_ENABLED true"), "{}", wrong[1]);
        assert!(wrong[4].contains("entry 2, 4 must be https"), "{}", wrong[4]);
    }

    #[test]
    fn a_mail_server_has_a_name_and_hears_no_password_in_clear() {
        let smtp = |host, tls, user| {
            said(&[("MAIL_BACKEND", "smtp"), ("SMTP_HOST", host), ("SMTP_TLS", tls), ("SMTP_USER", user)])
        };
        assert_eq!(smtp("", "starttls", ""), ["MAIL_BACKEND smtp needs SMTP_HOST"]);
        assert_eq!(smtp("a", "none", "ann"), ["SMTP_USER would be sent in clear: SMTP_TLS must not be none"]);
        assert!(smtp("a", "none", "").is_empty() && smtp("a", "implicit", "ann").is_empty());
        let signed_in = |secret| said(&[("MAIL_BACKEND", "smtp"), ("SMTP_USER", "ann"), ("SMTP_SECRET_ID", secret)]);
        assert_eq!(signed_in(""), ["SMTP_USER needs SMTP_PASSWORD, which the stack makes a secret of"]);
        assert!(signed_in("arn").is_empty());
    }

    #[test]
    fn ses_sends_from_the_very_address_that_the_role_names() {
        let from = |backend, address| said(&[("MAIL_BACKEND", backend), ("EMAILS_FROM_EMAIL", address)]);
        for other in ["No-Reply@Example.com", "no-reply@b\u{fc}cher.example", " no-reply@example.com"] {
            assert!(
                from("ses", other)[0].starts_with("EMAILS_FROM_EMAIL must have its domain in lower-case"),
                "{other}"
            );
            assert!(from("smtp", other).is_empty(), "{other}");
        }
        for same in ["No-Reply@example.com", "no-reply@xn--bcher-kva.example", "no address"] {
            assert!(from("ses", same).is_empty(), "{same}");
        }
    }

    #[test]
    fn what_is_wrong_alone_or_holds_together_is_no_contradiction() {
        let open = [("FRONTEND_URL", "http://shop.example"), ("CORS_ORIGINS", "http://shop.example")];
        for environment in ["development", "nowhere"] {
            assert!(said(&[&open[..], &[("ENVIRONMENT", environment)]].concat()).is_empty(), "{environment}");
        }
        for [name, value] in [["FRONTEND_URL", "shop.example"], ["CORS_ORIGINS", "*"], ["FRONTEND_URL", "http://[::1]"]]
        {
            assert!(said(&[("ENVIRONMENT", "staging"), (name, value)]).is_empty(), "{name}");
        }
        assert!(said(&[("SIGNUP_ENUMERATION", "private"), ("EMAIL_VERIFICATION_ENABLED", "true")]).is_empty());
        assert!(said(&[("SIGNUP_ENUMERATION", "reveal"), ("EMAIL_VERIFICATION_ENABLED", "false")]).is_empty());
    }
}
