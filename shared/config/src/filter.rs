//! Which lines are logged.

use tracing_subscriber::filter::{LevelFilter, Targets};

/// A level, or levels of crates. `Targets` alone accepts any word as a crate's name, even with blanks, so that `verbose` would silence
/// the whole log.
pub(super) fn filter(value: &str) -> Result<Targets, String> {
    let value: String = value.split_whitespace().collect();
    let is_level = |text: &str| !text.is_empty() && text.parse::<LevelFilter>().is_ok();
    match value.parse() {
        Ok(targets) if value.split(',').all(|part| part.rsplit('=').next().is_some_and(is_level)) => Ok(targets),
        _ => Err("is no list of LEVEL and CRATE=LEVEL, such as user_store=debug,info".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_filter_of_the_log_is_made_of_levels() {
        for (right, own, others) in [
            ("warn", Some(Level::WARN), Some(Level::WARN)),
            ("off", None, None),
            ("user_store=debug,info", Some(Level::DEBUG), Some(Level::INFO)),
            (" WARN , user_store = trace", Some(Level::TRACE), Some(Level::WARN)),
        ] {
            let targets = filter(right).unwrap();
            for (target, most) in [("user_store", own), ("auth", others)] {
                for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
                    let wanted = most.is_some_and(|most| level <= most);
                    assert_eq!(targets.would_enable(target, &level), wanted, "{right}: {target} {level}");
                }
            }
        }
        for wrong in ["", "verbose", "user_store", "user_store=", "info,", "user_store=loud,info"] {
            assert!(filter(wrong).is_err_and(|why| why.starts_with("is no list of LEVEL")), "{wrong}");
        }
    }
}
