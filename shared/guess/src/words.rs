//! The common words with their ranks. `update.py` makes `words.bin` and describes it. It is searched without unpacking it.

use crate::packed::{Packed, number};

static DATA: &[u8] = include_bytes!("words.bin");

/// The length of the longest word.
pub(super) const LONGEST: usize = 23;

/// How many words there are.
pub(crate) const COUNT: usize = u32::from_le_bytes([DATA[0], DATA[1], DATA[2], DATA[3]]) as usize;
const STEP_COUNT: usize = 256;

// Data of another form does not compile.
static SECTIONS: ([&[u8]; 2], &[u8]) = Packed::sections(COUNT, DATA.split_at(4).1);
static STEPS: (&[u8], &[u8]) = SECTIONS.1.split_at(2 * STEP_COUNT);
static RANKS: (&[u8], &[u8]) = STEPS.1.split_at(COUNT);

/// The words.
pub(crate) static WORDS: Packed = Packed::new(COUNT, SECTIONS.0, RANKS.1);

/// The rank of the word with this number, accurate to 2.2 %.
pub(super) fn rank(word: usize) -> u64 {
    let step = RANKS.0.get(word).copied().unwrap_or_default();
    number(STEPS.0, step.into(), STEP_COUNT) as u64
}
