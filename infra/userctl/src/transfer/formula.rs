//! Texts of a CSV file that a spreadsheet would take for formulas (OWASP, "CSV Injection"). Users choose their names, and opening an export
//! must not execute them. So an export puts an apostrophe before such a text, which marks it as text for a spreadsheet, and an import
//! removes it.

/// The first characters of formulas, including their full-width forms. The apostrophe is included so that each text has one form.
const BEGINNINGS: [char; 12] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\'', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A text as it is written to a file.
pub(super) fn guarded(text: String) -> String {
    if text.starts_with(BEGINNINGS) { format!("'{text}") } else { text }
}

/// The text of a value in a file. A value that no export wrote this way is returned as it is.
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
