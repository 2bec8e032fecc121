//! First and last names, and characters that no displayed line of text may have.

use unicode_normalization::char::is_combining_mark;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use crate::error::Refusal;

const MAX_CHARACTERS: usize = 100;

/// The texts that [`check_line`] accepts, as a pattern for the OpenAPI document (ECMA-262).
pub const LINE_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$";

/// Characters without a visible shape: those of Unicode's property `Default_Ignorable_Code_Point`, the other shapeless format controls
/// (annotations, Egyptian hieroglyphs), Braille's blank and the musical null notehead.
const SHAPELESS: [(char, char); 19] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Reads a first or last name: surrounding spaces are dropped, and an empty name is `None`. Joiners within a name stay, since Persian
/// and emoji need them.
///
/// # Errors
/// The refusals of [`check_line`]; `too-long` (100 characters); `invisible`, when no character has a shape of its own.
pub fn name(text: &str) -> Result<Option<String>, Refusal> {
    check_line(text)?;
    let name = text.trim();
    if text.chars().count() > MAX_CHARACTERS {
        Err(Refusal::new("too-long", "at most 100 characters are allowed"))
    } else if !name.is_empty() && name.chars().all(is_invisible) {
        Err(Refusal::new("invisible", "a name that can be seen is needed"))
    } else {
        Ok(Some(name).filter(|name| !name.is_empty()).map(str::to_owned))
    }
}

/// A first name that a client sends, as the OpenAPI document describes it.
#[must_use]
pub fn described_first_name() -> ObjectBuilder {
    described("Given name; something in it can be seen.", "Ann")
}

/// A last name that a client sends, as the OpenAPI document describes it.
#[must_use]
pub fn described_last_name() -> ObjectBuilder {
    described("Family name; something in it can be seen.", "Bean")
}

fn described(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some(description))
        .max_length(Some(MAX_CHARACTERS))
        .pattern(Some(LINE_PATTERN))
        .examples([example])
}

/// Refuses characters that end a line, or that change the direction of text (UAX #9, 2).
///
/// # Errors
/// `control-character`, `line-separator` (U+2028, U+2029), `bidirectional-control`.
pub fn check_line(text: &str) -> Result<(), Refusal> {
    let refused = |is: fn(char) -> bool, code, what| {
        if text.chars().any(is) { Err(Refusal::new(code, format!("{what} are not allowed"))) } else { Ok(()) }
    };
    refused(char::is_control, "control-character", "control characters")?;
    refused(|c| matches!(c, '\u{2028}' | '\u{2029}'), "line-separator", "line and paragraph separators")?;
    refused(is_bidirectional, "bidirectional-control", "characters that turn the direction of writing")
}

/// Unicode's property `Bidi_Control`.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character alone is invisible; a combining mark needs a letter.
fn is_invisible(c: char) -> bool {
    c.is_whitespace() || is_combining_mark(c) || SHAPELESS.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        name(text).map_or_else(|refusal| refusal.code, |_| "")
    }

    #[test]
    fn names_are_trimmed_and_an_empty_one_is_none() {
        assert_eq!(name("  Ann "), Ok(Some("Ann".to_owned())));
        assert_eq!((name("  "), name("\u{3000}\u{a0}")), (Ok(None), Ok(None)));
        assert_eq!((code(&"\u{e4}".repeat(100)), code(&"\u{e4}".repeat(101))), ("", "too-long"));
    }

    #[test]
    fn what_breaks_a_line_or_turns_it_round_is_refused_wherever_it_is() {
        for (c, expected) in [
            ('\0', "control-character"),
            ('\n', "control-character"),
            ('\u{7f}', "control-character"),
            ('\u{85}', "control-character"),
            ('\u{2028}', "line-separator"),
            ('\u{2029}', "line-separator"),
            ('\u{61c}', "bidirectional-control"),
            ('\u{200e}', "bidirectional-control"),
            ('\u{200f}', "bidirectional-control"),
            ('\u{202a}', "bidirectional-control"),
            ('\u{202e}', "bidirectional-control"),
            ('\u{2066}', "bidirectional-control"),
            ('\u{2069}', "bidirectional-control"),
        ] {
            for text in [format!("A{c}b"), format!("{c}Ann"), format!("Ann{c}"), c.to_string()] {
                assert_eq!(code(&text), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn a_name_of_nothing_that_shows_is_refused() {
        for text in [
            "\u{200b}",
            "\u{200d}\u{200c}",
            "\u{feff}",
            "\u{2800}\u{2800}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{115f} \u{1160}",
            "\u{ad}",
            "\u{301}",
            "\u{903}",
            "\u{fe0f}",
            "\u{2060}\u{180e}",
            "\u{e0041}\u{e007f}",
            "\u{1d159}",
        ] {
            assert_eq!(code(text), "invisible", "{text:?}");
        }
    }

    #[test]
    fn names_of_every_script_are_taken_with_the_joiners_they_need() {
        for text in [
            "\u{0645}\u{06cc}\u{200c}\u{0646}\u{0627}",
            "\u{0936}\u{094d}\u{200d}\u{092f}",
            "\u{1f469}\u{200d}\u{1f4bb}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}",
            "\u{05d3}\u{05d5}\u{05d3}",
            "e\u{301}",
            "\u{97f}",
            "-",
            "O'Neil-Smith, Jr.",
        ] {
            assert_eq!(name(text), Ok(Some(text.to_owned())), "{text:?}");
        }
    }

    /// The characters that the pattern's one class excludes.
    fn excluded() -> Vec<std::ops::RangeInclusive<u32>> {
        let class = LINE_PATTERN.trim_start_matches("^[^").trim_end_matches("]*$");
        let number = |text: &str| u32::from_str_radix(text, 16).unwrap();
        let parts = class.split("\\u").skip(1).collect::<Vec<_>>();
        let mut ranges = Vec::new();
        let mut parts = parts.iter();
        while let Some(part) = parts.next() {
            match part.strip_suffix('-') {
                Some(first) => ranges.push(number(first)..=number(parts.next().unwrap())),
                None => ranges.push(number(part)..=number(part)),
            }
        }
        ranges
    }

    #[test]
    fn the_pattern_says_of_every_character_what_the_rule_says() {
        let excluded = excluded();
        for c in '\0'..=char::MAX {
            let allowed = !excluded.iter().any(|range| range.contains(&u32::from(c)));
            assert_eq!(check_line(c.encode_utf8(&mut [0; 4])).is_ok(), allowed, "U+{:04X}", u32::from(c));
        }
    }
}
