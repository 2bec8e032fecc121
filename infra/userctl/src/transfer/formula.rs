//! Texts of a CSV file that a spreadsheet would take for formulas (OWASP, "CSV Injection"). Users choose their names, and whoever opens an
//! export must not run them: such a text gets an apostrophe before it, which a spreadsheet takes for "what follows is text", and which
//! an import takes away again.

/// What a formula begins with, in their wide forms too. The apostrophe is here so that each text has one form.
const BEGINNINGS: [char; 12] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\'', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A text as it stands in a file.
pub(super) fn guarded(text: String) -> String {
    if text.starts_with(BEGINNINGS) { format!("'{text}") } else { text }
}

/// The text that stands in a file. One that no export wrote so is as it is.
pub(super) fn bare(text: String) -> String {
    text.strip_prefix('\'').filter(|rest| rest.starts_with(BEGINNINGS)).map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_guarded_and_every_text_comes_back() {
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n",
            "\u{ff1d}1",
            "'",
            "''",
            "'=1",
            "''=1",
            "'tis",
            "",
            "Ann",
            "A=1",
            " =1",
        ] {
            let file = guarded(text.to_owned());
            assert!(!file.starts_with(BEGINNINGS) || file.starts_with('\''), "{file}");
            assert_eq!(bare(file), text);
        }
        assert_eq!([guarded("=1".to_owned()), guarded("Ann".to_owned())], ["'=1", "Ann"]);
        assert_eq!(bare("'Ann".to_owned()), "'Ann", "somebody else's apostrophe");
    }
}
