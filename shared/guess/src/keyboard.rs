//! Keyboard walks: from each key to a neighbouring one.

use super::{ENOUGH, Ends, choices, variations};

/// Keys in rows, without and with shift; a space means that there is no key.
struct Board {
    layers: &'static [[&'static str; 5]],
    /// Whether each row is shifted by half a key from the one above, so that a key has six neighbours instead of eight.
    slanted: bool,
    /// The number of keys where a walk can start.
    keys: u64,
    /// The average number of neighbours of a key.
    neighbours: u64,
}

const QWERTY: [[&str; 5]; 2] = [
    ["`1234567890-=", " qwertyuiop[]\\", " asdfghjkl;'", " zxcvbnm,./", ""],
    ["~!@#$%^&*()_+", " QWERTYUIOP{}|", " ASDFGHJKL:\"", " ZXCVBNM<>?", ""],
];
const DVORAK: [[&str; 5]; 2] = [
    ["`1234567890[]", " ',.pyfgcrl/=\\", " aoeuidhtns-", " ;qjkxbmwvz", ""],
    ["~!@#$%^&*(){}", " \"<>PYFGCRL?+|", " AOEUIDHTNS_", " :QJKXBMWVZ", ""],
];
const KEYPAD: [[&str; 5]; 1] = [[" /*-", "789+", "456", "123", " 0."]];
const MAC_KEYPAD: [[&str; 5]; 1] = [[" =/*", "789-", "456+", "123", " 0."]];

const BOARDS: [Board; 4] = [
    Board { layers: &QWERTY, slanted: true, keys: 94, neighbours: 4 },
    Board { layers: &DVORAK, slanted: true, keys: 94, neighbours: 4 },
    Board { layers: &KEYPAD, slanted: false, keys: 15, neighbours: 5 },
    Board { layers: &MAC_KEYPAD, slanted: false, keys: 15, neighbours: 5 },
];

/// The position of a key, and whether shift is held.
#[derive(Clone, Copy)]
struct Key {
    column: usize,
    row: usize,
    shifted: bool,
}

/// The character of the same key of a QWERTY keyboard without shift.
pub(crate) fn unshifted(typed: char) -> char {
    let [plain, shifted] = QWERTY;
    let same = |(shifted, plain): (&str, &str)| shifted.chars().zip(plain.chars()).find(|(key, _)| *key == typed);
    shifted.into_iter().zip(plain).find_map(same).map_or(typed, |(_, key)| key)
}

/// Offers every walk of three keys or more. The next walk begins where one ends.
pub(super) fn offer(chars: &[char], ends: &mut Ends) {
    for board in &BOARDS {
        let mut start = 0;
        while start < chars.len() {
            let walk = board.walk(chars.get(start..).unwrap_or_default());
            if walk.length > 2 {
                ends.offer(start, start + walk.length, board.guesses(&walk));
            }
            start += walk.length;
        }
    }
}

struct Walk {
    length: usize,
    turns: usize,
    shifted: usize,
}

impl Board {
    fn key(&self, char: char) -> Option<Key> {
        let rows =
            self.layers.iter().enumerate().flat_map(|(layer, rows)| rows.iter().enumerate().map(move |r| (layer, r)));
        let mut keys = rows.filter_map(|(layer, (row, keys))| {
            keys.chars().position(|key| key == char).map(|column| Key { column, row, shifted: layer > 0 })
        });
        keys.next().filter(|_| char != ' ')
    }

    /// The direction from one key to the other, if they are neighbours.
    fn direction(&self, from: Key, to: Key) -> Option<(isize, isize)> {
        let step = (to.column.checked_signed_diff(from.column)?, to.row.checked_signed_diff(from.row)?);
        let near = step != (0, 0) && step.0.abs() <= 1 && step.1.abs() <= 1;
        (near && !(self.slanted && step.0 == step.1)).then_some(step)
    }

    /// The walk from the first character on.
    fn walk(&self, chars: &[char]) -> Walk {
        let mut keys = chars.iter().map(|char| self.key(*char));
        let first = keys.next().flatten();
        // Brackets that begin a walk count as shifted, as in the original.
        let bracket = self.slanted && matches!(chars.first(), Some('[' | ']'));
        let mut walk =
            Walk { length: 1, turns: 0, shifted: usize::from(bracket || first.is_some_and(|key| key.shifted)) };
        let (mut before, mut direction) = (first, None);
        for key in keys {
            let (Some(from), Some(to)) = (before, key) else { break };
            let Some(step) = self.direction(from, to) else { break };
            walk.length += 1;
            walk.shifted += usize::from(to.shifted);
            walk.turns += usize::from(direction != Some(step));
            (before, direction) = (key, Some(step));
        }
        walk
    }

    /// The guesses for all walks that are not longer and do not turn more often.
    fn guesses(&self, walk: &Walk) -> u64 {
        let mut guesses = 0_u64;
        for steps in 1..walk.length {
            let mut paths = self.keys;
            for turn in 0..walk.turns.min(steps) {
                paths = paths.saturating_mul(self.neighbours);
                guesses = guesses.saturating_add(choices(steps, turn).saturating_mul(paths));
            }
            if guesses > ENOUGH {
                return guesses;
            }
        }
        match (walk.shifted, walk.length - walk.shifted) {
            (0, _) => guesses,
            (_, 0) => guesses.saturating_mul(2),
            (shifted, others) => guesses.saturating_mul(variations(shifted, others)),
        }
    }
}
