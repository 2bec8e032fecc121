//! How the text of a variable is read.

use std::fmt;
use std::str::FromStr;

use user_core::email::Email;
use user_core::user::check_line;

/// The most bytes of a name in the header of an email: in encoded words (RFC 2047) and with an address, the line stays shorter than 998
/// characters (RFC 5322, 2.1.1).
const NAME_MAX_BYTES: usize = 128;

pub(super) fn text(value: &str) -> Result<String, String> {
    if value.is_empty() { Err("is empty".to_owned()) } else { Ok(value.to_owned()) }
}

pub(super) fn any(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|why: T::Err| why.to_string())
}

pub(super) fn between<T: FromStr + PartialOrd + fmt::Display>(
    low: T,
    high: T,
) -> impl FnOnce(&str) -> Result<T, String> {
    move |value| match value.parse() {
        Ok(number) if number >= low && number <= high => Ok(number),
        _ => Err(format!("is no number from {low} to {high}")),
    }
}

pub(super) fn list(value: &str) -> Result<Vec<String>, String> {
    let entries: Vec<_> =
        value.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect();
    if entries.is_empty() { Err("is empty".to_owned()) } else { Ok(entries) }
}

pub(super) fn email(value: &str) -> Result<Email, String> {
    Email::parse(value).map_err(|refusal| format!("is no address to send from: {}", refusal.detail))
}

/// A name that a header of an email can hold.
pub(super) fn name(value: &str) -> Result<String, String> {
    check_line(value).map_err(|refusal| format!("is no line of text: {}", refusal.detail))?;
    if value.len() > NAME_MAX_BYTES {
        return Err(format!("is longer than {NAME_MAX_BYTES} bytes"));
    }
    text(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MailBackend;
    use user_core::password::Policy;

    #[test]
    fn malformed_values_say_what_would_be_right() {
        assert_eq!(between(1, 5)("6"), Err("is no number from 1 to 5".to_owned()));
        assert_eq!(parsed::<Policy>("weak"), Err("is none of classes, length, either".to_owned()));
        assert_eq!(parsed::<MailBackend>("smoke"), Err("is none of ses, smtp, console".to_owned()));
    }

    #[test]
    fn a_name_is_a_line_that_a_header_can_hold() {
        let is = |value: &str, words: &str| name(value).is_err_and(|why| why.contains(words));
        assert_eq!(name("B\u{e4}ckerei \"Zum L\u{f6}wen\""), Ok("B\u{e4}ckerei \"Zum L\u{f6}wen\"".to_owned()));
        assert!(is("", "is empty"));
        for broken in ["Shop\r\nBcc: eve@example.com", "Shop\u{0}", "Shop\t1", "Shop\u{85}"] {
            assert!(is(broken, "control characters"), "{broken:?}");
        }
        assert!(is("Shop\u{2028}", "line and paragraph separators") && is("\u{202e}pohS", "direction of writing"));
        assert!(name(&"\u{e4}".repeat(64)).is_ok() && is(&"\u{e4}".repeat(65), "longer than 128 bytes"));
    }

    #[test]
    fn a_sender_is_an_address_that_mail_can_come_from() {
        assert!(
            email("Shop <no-reply@example.com>").is_err_and(|why| why.starts_with("is no address to send from: an"))
        );
        assert!(email("zo\u{eb}@example.com").is_err_and(|why| why.contains("ASCII alone before the @")));
        assert!(email("no-reply@b\u{fc}cher.example").is_ok());
    }
}
