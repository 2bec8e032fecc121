//! Settings from the environment, which override the template, and their names.

use std::collections::BTreeMap;

/// The region of the local stack.
pub const REGION: &str = "local";

/// The variables of the environment, which override the template's. A variable that is not UTF-8 is no setting.
#[must_use]
pub fn settings() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The environment name of a parameter: `Argon2MemoryKib` is `ARGON2_MEMORY_KIB`.
#[must_use]
pub fn environment_name(parameter: &str) -> String {
    let mut name = String::new();
    for c in parameter.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}
