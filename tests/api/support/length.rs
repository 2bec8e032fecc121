//! The length of randomised tests.

/// So many rounds, steps or requests if `AT_LENGTH=1` is set, as in a CI job; otherwise a tenth of them.
#[expect(clippy::disallowed_methods, reason = "no setting of the service")]
pub(crate) fn at_length(full: usize) -> usize {
    if std::env::var("AT_LENGTH").is_ok_and(|set| set == "1") { full } else { full / 10 }
}
