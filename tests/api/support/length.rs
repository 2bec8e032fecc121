//! How long the tests of chance are.

/// So many rounds, steps or requests when `AT_LENGTH=1` is set, as a job of CI does; a tenth of them for whoever waits.
#[expect(clippy::disallowed_methods, reason = "no setting of the service")]
pub(crate) fn at_length(full: usize) -> usize {
    if std::env::var("AT_LENGTH").is_ok_and(|set| set == "1") { full } else { full / 10 }
}
