//! The list. `update.py` makes `list.bin` and describes it. It is searched without unpacking it.

use crate::packed::{Found, Packed};
use crate::words::{self, WORDS};

static DATA: &[u8] = include_bytes!("list.bin");

const COUNT: usize = u32::from_le_bytes([DATA[0], DATA[1], DATA[2], DATA[3]]) as usize;

// Data of another form does not compile.
static KNOWN: (&[u8], &[u8]) = DATA.split_at(4).1.split_at(words::COUNT.div_ceil(8));
static SECTIONS: ([&[u8]; 2], &[u8]) = Packed::sections(COUNT, KNOWN.1);

/// The passwords that are not words of the dictionary.
pub(super) static STORED: Packed = Packed::new(COUNT, SECTIONS.0, SECTIONS.1);

/// The most characters of a password on the list.
pub(super) const LONGEST: usize = 26;
/// The most characters of one that are neither letters nor digits.
pub(super) const SIGNS_MOST: usize = 2;

/// Whether a password, in lower case, is on the list.
pub(super) fn has(password: &[char]) -> bool {
    let signs = password.iter().filter(|letter| !letter.is_alphanumeric()).count();
    if password.len() > LONGEST || signs > SIGNS_MOST {
        return false;
    }
    let known = |word: usize| KNOWN.0.get(word / 8).is_some_and(|bits| bits >> (word % 8) & 1 == 1);
    matches!(STORED.find(password), Found::Word(_)) || matches!(WORDS.find(password), Found::Word(word) if known(word))
}
