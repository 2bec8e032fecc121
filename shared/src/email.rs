//! Mail addresses: what counts as one, and when two are the same.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::error::Refusal;

/// A mail address (RFC 5321, internationalised by RFC 6531) as its owner typed it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads an address; spaces around it are dropped, composed letters are one (NFC).
    ///
    /// # Errors
    /// `invalid-email`: not an address with a domain that mail can be sent to (a display name, a domain literal,
    /// a domain of one label, more than 64 octets before or 254 octets in all).
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text: String = text.trim().nfc().collect();
        let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
        let known = EmailAddress::parse_with_options(&text, options).is_ok();
        let clean = text.len() <= 254 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
        if known && clean && key(&text).is_some_and(|key| key.len() <= 254) {
            Ok(Self(text))
        } else {
            Err(Refusal::new("invalid-email", "an e-mail address such as ann@example.com is needed"))
        }
    }

    /// The address as typed, for display and for the letter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two addresses of one account have in common: NFC, lower case, the domain as an A-label (RFC 5890, 2.3.2.1).
    #[must_use]
    pub fn key(&self) -> EmailKey {
        EmailKey(key(&self.0).unwrap_or_else(|| self.0.to_lowercase()))
    }
}

/// Hides the address: logs must not show one.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

impl FromStr for Email {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::parse(text)
    }
}

/// The form of an address that is compared and looked up.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmailKey(String);

impl EmailKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hides the address, as [`Email`] does.
impl fmt::Debug for EmailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailKey(..)")
    }
}

fn key(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let local: String = local.nfc().collect::<String>().to_lowercase().nfc().collect();
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    Some(format!("{local}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(text: &str) -> String {
        Email::parse(text).unwrap().key().as_str().to_owned()
    }

    #[test]
    fn addresses_that_differ_only_in_case_or_form_are_one() {
        assert_eq!(key_of("Ann@Example.COM"), "ann@example.com");
        assert_eq!(key_of("Zoe\u{0308}@example.com"), key_of("ZO\u{00CB}@example.com"));
        assert_eq!(key_of("a@B\u{00FC}cher.example"), "a@xn--bcher-kva.example");
    }

    #[test]
    fn a_look_alike_letter_is_another_address() {
        assert_ne!(key_of("\u{0430}nn@example.com"), key_of("ann@example.com"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "x".repeat(65));
        let wide = format!("a@{}.com", "b".repeat(64));
        for bad in [
            "",
            "plain",
            "a@",
            "@b.c",
            "a b@example.com",
            "a@exa mple.com",
            "a\0b@example.com",
            "a@b@example.com",
            "Ann <a@example.com>",
            "a@[127.0.0.1]",
            "a@localhost",
            "a@-x.com",
            "a@x_y.com",
            "a..b@example.com",
            "a\n@example.com",
            &long,
            &wide,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn an_address_never_shows_in_debug_output() {
        let email = Email::parse("ann@example.com").unwrap();
        assert!(!format!("{email:?} {:?}", email.key()).contains("ann"));
    }
}
