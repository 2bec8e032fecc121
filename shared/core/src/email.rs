//! Email addresses: which are valid, when two are the same, and which mailbox they stand for.

mod domain;

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::error::Refusal;

use domain::{ascii, is_number, is_unmapped};

/// An email address (RFC 5321, internationalised by RFC 6531) as its owner typed it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads a new address: at sign-up, for a change of address, from an import, for a sender. Surrounding spaces are dropped, and the
    /// text is normalised (NFC).
    ///
    /// # Errors
    /// `invalid-email`: what [`Email::known`] refuses; a local part in quotes; a last label that is a number; a domain that the mapping
    /// of UTS #46 changes by more than letter case. `unsupported-email`: a local part outside ASCII, which every server on the way would
    /// have to accept (SMTPUTF8, RFC 6531).
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').unwrap_or_default();
        // Characters outside ASCII before the @ make an address unsupported; whatever else is wrong with it makes it invalid.
        let other = |c: char| !c.is_ascii() && !c.is_control() && !c.is_whitespace();
        Self::known(&format!("{}@{domain}", local.replace(other, "x")))?;
        let ascii = ascii(domain).unwrap_or_default();
        if local.starts_with('"') {
            Err(invalid("an address without quotes before the @ is needed"))
        } else if ascii.rsplit('.').next().is_none_or(is_number) {
            Err(invalid("a domain that does not end in a number is needed"))
        } else if !is_unmapped(domain, &ascii) {
            Err(invalid("a domain without characters that stand for others, such as full-width letters, is needed"))
        } else if !local.is_ascii() {
            Err(Refusal::new("unsupported-email", "mail is sent only to addresses that have ASCII alone before the @"))
        } else {
            Self::known(text)
        }
    }

    /// Reads an address to look it up. It may have been accepted under former rules, which allowed quotes, local parts outside ASCII
    /// and domains in any spelling.
    ///
    /// # Errors
    /// `invalid-email`: an address that nobody can have (a display name, a domain literal, a domain of one label, a label of more than 63
    /// octets, more than 64 octets before the @ or 254 in all, with the domain as an A-label, too).
    pub fn known(text: &str) -> Result<Self, Refusal> {
        let text: String = text.trim().nfc().collect();
        if is_address(&text) {
            Ok(Self(text))
        } else {
            Err(invalid("an e-mail address such as ann@example.com is needed"))
        }
    }

    /// The address as typed, for display.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two addresses are compared: NFC, lower case, the domain as an A-label (RFC 5890, 2.3.2.1).
    #[must_use]
    pub fn key(&self) -> EmailKey {
        EmailKey(key(&self.0).unwrap_or_else(|| self.0.to_lowercase()))
    }

    /// The mailbox that emails to the address go to.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        Mailbox(mailbox(&self.0).unwrap_or_else(|| self.0.clone()))
    }
}

/// Hides the address: logs must not show one.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

/// As [`Email::parse`].
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

/// The form of an address that emails are sent to: the local part in its own letter case, which only the receiving host interprets (RFC
/// 5321, 2.4), and the domain as an A-label in lower case, which every mail server can read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mailbox(String);

impl Mailbox {
    /// The mailbox as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hides the address, as [`Email`] does.
impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox(..)")
    }
}

fn invalid(detail: &str) -> Refusal {
    Refusal::new("invalid-email", detail)
}

/// The local part as it is, and the domain as an A-label.
fn parts(text: &str) -> Option<(&str, String)> {
    let (local, domain) = text.rsplit_once('@')?;
    Some((local, ascii(domain)?))
}

fn mailbox(text: &str) -> Option<String> {
    parts(text).map(|(local, domain)| format!("{local}@{domain}"))
}

fn key(text: &str) -> Option<String> {
    let (local, domain) = parts(text)?;
    let local: String = local.nfc().collect::<String>().to_lowercase().nfc().collect();
    Some(format!("{local}@{domain}"))
}

/// Whether a text in NFC is an address by its syntax.
fn is_address(text: &str) -> bool {
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    let known = |mailbox: &String| EmailAddress::parse_with_options(mailbox, options).is_ok();
    let is_short = |text: &str| text.len() <= 254;
    is_short(text)
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && mailbox(text).filter(known).is_some_and(|mailbox| is_short(&mailbox))
        && key(text).is_some_and(|key| is_short(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(text: &str) -> String {
        Email::known(text).unwrap().key().as_str().to_owned()
    }

    fn code(text: &str) -> &'static str {
        Email::parse(text).map_or_else(|refusal| refusal.code, |_| "")
    }

    #[test]
    fn addresses_that_differ_only_in_case_or_form_are_one() {
        assert_eq!(key_of("Ann@Example.COM"), "ann@example.com");
        assert_eq!(key_of("Zoe\u{0308}@example.com"), key_of("ZO\u{00CB}@example.com"));
        assert_eq!(key_of("a@B\u{00FC}cher.example"), "a@xn--bcher-kva.example");
        assert_eq!(key_of("a@example\u{3002}com"), "a@example.com");
        assert_eq!(key_of("a@\u{FF45}xample.com"), key_of("A@example.com"), "as it was under former rules");
    }

    #[test]
    fn a_look_alike_message_is_another_address() {
        assert_ne!(key_of("\u{0430}nn@example.com"), key_of("ann@example.com"));
    }

    #[test]
    fn what_is_no_address_is_refused_anew_and_in_a_look_up() {
        let long = format!("{}@example.com", "x".repeat(65));
        let wide = format!("a@{}.com", "b".repeat(64));
        let wide_as_ascii = format!("a@{}.com", "\u{00FC}".repeat(60));
        let deep = format!("a@{}com", "b23456789.".repeat(25));
        let deep_as_ascii = format!("a@{}com", "b\u{00FC}.".repeat(25));
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
            "a@example.com.",
            "a@.example.com",
            "a@example..com",
            "a@xn--a.com",
            "a\u{FF20}example.com",
            "\"zo\u{00EB}\"@example.com",
            "zo\u{00EB}\u{3000}b@example.com",
            "zo\u{00EB} b@example.com",
            &long,
            &wide,
            &wide_as_ascii,
            &deep,
            &deep_as_ascii,
        ] {
            assert_eq!(Email::known(bad).map_err(|refusal| refusal.code), Err("invalid-email"), "{bad:?} was found");
            assert_eq!(code(bad), "invalid-email", "{bad:?} was taken");
        }
    }

    #[test]
    fn quotes_and_numbers_are_invalid_and_other_scripts_before_the_at_unsupported() {
        assert_eq!(code("a\u{200B}@example.com"), "unsupported-email");
        assert_eq!(code("\u{939}\u{93F}\u{928}\u{94D}\u{926}\u{940}@example.com"), "unsupported-email");
        for (text, expected) in [
            ("\"a..b\"@example.com", "invalid-email"),
            ("\"ann\"@example.com", "invalid-email"),
            ("a@example.123", "invalid-email"),
            ("a@127.0.0.1", "invalid-email"),
            ("a@example.0x7F", "invalid-email"),
            ("zo\u{00EB}@example.com", "unsupported-email"),
            ("zoe\u{0308}@b\u{00FC}cher.example", "unsupported-email"),
            ("\u{FF41}nn@example.com", "unsupported-email"),
            ("zo\u{00EB}@\u{FF45}xample.com", "invalid-email"),
        ] {
            assert_eq!((code(text), Email::known(text).is_ok()), (expected, true), "{text:?}");
        }
    }

    #[test]
    fn an_address_never_shows_in_debug_output() {
        let email = Email::parse("ann@example.com").unwrap();
        assert!(!format!("{email:?} {:?} {:?}", email.key(), email.mailbox()).contains("ann"));
    }
}
