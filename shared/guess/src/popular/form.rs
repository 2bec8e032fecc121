//! The forms in which people use a password again when a policy requires more than the password has. The usual ones were counted in
//! 63,783 breached passwords that have all four classes: 26 in a hundred are a used password with a number and signs around it, 0.8 have
//! words apart, 0.5 signs for letters, 0.1 the shift key held down.

use crate::{SIGNS, unshifted};

/// The remaining part has at least this many characters, since no list has shorter passwords.
const CORE_LEAST: usize = 3;
/// A remaining part without letters has at least this many characters, since no policy accepts shorter ones.
const LETTERLESS_LEAST: usize = 15;
/// The most characters of a number and signs at one end.
const END_MOST: usize = 10;
/// The most digits of a number, such as a date.
const NUMBER_MOST: usize = 8;
/// The most signs at both ends together; a repeated one counts once. With more of them, random passwords would be refused.
const SIGNS_MOST: usize = 2;
/// Characters between words that are written apart.
const SEPARATORS: [char; 4] = [' ', '-', '_', '.'];

/// Whether any form of the password, in lower case, satisfies `looked_for`.
pub(super) fn any(password: &str, looked_for: &dyn Fn(&[char]) -> bool) -> bool {
    let letters: Vec<char> = password.to_lowercase().chars().collect();
    cores(&letters).any(|core| {
        let changed = [meant(core), changed(core, |letter| Some(unshifted(letter))), joined(core)];
        looked_for(core) || changed.into_iter().flatten().any(|form| looked_for(&form))
    })
}

/// What can be removed at one end: the number of characters, and how many numbers and signs they are.
#[derive(Clone, Copy, Default)]
struct End {
    length: usize,
    numbers: usize,
    signs: usize,
}

/// Everything that can be removed at the end that comes first.
fn ends<'a>(letters: impl Iterator<Item = &'a char>) -> Vec<End> {
    let (mut found, mut end, mut digits, mut before) = (vec![End::default()], End::default(), 0, None);
    for letter in letters.take(END_MOST) {
        if letter.is_numeric() {
            end.numbers += usize::from(!before.is_some_and(char::is_numeric));
            digits += 1;
        } else if letter.is_alphanumeric() {
            break;
        } else {
            end.signs += usize::from(before != Some(*letter));
        }
        if end.numbers > 1 || digits > NUMBER_MOST || end.signs > SIGNS_MOST {
            break;
        }
        (end.length, before) = (end.length + 1, Some(*letter));
        found.push(end);
    }
    found
}

/// What remains without one number and the signs around it, or some of them.
fn cores(letters: &[char]) -> impl Iterator<Item = &[char]> {
    let last = ends(letters.iter().rev());
    let pairs =
        ends(letters.iter()).into_iter().flat_map(move |first| last.clone().into_iter().map(move |last| (first, last)));
    pairs.filter_map(|(first, last)| {
        let usual = first.numbers + last.numbers <= 1 && first.signs + last.signs <= SIGNS_MOST;
        let core = letters.get(first.length..letters.len().saturating_sub(last.length))?;
        let letters = core.len() >= CORE_LEAST && core.iter().any(|letter| letter.is_alphabetic());
        (usual && (letters || core.len() >= LETTERLESS_LEAST)).then_some(core)
    })
}

/// With letters in the place of the signs that stand for them. A digit at an end is a number, not a letter.
fn meant(core: &[char]) -> Option<Vec<char>> {
    let number = [core.first(), core.last()].into_iter().flatten().any(|c| c.is_numeric());
    let meant = |sign: char| SIGNS.iter().find(|(_, signs)| signs.contains(sign)).map(|(letter, _)| *letter);
    if number { None } else { changed(core, |letter| Some(meant(letter).unwrap_or(letter))) }
}

/// Without the separators between words.
fn joined(core: &[char]) -> Option<Vec<char>> {
    changed(core, |letter| Some(letter).filter(|letter| !SEPARATORS.contains(letter)))
}

/// The changed letters; `None` if nothing changes.
fn changed(core: &[char], change: impl Fn(char) -> Option<char>) -> Option<Vec<char>> {
    let changed: Vec<char> = core.iter().filter_map(|letter| change(*letter)).collect();
    (changed != core).then_some(changed)
}
