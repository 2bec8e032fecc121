//! Repeats, sequences, years and dates.

use super::{Attack, Ends};

/// The cost of all years that are no further away than this.
const YEARS_LEAST: u64 = 20;
const LONGEST_DATE: usize = 10;
const SHORTEST_DATE: usize = 4;
const FIRST_YEAR: i64 = 1000;
const LAST_YEAR: i64 = 2050;

/// Offers all matches of the four kinds.
pub(super) fn offer(chars: &[char], attack: Attack<'_>, ends: &mut Ends) {
    repeats(chars, attack, ends);
    sequences(chars, ends);
    years(chars, attack.year, ends);
    dates(chars, attack.year, ends);
}

/// From left to right, the longest run of a repeated part: the guesses for the part, times the number of repetitions.
fn repeats(chars: &[char], attack: Attack<'_>, ends: &mut Ends) {
    let mut start = 0;
    while let Some(rest) = chars.get(start..).filter(|rest| !rest.is_empty()) {
        let Some((length, unit)) = run(rest) else {
            start += 1;
            continue;
        };
        if start == 0 || start + length == chars.len() {
            let guesses = attack.guesses(rest.get(..unit).unwrap_or_default());
            ends.offer(start, start + length, guesses.saturating_mul((length / unit) as u64));
        }
        start += length;
    }
}

/// The length of the run that the characters begin with, and of the part that it repeats.
fn run(chars: &[char]) -> Option<(usize, usize)> {
    let long = |unit: &usize| length_of_run(chars, *unit) > *unit;
    let shortest = (1..=chars.len() / 2).find(long)?;
    let longest = (1..=chars.len() / 2).rev().find(long)?;
    let (short, length) = (length_of_run(chars, shortest), length_of_run(chars, longest));
    if length <= short {
        return Some((short, shortest));
    }
    // The repeated part may itself be a repetition.
    let whole = chars.get(..length).unwrap_or_default();
    let unit = (1..=longest).find(|unit| length % unit == 0 && length_of_run(whole, *unit) == length);
    Some((length, unit.unwrap_or(longest)))
}

/// How far the first `unit` characters are repeated, in whole units. No run crosses the end of a line.
fn length_of_run(chars: &[char], unit: usize) -> usize {
    let later = chars.iter().skip(unit);
    let same = chars.iter().zip(later).take_while(|(one, other)| one == other && **one != '\n').count();
    unit + same / unit * unit
}

/// Characters at equal distances, at most five places.
fn sequences(chars: &[char], ends: &mut Ends) {
    let place = |index: usize| chars.get(index).map_or(0, |char| i64::from(u32::from(*char)));
    let (mut start, mut step) = (0, 0);
    for last in 0..chars.len() {
        let next = place(last + 1) - place(last);
        if last + 1 < chars.len() && (step == 0 || step == next) {
            step = next;
            continue;
        }
        if (last - start > 1 || step.abs() == 1) && (1..=5).contains(&step.abs()) {
            let first = chars.get(start).copied().unwrap_or_default();
            let starts = match first {
                'a' | 'A' | 'z' | 'Z' | '0' | '1' | '9' => 4,
                _ if first.is_ascii_digit() => 10,
                _ => 26,
            };
            let directions = if step < 0 { 2 } else { 1 };
            ends.offer(start, last + 1, starts * directions * (last + 1 - start) as u64);
        }
        (start, step) = (last, next);
    }
}

/// The number that the digits stand for.
fn number(digits: &[char]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |number, digit| Some(number * 10 + i64::from(digit.to_digit(10)?)))
}

fn years_between(one: i64, other: i64) -> u64 {
    one.abs_diff(other).max(YEARS_LEAST)
}

/// From left to right, years from 1900 to 2099.
fn years(chars: &[char], now: i64, ends: &mut Ends) {
    let mut start = 0;
    while let Some(digits) = chars.get(start..start + 4) {
        match number(digits) {
            Some(year @ 1900..2100) => {
                ends.offer(start, start + 4, years_between(year, now));
                start += 4;
            }
            _ => start += 1,
        }
    }
}

/// The longest date at either end.
fn dates(chars: &[char], now: i64, ends: &mut Ends) {
    let length = chars.len();
    let lengths = || (SHORTEST_DATE..=LONGEST_DATE.min(length)).rev();
    let mut offer = |start: usize, end: usize| {
        let guesses = chars.get(start..end).and_then(|date| date_guesses(date, now));
        guesses.inspect(|guesses| ends.offer(start, end, *guesses)).is_some()
    };
    let _ = lengths().any(|count| offer(0, count));
    let _ = lengths().any(|count| offer(length - count, length));
}

/// The guesses for a date: the days in the years from now to it, four times as many with a separator.
fn date_guesses(chars: &[char], now: i64) -> Option<u64> {
    let days = |year: i64| years_between(year, now) * 365;
    let is_separator = |char: &char| char.is_whitespace() || "/\\_.-".contains(*char);
    let Some(separator) = chars.iter().find(|char| is_separator(char)) else {
        return without_separator(chars).map(days).min();
    };
    let mut parts = chars.split(|char| char == separator);
    let (Some(first), Some(second), Some(third), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let fits = [(first, 4), (second, 2), (third, 4)].iter().all(|(part, most)| (1..=*most).contains(&part.len()));
    let year = year(number(first)?, number(second)?, number(third)?);
    year.filter(|_| fits && chars.len() > 5).map(|year| days(year) * 4)
}

/// The years of the dates that digits without a separator can mean.
fn without_separator(digits: &[char]) -> impl Iterator<Item = i64> {
    let cuts: &[(usize, usize)] = match digits.len() {
        4 => &[(1, 2), (2, 3)],
        5 => &[(1, 3), (2, 3)],
        6 => &[(1, 2), (2, 4), (4, 5)],
        7 => &[(1, 3), (2, 3), (4, 5), (4, 6)],
        8 => &[(2, 4), (4, 6)],
        _ => &[],
    };
    cuts.iter().filter_map(move |(one, two)| {
        year(number(digits.get(..*one)?)?, number(digits.get(*one..*two)?)?, number(digits.get(*two..)?)?)
    })
}

/// The year of a date that has it first or last. A year of two digits is from 1951 to 2050.
fn year(first: i64, second: i64, third: i64) -> Option<i64> {
    let parts = [first, second, third];
    let count = |test: fn(i64) -> bool| parts.iter().filter(|part| test(**part)).count();
    let possible = (1..=31).contains(&second)
        && parts.iter().all(|part| (0..100).contains(part) || (FIRST_YEAR..=LAST_YEAR).contains(part))
        && count(|part| part > 31) < 2
        && count(|part| part > 12) < 3
        && count(|part| part == 0) < 2;
    let is_day = |one: i64, other: i64| (1..=31).contains(&one) && (1..=12).contains(&other);
    let is_date = |one, other| is_day(one, other) || is_day(other, one);
    let orders = [(third, first), (first, third)];
    let long = orders.iter().find(|(year, _)| *year >= FIRST_YEAR);
    let found = match long {
        Some(order) => Some(order).filter(|(_, other)| is_date(*other, second)),
        None => orders.iter().find(|(_, other)| is_date(*other, second)),
    };
    found.filter(|_| possible).map(|(year, _)| match year {
        0..=50 => year + 2000,
        51..=99 => year + 1900,
        _ => *year,
    })
}
