//! How many guesses a password withstands, after Wheeler, "zxcvbn: Low-Budget Password Strength Estimation" (USENIX Security 2016).
//!
//! A password is divided into parts that an attacker would try: words, keyboard walks, repeats, dates. The cheapest division counts:
//! the product of the parts' guesses, times the number of their orders, plus `10_000^(parts - 1)` for the attacker who tries fewer
//! parts first. So three parts always cost more than [`ENOUGH`]: only divisions into one or two parts have to be tried, and only
//! matches at the beginning and at the end.

mod dictionary;
mod keyboard;
mod packed;
mod pattern;
pub mod popular;
#[cfg(test)]
mod tests;
mod words;

use dictionary::SIGNS;
use keyboard::unshifted;

/// The largest result, which means this many guesses or more.
pub const ENOUGH: u64 = 100_000_000;
/// How many characters of a password are looked at.
const MOST_CHARACTERS: usize = 100;
/// The year from which the distance of others is counted. Years up to twenty years away cost the same. When this year has passed, older
/// ones cost a little less than they should, so it need not be up to date.
const YEAR: i64 = 2026;
/// What one more part costs an attacker.
const PART: u64 = 10_000;

/// How many guesses find the password, accurate to a twentieth below [`ENOUGH`]. `known` are the words an attacker would try first,
/// in that order.
#[must_use]
pub fn guesses(password: &str, known: &[&str]) -> u64 {
    in_year(password, known, YEAR)
}

fn in_year(password: &str, known: &[&str], year: i64) -> u64 {
    let chars: Vec<char> = password.chars().take(MOST_CHARACTERS).collect();
    let known: Vec<Vec<char>> = known.iter().map(|word| word.to_lowercase().chars().collect()).collect();
    if chars.is_empty() { 0 } else { Attack { known: &known, year }.guesses(&chars) }
}

/// What the attacker knows.
#[derive(Clone, Copy)]
struct Attack<'a> {
    /// In lower case.
    known: &'a [Vec<char>],
    year: i64,
}

impl Attack<'_> {
    /// The guesses for these characters, [`ENOUGH`] at most.
    fn guesses(self, chars: &[char]) -> u64 {
        let mut ends = Ends::new(chars.len());
        dictionary::offer(chars, self.known, &mut ends);
        keyboard::offer(chars, &mut ends);
        pattern::offer(chars, self, &mut ends);
        ends.guesses()
    }
}

/// The cheapest matches at either end of a password.
struct Ends {
    /// For the first `index` characters.
    first: Vec<u64>,
    /// For all but the first `index` characters.
    rest: Vec<u64>,
}

impl Ends {
    /// Starts with the guesses of brute force, ten for each character, which other matches can undercut.
    fn new(length: usize) -> Self {
        let all = |count: usize| match count {
            1 => 11,
            count => (0..count).fold(1_u64, |guesses, _| guesses.saturating_mul(10)),
        };
        Self { first: (0..=length).map(all).collect(), rest: (0..=length).rev().map(all).collect() }
    }

    /// Takes a match of the characters from `start` up to `end`. A part of a password costs more than a whole one, because the
    /// attacker does not know where it ends.
    fn offer(&mut self, start: usize, end: usize, guesses: u64) {
        let whole = self.first.len() - 1;
        let least = match end.saturating_sub(start) {
            length if length == whole => 1,
            1 => 10,
            _ => 50,
        };
        let at_start = self.first.get_mut(end).filter(|_| start == 0);
        let at_end = self.rest.get_mut(start).filter(|_| end == whole);
        for cheapest in at_start.into_iter().chain(at_end) {
            *cheapest = guesses.max(least).min(*cheapest);
        }
    }

    /// The guesses for the whole: as one part, or as two in either order.
    fn guesses(&self) -> u64 {
        let one = self.first.last().map_or(ENOUGH, |guesses| guesses.saturating_add(1));
        let inner = 1..self.first.len() - 1;
        let pairs = self.first.iter().zip(&self.rest).take(inner.end).skip(inner.start);
        let two = pairs.map(|(first, rest)| first.saturating_mul(*rest).saturating_mul(2).saturating_add(PART)).min();
        one.min(two.unwrap_or(ENOUGH)).min(ENOUGH)
    }
}

/// In how many ways `count` things can be chosen from `all`; a large number if the result would overflow.
fn choices(all: usize, count: usize) -> u64 {
    let all = all as u64;
    (1..=count as u64).fold(1, |ways: u64, next| ways.saturating_mul((all + 1).saturating_sub(next)) / next)
}

/// In how many ways the rarer of two kinds of character can be spread over the places of both.
fn variations(some: usize, others: usize) -> u64 {
    (1..=some.min(others)).fold(0, |sum: u64, count| sum.saturating_add(choices(some + others, count)))
}
