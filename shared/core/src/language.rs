//! The languages that emails are written in.

use crate::words::words;

words! {
    /// A language of emails, by its primary subtag (RFC 5646, 2.2.1).
    #[derive(Default)]
    Language {
        /// English; also the default when no preferred language is available.
        #[default]
        En = "en",
        /// German.
        De = "de",
    }
}

impl Language {
    /// This language if emails are available in it, otherwise the default.
    #[must_use]
    pub fn spoken(self) -> Self {
        if self.is_known() { self } else { Self::default() }
    }

    /// The language that an `Accept-Language` header prefers (RFC 9110, 12.5.4); of two with the same weight, the first.
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let mut best = (Self::default(), 0.0);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let subtag = parts.next().and_then(|tag| tag.split('-').next()).unwrap_or_default();
            let weight =
                parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            let known = Self::ALL.iter().copied().find(|language| language.as_str().eq_ignore_ascii_case(subtag));
            if let Some(language) = known.filter(|_| weight > best.1) {
                best = (language, weight);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_liked_best_of_those_there_are() {
        for (header, expected) in [
            ("", Language::En),
            ("*", Language::En),
            ("fr", Language::En),
            ("de", Language::De),
            ("DE-at", Language::De),
            ("fr, de;q=0.5, en;q=0.4", Language::De),
            ("en;q=0.4, de;q=0.5", Language::De),
            ("en, de", Language::En),
            ("de;q=0", Language::En),
            ("de;q=none,en;q=0.1", Language::En),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }
}
