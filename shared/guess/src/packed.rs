//! Sorted words in a file that is searched without unpacking it. `pack.py` writes its sections and describes them.

use std::cmp::Ordering;

const BLOCK: usize = 128;
/// The mark of a word's last letter.
const LAST: u8 = 0x80;

/// The sections of a file.
pub(super) struct Packed {
    count: usize,
    shared: &'static [u8],
    starts: &'static [u8],
    endings: &'static [u8],
}

/// The result of a search for some letters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// They are the word with this number; longer words may begin with it.
    Word(usize),
    /// Some words begin with them.
    Beginning,
    /// No word begins with them.
    Nothing,
}

impl Packed {
    /// The first two sections for `count` words, and the rest of the data. Data of another form does not compile.
    pub(super) const fn sections(count: usize, data: &'static [u8]) -> ([&'static [u8]; 2], &'static [u8]) {
        let (shared, rest) = data.split_at(count.div_ceil(2));
        let (starts, rest) = rest.split_at(3 * count.div_ceil(BLOCK));
        ([shared, starts], rest)
    }

    pub(super) const fn new(count: usize, [shared, starts]: [&'static [u8]; 2], endings: &'static [u8]) -> Self {
        Self { count, shared, starts, endings }
    }

    /// Tells whether letters are a word, or begin one.
    pub(super) fn find(&self, letters: &[char]) -> Found {
        let (mut low, mut high) = (0, self.count.div_ceil(BLOCK));
        while low < high {
            let middle = low.midpoint(high);
            let (order, _) = compare(self.ending(self.start(middle)), letters);
            if order == Ordering::Greater { high = middle } else { low = middle + 1 }
        }
        let block = low.saturating_sub(1);
        let (mut at, mut same) = (self.start(block), 0);
        for number in block * BLOCK..self.count {
            let (shared, ending) = (self.shared(number), self.ending(at));
            // A word that shares more letters with the one before it than we do comes before ours, as that one did.
            if shared <= same {
                let left = letters.get(shared..).unwrap_or_default();
                match compare(ending, left) {
                    (Ordering::Less, more) => same = shared + more,
                    (Ordering::Equal, _) => return Found::Word(number),
                    (Ordering::Greater, more) if more == left.len() => return Found::Beginning,
                    (Ordering::Greater, _) => return Found::Nothing,
                }
            }
            at += ending.len();
        }
        Found::Nothing
    }

    /// The letters from `at` to the end of their word.
    fn ending(&self, at: usize) -> &'static [u8] {
        let rest = self.endings.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| byte & LAST != 0).map_or(rest.len(), |last| last + 1);
        rest.get(..length).unwrap_or_default()
    }

    fn start(&self, block: usize) -> usize {
        number(self.starts, block, self.count.div_ceil(BLOCK))
    }

    fn shared(&self, word: usize) -> usize {
        let pair = self.shared.get(word / 2).copied().unwrap_or_default();
        usize::from(if word.is_multiple_of(2) { pair & 0x0F } else { pair >> 4 })
    }

    /// Every word.
    #[cfg(test)]
    pub(super) fn all(&self) -> Vec<String> {
        let (mut at, mut word) = (0, String::new());
        let mut next = |number| {
            word.truncate(self.shared(number));
            word.extend(self.ending(at).iter().map(|byte| char::from(byte & !LAST)));
            at += self.ending(at).len();
            word.clone()
        };
        (0..self.count).map(&mut next).collect()
    }
}

/// The order of an ending and some letters, and how many of them are the same.
fn compare(ending: &[u8], letters: &[char]) -> (Ordering, usize) {
    let mut letters = letters.iter();
    for (same, byte) in ending.iter().enumerate() {
        let order = letters.next().map_or(Ordering::Greater, |letter| char::from(byte & !LAST).cmp(letter));
        if order.is_ne() {
            return (order, same);
        }
    }
    (if letters.len() == 0 { Ordering::Equal } else { Ordering::Less }, ending.len())
}

/// A number of a section that has all low bytes first.
pub(super) fn number(section: &[u8], index: usize, count: usize) -> usize {
    let bytes = section.iter().skip(index).step_by(count).rev();
    bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
}
