//! Words at either end of a password: common and known ones, in any letter case, backwards, and with signs for letters.

use super::words::{self, WORDS};
use super::{Ends, variations};
use crate::packed::Found;

/// The signs that are written for letters. If two letters have the same sign, the first one is the usual one.
pub(crate) const SIGNS: [(char, &str); 12] = [
    ('a', "4@"),
    ('b', "8"),
    ('c', "({[<"),
    ('e', "3"),
    ('g', "69"),
    ('i', "1!|"),
    ('o', "0"),
    ('s', "$5"),
    ('t', "+7"),
    ('l', "1|7"),
    ('x', "%"),
    ('z', "2"),
];

/// Offers every word at an end of the characters.
pub(super) fn offer(chars: &[char], known: &[Vec<char>], ends: &mut Ends) {
    let length = chars.len();
    Text::new(chars.to_vec(), true).offer(known, &mut |start, end, guesses| ends.offer(start, end, guesses));
    let backwards = Text::new(chars.iter().rev().copied().collect(), false);
    backwards.offer(known, &mut |start, end, guesses| {
        ends.offer(length - end, length - start, guesses.saturating_mul(2));
    });
}

/// Is called with the start and the end of a word and its guesses.
type Offer<'a> = dyn FnMut(usize, usize, u64) + 'a;

struct Text {
    chars: Vec<char>,
    /// In lower case. The Turkish dotted capital becomes two characters, so that words after it are not found, as in the original (which
    /// differs a little where signs follow it).
    lower: Vec<char>,
    /// Whether signs may stand for letters.
    signs: bool,
}

impl Text {
    fn new(chars: Vec<char>, signs: bool) -> Self {
        let lower = chars.iter().collect::<String>().to_lowercase().chars().collect();
        Self { chars, lower, signs }
    }

    fn offer(&self, known: &[Vec<char>], offer: &mut Offer<'_>) {
        let last = self.chars.len().saturating_sub(words::LONGEST).max(1)..self.chars.len();
        for start in std::iter::once(0).chain(last) {
            self.walk(start, &mut Vec::new(), offer);
        }
        for (index, word) in known.iter().enumerate() {
            // If a word is known twice, its last place counts.
            let last = known.iter().skip(index + 1).all(|other| other != word);
            let (rank, length) = (index as u64 + 1, word.len());
            if last && (1..=self.chars.len()).contains(&length) {
                self.word(0, word, rank, offer);
                self.word(self.chars.len() - length, word, rank, offer);
            }
        }
    }

    /// Offers the common words that begin at `start` with the letters of `word` and lie at an end.
    fn walk(&self, start: usize, word: &mut Vec<char>, offer: &mut Offer<'_>) {
        let end = start + word.len();
        if !word.is_empty() {
            match WORDS.find(word) {
                Found::Word(number) if start == 0 || end == self.chars.len() => {
                    self.word(start, word, words::rank(number), offer);
                }
                Found::Word(_) | Found::Beginning => {}
                Found::Nothing => return,
            }
        }
        let Some(typed) = self.lower.get(end).copied().filter(|_| end < self.chars.len()) else { return };
        let meant = SIGNS.iter().filter(|(_, signs)| self.signs && signs.contains(typed)).map(|(letter, _)| *letter);
        for letter in std::iter::once(typed).chain(meant) {
            word.push(letter);
            self.walk(start, word, offer);
            word.pop();
        }
    }

    /// Offers a word if the characters from `start` on can stand for it.
    fn word(&self, start: usize, word: &[char], rank: u64, offer: &mut Offer<'_>) {
        let range = start..start + word.len();
        let (Some(chars), Some(lower)) = (self.chars.get(range.clone()), self.lower.get(range.clone())) else { return };
        if let Some(ways) = self.ways(lower, word) {
            offer(start, range.end, rank.saturating_mul(capitals(chars)).saturating_mul(ways));
        }
    }

    /// In how many ways signs could have been written for the letters of a word; `None` when `typed` cannot stand for it.
    fn ways(&self, typed: &[char], word: &[char]) -> Option<u64> {
        let mut swaps: Vec<(char, char)> = Vec::new();
        for (sign, letter) in typed.iter().copied().zip(word.iter().copied()).filter(|(sign, letter)| sign != letter) {
            if !swaps.contains(&(sign, letter)) {
                swaps.push((sign, letter));
            }
        }
        if swaps.is_empty() {
            return Some(1);
        }
        (self.signs && self.consistent(&swaps, typed, word)).then(|| {
            let count = |char| typed.iter().filter(|typed| **typed == char).count();
            let ways = |(sign, letter): &(char, char)| variations(count(*sign), count(*letter)).max(2);
            swaps.iter().map(ways).fold(1, u64::saturating_mul)
        })
    }

    /// Whether the swaps are of the kind that an attacker tries: in the whole password a sign means one letter, a letter is written with
    /// one sign, and a letter whose signs occur in the password is always written with one, unless that sign means another letter.
    fn consistent(&self, swaps: &[(char, char)], typed: &[char], word: &[char]) -> bool {
        let swapped = |sign: char| swaps.iter().any(|swap| swap.0 == sign);
        let alone = swaps.iter().enumerate().all(|(index, one)| {
            let letter = SIGNS.iter().any(|(letter, signs)| *letter == one.1 && signs.contains(one.0));
            letter && swaps.iter().skip(index + 1).all(|other| one.0 != other.0 && one.1 != other.1)
        });
        let everywhere = typed.iter().zip(word).all(|(sign, letter)| sign != letter || !swapped(*sign));
        let used = SIGNS.iter().all(|(_, signs)| {
            let mut present = signs.chars().filter(|sign| self.lower.contains(sign)).peekable();
            present.peek().is_none() || present.any(|sign| swapped(sign) || !typed.contains(&sign))
        });
        alone && everywhere && used
    }
}

/// In how many ways the capitals of a word could be set. One at an end, or all, is the usual way.
fn capitals(word: &[char]) -> u64 {
    if word.iter().flat_map(|c| c.to_lowercase()).eq(word.iter().copied()) {
        return 1;
    }
    let upper = word.iter().filter(|c| c.is_uppercase()).count();
    let lower = word.iter().filter(|c| c.is_lowercase()).count();
    let at_end = [word.first(), word.last()].into_iter().flatten().any(|c| c.is_uppercase());
    if upper == word.len() || upper == 1 && at_end { 2 } else { variations(upper, lower) }
}
