//! Times in the formats of other services: RFC 3339, `PostgreSQL`'s and Cognito's.

use user_core::clock::Timestamp;
use user_core::error::Refusal;

pub(super) const DAY: i64 = 86_400;
/// Seconds from 1970 to the end of 9999.
const RANGE: std::ops::Range<i64> = 0..253_402_300_800;

/// Reads a time such as `2026-11-23T08:00:00Z`, `2026-11-23 09:00:00.25+01`, `1795420800` or `1795420800.123`. Without an offset it is
/// UTC; parts of a second are dropped.
///
/// # Errors
/// If it is no time from 1970 to 9999.
pub fn read(text: &str) -> Result<Timestamp, Refusal> {
    let text = text.trim();
    let seconds = calendar(text).or_else(|| epoch(text)).filter(|seconds| RANGE.contains(seconds));
    seconds
        .map(Timestamp)
        .ok_or_else(|| Refusal::new("bad-timestamp", "a time such as 2026-11-23T08:00:00Z is needed, from 1970 on"))
}

fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then(|| whole.parse().ok()).flatten()
}

fn calendar(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut date = date.split('-');
    let (year, month, day) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
    if date.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let (time, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let mut time = time.split(':');
    let (hour, minute, second) = (number(time.next()?, 2)?, number(time.next()?, 2)?, number(time.next()?, 2)?);
    if time.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return None;
            }
            zone
        }
        None => rest,
    };
    Some(days_to(year, month, day) * DAY + hour * 3_600 + minute * 60 + second.min(59) - offset(rest)?)
}

/// The offset from UTC in seconds, of `Z`, `+01`, `+0130`, `+01:30` or nothing.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = rest.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let minutes = if minutes.is_empty() { 0 } else { number(minutes, 2)? };
    Some(sign * (number(hours, 2)? * 3_600 + minutes * 60))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let clean = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    clean.then(|| text.parse().ok()).flatten()
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The number of days from 1970-01-01.
fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    // 719,162 days lie between the first day of year 1 and 1970-01-01.
    before * 365 + leap_days - 719_162 + (1..month).map(|month| days_in(year, month)).sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_each_service_writes_them() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-23T08:00:00Z", 1_795_420_800),
            ("2026-11-23 09:00:00.25+01", 1_795_420_800),
            ("2026-11-23 02:30:00-0530", 1_795_420_800),
            ("2026-11-23T08:00:00.123456", 1_795_420_800),
            ("2026-11-23T08:00:00.123000+00:00", 1_795_420_800),
            ("2000-02-29 00:00:00", 951_782_400),
            ("1795420800", 1_795_420_800),
            ("1795420800.123", 1_795_420_800),
        ] {
            assert_eq!(read(text), Ok(Timestamp(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-11-23",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T08:00:00.Z",
            "2026-11-23T08:00:00+1",
            "1969-12-31T23:59:59Z",
            "-1",
            "9999999999999",
            "2026-11-2\u{00FC}T08:00:00Z",
        ] {
            assert_eq!(read(text).unwrap_err().code, "bad-timestamp", "{text}");
        }
    }
}
