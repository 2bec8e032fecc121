//! Passwords: the policy a new one must meet. Hashes of other services are in [`foreign`]. The crate [`guess`] tells how easily a password
//! is guessed, and whether it is in common use.

pub mod foreign;

use std::fmt;
use std::str::FromStr;

use guess::popular;
use ring::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, digest};
use unicode_normalization::UnicodeNormalization;

use crate::error::{FieldError, Refusal};

const MAX_CHARACTERS: usize = 128;
/// NIST SP 800-63B-4, 3.1.1.2: a password that stands alone has at least 15 characters.
const LENGTH_MINIMUM: usize = 15;
const CLASSES_MINIMUM: usize = 8;
/// A password that fewer guesses find is refused: a million, a score of 2 in zxcvbn.
pub const GUESSES_MINIMUM: u64 = 1_000_005;

/// A password in NFKC (NIST SP 800-63B-4, 3.1.1.2), so that it matches on every keyboard, and as typed. `Debug` does not show it.
#[derive(Clone)]
pub struct Password {
    text: String,
    /// The form that other services hashed.
    typed: String,
}

impl Password {
    /// The password that the client sent, without truncation.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        Self { text: text.nfkc().collect(), typed: text.to_owned() }
    }

    /// The NFKC form, which is hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The SHA-1, for looking up breached passwords and for nothing else.
    #[must_use]
    pub fn sha1(&self) -> Digest {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, self.as_bytes())
    }

    /// The forms that a stored hash may be of: NFKC, and the typed one if it differs.
    pub fn forms(&self) -> impl Iterator<Item = &[u8]> {
        let typed = (self.typed != self.text).then_some(self.typed.as_bytes());
        std::iter::once(self.as_bytes()).chain(typed)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// `PASSWORD_POLICY`: which new passwords are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// At least 8 characters, among them upper case, lower case, a digit and a special one.
    Classes,
    /// At least 15 characters of any kind (NIST SP 800-63B-4, OWASP ASVS 5.0 6.2.5).
    Length,
    /// Either of the two.
    Either,
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "classes" => Ok(Self::Classes),
            "length" => Ok(Self::Length),
            "either" => Ok(Self::Either),
            _ => Err("is none of classes, length, either".to_owned()),
        }
    }
}

impl Policy {
    /// Checks the new password in `field`; see [`Policy::refusals`].
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn check(self, field: &str, password: &Password, known: &[&str]) -> Result<(), Vec<FieldError>> {
        let refusals = self.refusals(password, known);
        if refusals.is_empty() { Ok(()) } else { Err(refusals.into_iter().map(|r| r.of(field)).collect()) }
    }

    /// Every rule that `password` breaks; `known` are the words an attacker would try first (the owner's address and names,
    /// the project's name).
    #[must_use]
    pub fn refusals(self, password: &Password, known: &[&str]) -> Vec<Refusal> {
        let text = &password.text;
        let length = text.chars().count();
        if length > MAX_CHARACTERS {
            return vec![Refusal::new("too-long", "at most 128 characters are allowed")];
        }
        let classes = missing_classes(text);
        let classes_hold = length >= CLASSES_MINIMUM && classes.is_empty();
        let length_holds = length >= LENGTH_MINIMUM;
        let mut refusals = Vec::new();
        if text.chars().any(char::is_control) {
            refusals.push(Refusal::new("control-character", "control characters are not allowed"));
        }
        match self {
            Self::Length if !length_holds => refusals.push(too_short("at least 15 characters are needed")),
            Self::Classes if !classes_hold => {
                if length < CLASSES_MINIMUM {
                    refusals.push(too_short("at least 8 characters are needed"));
                }
                refusals.extend(classes);
            }
            Self::Either if !classes_hold && !length_holds => {
                refusals.push(too_short(
                    "15 characters of any kind are needed, or 8 with upper case, lower case, a digit and a special one",
                ));
                refusals.extend(classes);
            }
            _ => {}
        }
        if refusals.is_empty() {
            refusals.extend(expected(text, &words(known)));
        }
        refusals
    }
}

/// The refusal of a password that attackers would try; `None` for others.
fn expected(text: &str, known: &[&str]) -> Option<Refusal> {
    if popular::is_used(text) {
        Some(Refusal::new(
            "common",
            "many people use this password or one like it; choose words that nobody would expect",
        ))
    } else if popular::is_known(text, known) || guess::guesses(text, known) < GUESSES_MINIMUM {
        Some(Refusal::new("guessable", "this password is easy to guess; add words that nobody would expect"))
    } else {
        None
    }
}

fn too_short(detail: &str) -> Refusal {
    Refusal::new("too-short", detail)
}

fn missing_classes(text: &str) -> Vec<Refusal> {
    let missing = |code, present: bool, detail: &str| (!present).then(|| Refusal::new(code, detail));
    [
        missing("no-upper-case", text.chars().any(char::is_uppercase), "an upper case letter is needed"),
        missing("no-lower-case", text.chars().any(char::is_lowercase), "a lower case letter is needed"),
        missing("no-digit", text.chars().any(char::is_numeric), "a digit is needed"),
        missing("no-special", text.chars().any(|c| !c.is_alphanumeric()), "a special character is needed"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The known texts and the words in them: `ann@beans.example` also gives `ann` and `beans`.
fn words<'a>(known: &[&'a str]) -> Vec<&'a str> {
    let words = known.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    known.iter().copied().chain(words).filter(|word| word.chars().count() > 2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(policy: Policy, text: &str) -> Vec<&'static str> {
        let known = ["ann.bean@example.com", "Coffee Shop"];
        policy.refusals(&Password::typed(text), &known).iter().map(|r| r.code).collect()
    }

    #[test]
    fn the_classes_policy_names_each_missing_class() {
        assert_eq!(codes(Policy::Classes, "abc"), ["too-short", "no-upper-case", "no-digit", "no-special"]);
        assert_eq!(codes(Policy::Classes, "Flat-Wh1te-please"), [""; 0]);
    }

    #[test]
    fn a_long_phrase_needs_no_classes() {
        assert_eq!(codes(Policy::Length, "four quiet cups of tea"), [""; 0]);
        assert_eq!(codes(Policy::Either, "four quiet cups of tea"), [""; 0]);
        assert_eq!(codes(Policy::Length, "Fl4t!white"), ["too-short"]);
    }

    #[test]
    fn a_guessable_password_is_refused_whatever_its_classes() {
        assert_eq!(codes(Policy::Either, "Ann.Bean@example.com1"), ["guessable"]);
        assert_eq!(codes(Policy::Length, "aaaaaaaaaaaaaaaa"), ["guessable"]);
    }

    #[test]
    fn a_password_in_common_use_is_refused_by_every_policy() {
        for policy in [Policy::Classes, Policy::Either] {
            assert_eq!(codes(policy, "Password123!"), ["common"]);
        }
        for policy in [Policy::Length, Policy::Either] {
            assert_eq!(codes(policy, "correcthorsebatterystaple"), ["common"]);
        }
    }

    #[test]
    fn length_counts_code_points_after_nfkc_and_nothing_is_cut_off() {
        assert_eq!(codes(Policy::Either, &format!("Aa1!{}", "x".repeat(200))), ["too-long"]);
        // One ligature is three letters after NFKC.
        assert_eq!(Password::typed("\u{FB03}").as_bytes(), b"ffi");
    }
}
