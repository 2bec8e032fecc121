//! The forms in which people use a password again, for the rules of those who require more than the password has. Which ones are
//! usual was counted in 63,783 passwords of breaches that have all four classes: a number and signs around a used one are in 26 of a
//! hundred, words apart in 0.8, signs for letters in 0.5, the shift key held down in 0.1.

use crate::{SIGNS, unshifted};

/// What is left has so many characters, since shorter ones are no passwords on any list.
const CORE_LEAST: usize = 3;
/// No policy accepts shorter ones without a letter.
const LETTERLESS_LEAST: usize = 15;
/// A number and signs at one end, counted in characters.
const END_MOST: usize = 10;
/// Such as a date.
const NUMBER_MOST: usize = 8;
/// Of both ends together; one that is repeated counts once. With more of them, random passwords would be refused.
const SIGNS_MOST: usize = 2;
/// What stands between words that are written apart.
const SEPARATORS: [char; 4] = [' ', '-', '_', '.'];

/// Whether any form of the password, in lower case, is one of those that are looked for.
pub(super) fn any(password: &str, looked_for: &dyn Fn(&[char]) -> bool) -> bool {
    let letters: Vec<char> = password.to_lowercase().chars().collect();
    cores(&letters).any(|core| {
        let changed = [meant(core), changed(core, |letter| Some(unshifted(letter))), joined(core)];
        looked_for(core) || changed.into_iter().flatten().any(|form| looked_for(&form))
    })
}

/// What can be taken from one end: how many characters, and how many numbers and signs they are.
#[derive(Clone, Copy, Default)]
struct End {
    length: usize,
    numbers: usize,
    signs: usize,
}

/// Everything that can be taken from the end that comes first.
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

/// What is left without one number and the signs around it, or some of them.
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

/// With letters where signs stand for them. A digit at an end is a number and no letter.
fn meant(core: &[char]) -> Option<Vec<char>> {
    let number = [core.first(), core.last()].into_iter().flatten().any(|c| c.is_numeric());
    let meant = |sign: char| SIGNS.iter().find(|(_, signs)| signs.contains(sign)).map(|(letter, _)| *letter);
    if number { None } else { changed(core, |letter| Some(meant(letter).unwrap_or(letter))) }
}

/// Without what stands between its words.
fn joined(core: &[char]) -> Option<Vec<char>> {
    changed(core, |letter| Some(letter).filter(|letter| !SEPARATORS.contains(letter)))
}

/// What becomes of the letters, unless they stay as they are.
fn changed(core: &[char], change: impl Fn(char) -> Option<char>) -> Option<Vec<char>> {
    let changed: Vec<char> = core.iter().filter_map(|letter| change(*letter)).collect();
    (changed != core).then_some(changed)
}
