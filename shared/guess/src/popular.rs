//! Passwords in common use (NIST SP 800-63B-4, 3.1.1.2; OWASP ASVS 5.0, 6.2.4): the most used of a published list, in the forms in
//! which people use them again. The list is exact: a password that is on it in none of these forms is never taken for a used one.

mod form;
mod list;
#[cfg(test)]
mod tests;

/// Whether the password is one in common use, in any letter case: as it is, with a number and signs around it, with signs for letters,
/// with the shift key held down for digits, or with its words apart.
#[must_use]
pub fn is_used(password: &str) -> bool {
    form::any(password, &list::has)
}

/// Whether it is one of the known words in such a form.
#[must_use]
pub fn is_known(password: &str, known: &[&str]) -> bool {
    let known: Vec<Vec<char>> = known.iter().map(|word| word.to_lowercase().chars().collect()).collect();
    form::any(password, &|form| known.iter().any(|word| word == form))
}
