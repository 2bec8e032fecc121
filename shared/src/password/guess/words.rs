//! The common words with their ranks. `words.bin` is made by `update.py`, which describes it; nothing of it is unpacked.

use std::cmp::Ordering;

static DATA: &[u8] = include_bytes!("words.bin");

/// The length of the longest word.
pub(super) const LONGEST: usize = 23;
const BLOCK: usize = 128;
/// The mark of a word's last letter.
const LAST: u8 = 0x80;

const COUNT: usize = u32::from_le_bytes([DATA[0], DATA[1], DATA[2], DATA[3]]) as usize;
const BLOCKS: usize = COUNT.div_ceil(BLOCK);
const STEP_COUNT: usize = 256;

// A file of another form does not compile.
static SHARED: (&[u8], &[u8]) = DATA.split_at(4).1.split_at(COUNT.div_ceil(2));
static STARTS: (&[u8], &[u8]) = SHARED.1.split_at(3 * BLOCKS);
static STEPS: (&[u8], &[u8]) = STARTS.1.split_at(2 * STEP_COUNT);
static RANKS: (&[u8], &[u8]) = STEPS.1.split_at(COUNT);
static ENDINGS: &[u8] = RANKS.1;

/// What the list says of some letters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A word, by its rank, of which 2.2 % may be missing or too much; longer ones may begin with it.
    Word(u64),
    /// Some words begin so.
    Beginning,
    /// No word begins so.
    Nothing,
}

/// Says whether letters are a word, or begin one.
pub(super) fn find(letters: &[char]) -> Found {
    let (mut low, mut high) = (0, BLOCKS);
    while low < high {
        let middle = low.midpoint(high);
        if compare(start(middle), letters).0 == Ordering::Greater { high = middle } else { low = middle + 1 }
    }
    let block = low.saturating_sub(1);
    let (mut at, mut same) = (start(block), 0);
    for number in block * BLOCK..COUNT {
        // A word that shares more with the one before than the letters do lies before them just as that one did.
        let shared = shared(number);
        if shared <= same {
            let left = letters.get(shared..).unwrap_or_default();
            match compare(at, left) {
                (Ordering::Less, more) => same = shared + more,
                (Ordering::Equal, _) => return Found::Word(rank(number)),
                (Ordering::Greater, more) if more == left.len() => return Found::Beginning,
                (Ordering::Greater, _) => return Found::Nothing,
            }
        }
        at += ending(at).len();
    }
    Found::Nothing
}

/// How the ending at a place stands to some letters, and how many of them are the same.
fn compare(at: usize, letters: &[char]) -> (Ordering, usize) {
    let mut letters = letters.iter();
    for (same, byte) in ending(at).iter().enumerate() {
        let order = letters.next().map_or(Ordering::Greater, |letter| char::from(byte & !LAST).cmp(letter));
        if order.is_ne() {
            return (order, same);
        }
    }
    let same = ending(at).len();
    (if letters.len() == 0 { Ordering::Equal } else { Ordering::Less }, same)
}

/// The letters from a place to the end of their word.
fn ending(at: usize) -> &'static [u8] {
    let rest = ENDINGS.get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| byte & LAST != 0).map_or(rest.len(), |last| last + 1);
    rest.get(..length).unwrap_or_default()
}

/// A number of a section that holds all low bytes first.
fn number(section: &[u8], index: usize, count: usize) -> usize {
    let bytes = section.iter().skip(index).step_by(count).rev();
    bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn start(block: usize) -> usize {
    number(STARTS.0, block, BLOCKS)
}

fn rank(word: usize) -> u64 {
    let step = RANKS.0.get(word).copied().unwrap_or_default();
    number(STEPS.0, step.into(), STEP_COUNT) as u64
}

fn shared(word: usize) -> usize {
    let pair = SHARED.0.get(word / 2).copied().unwrap_or_default();
    usize::from(if word.is_multiple_of(2) { pair & 0x0F } else { pair >> 4 })
}

/// Every word.
#[cfg(test)]
pub(super) fn all() -> Vec<String> {
    let (mut at, mut word) = (0, String::new());
    let mut next = |number| {
        word.truncate(shared(number));
        word.extend(ending(at).iter().map(|byte| char::from(byte & !LAST)));
        at += ending(at).len();
        word.clone()
    };
    (0..COUNT).map(&mut next).collect()
}
