use user_core::password::GUESSES_MINIMUM;
use words::WORDS;

use super::*;
use crate::packed::Found;

const KNOWN: [&str; 9] =
    ["ann.bean@example.com", "Ann", "Bean", "Coffee Shop", "ann", "bean", "example", "ΝΙΚΟΣ", "Çelik-Işık"];

/// Marsaglia's xorshift, which gives the same numbers in every run.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    pub(crate) fn text(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    /// Some letters in upper case: the first, the last, all, or any.
    fn capitals(&mut self, word: &str) -> String {
        let (kind, last) = (self.below(6), word.chars().count().saturating_sub(1));
        let upper = |index: usize, chance: &mut Self| match kind {
            0 => index == 0,
            1 => index == last,
            2 => true,
            3 => chance.below(3) == 0,
            _ => false,
        };
        word.chars().enumerate().map(|(i, c)| if upper(i, self) { c.to_ascii_uppercase() } else { c }).collect()
    }

    /// Signs for some letters.
    fn signs(&mut self, word: &str) -> String {
        let often = 1 + self.below(3);
        let swaps = ["a4@", "b8", "c({[<", "e3", "g69", "i1!|", "l1|7", "o0", "s$5", "t+7", "x%", "z2"];
        let sign = |letter: char, chance: &mut Self| match swaps.iter().find(|swap| swap.starts_with(letter)) {
            Some(swap) if chance.below(often) == 0 => swap.chars().nth(1 + chance.below(swap.len() - 1)).unwrap(),
            _ => letter,
        };
        word.chars().map(|letter| sign(letter, self)).collect()
    }

    fn word(&mut self, words: &[String]) -> String {
        let index = self.below(words.len());
        let word = if self.below(12) == 0 { self.one(&KNOWN).to_owned() } else { words[index].clone() };
        let word = if self.below(4) == 0 { self.signs(&word) } else { word };
        let word = if self.below(8) == 0 { word.chars().rev().collect() } else { word };
        self.capitals(&word)
    }

    fn date(&mut self) -> String {
        let (day, month, year) = (self.below(33), self.below(14), 1890 + self.below(170));
        let sep = self.one(&["", "", "/", "-", ".", " ", "_", "\\"]);
        match self.below(5) {
            0 => format!("{day}{sep}{month}{sep}{year}"),
            1 => format!("{day:02}{sep}{month:02}{sep}{:02}", year % 100),
            2 => format!("{year}{sep}{month:02}{sep}{day:02}"),
            3 => format!("{month}{sep}{day}{sep}{:02}", year % 100),
            _ => format!("{year}"),
        }
    }

    /// Neighbouring keys, sometimes with a slip.
    fn walk(&mut self) -> String {
        let rows = ["`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./", "~!@#$%^&*()_+", "QWERTYUIOP{}|"];
        let more = ["',.pyfgcrl/=", "aoeuidhtns-", ";qjkxbmwvz", "741085209630", "789456123", "1qaz2wsx3edc", "[]{}[]"];
        let row: Vec<char> = if self.below(2) == 0 { self.one(&rows) } else { self.one(&more) }.chars().collect();
        let (start, length) = (self.below(row.len()), 3 + self.below(8));
        let back = self.below(2) == 0;
        let at =
            |step: usize| if back { (start + row.len() * 9 - step) % row.len() } else { (start + step) % row.len() };
        let shift = 2 + self.below(9);
        let key = |step: usize| if step % shift == 1 { row[at(step)].to_ascii_uppercase() } else { row[at(step)] };
        (0..length).map(key).collect()
    }

    fn sequence(&mut self) -> String {
        let (start, step) = (self.one(&["a", "A", "z", "0", "1", "k", "M", "9", "α", "п", "!"]), self.below(13));
        let start = start.chars().next().map_or(0, u32::from) + 40;
        let value = |index: usize| start + u32::try_from(index * step).unwrap() - u32::try_from(6 * index).unwrap();
        (0..2 + self.below(6)).filter_map(|index| char::from_u32(value(index) - 40)).collect()
    }

    /// Something people put into passwords.
    fn part(&mut self, words: &[String]) -> String {
        match self.below(16) {
            0..8 => self.word(words),
            8 => self.date(),
            9 => self.walk(),
            10 => self.sequence(),
            11 => {
                let count = 1 + self.below(4);
                self.text("0123456789", count)
            }
            12 => {
                let count = 1 + self.below(2);
                self.text("!@#$%^&*()-_=+ .", count)
            }
            13 => {
                let (unit, count) = (self.part(words), 2 + self.below(4));
                unit.repeat(count).chars().take(60).collect()
            }
            14 => {
                let alphabet = self.one(&["abcdefghij", "ABCabc123", "4@8({[<3691!|70$5+%2", "aab", "0123456789"]);
                let count = 1 + self.below(9);
                self.text(alphabet, count)
            }
            _ => {
                let alphabet =
                    self.one(&["äöüßéñ", "ΑΒΓΣσςτ", "абвгДЕ", "ǅǈİıKſ", "日本語", "😀a\u{301}", "\n\t\u{2003}a1"]);
                let count = 1 + self.below(5);
                self.text(alphabet, count)
            }
        }
    }

    fn password(&mut self, words: &[String]) -> String {
        let parts = [1, 1, 2, 2, 2, 2, 3, 4][self.below(8)];
        (0..parts).map(|_| self.part(words)).collect()
    }
}

/// The year that the crate takes from the clock, found by its guesses for 1913, which it takes for a year.
fn year() -> i64 {
    i64::try_from(zxcvbn::zxcvbn("1913", &[]).guesses()).unwrap() - 1 + 1913
}

#[test]
fn the_guesses_are_a_twentieth_at_most_beside_those_of_the_crate_zxcvbn_up_to_where_they_are_enough() {
    let count = if cfg!(debug_assertions) { 3_000 } else { 30_000 };
    let (words, year, mut chance) = (WORDS.all(), year(), Chance(0x2545_F491_4F6C_DD1D));
    let (mut guessable, mut exact, mut different) = (0, 0, Vec::new());
    for _ in 0..count {
        let password = chance.password(&words);
        let known: &[&str] = if chance.below(2) == 0 { &KNOWN } else { &[] };
        let theirs = zxcvbn::zxcvbn(&password, known).guesses().min(ENOUGH);
        let ours = in_year(&password, known, year);
        guessable += usize::from(theirs < GUESSES_MINIMUM);
        exact += usize::from(ours == theirs);
        // The ranks of two words are multiplied; everything else is exact.
        if ours.abs_diff(theirs) * 20 > theirs {
            different.push(format!("{password:?}: {ours}, not {theirs}, {} known", known.len()));
        }
    }
    assert!(different.is_empty(), "{} of {count}:\n{}", different.len(), different.join("\n"));
    assert!((count / 5..count / 2).contains(&guessable), "{guessable} guessable");
    assert!(exact > count / 2, "{exact} exact");
}

#[test]
fn every_word_is_found_and_what_stands_between_two_is_not() {
    let words = WORDS.all();
    assert!(words.len() > 90_000 && words.is_sorted());
    for pair in words.windows(2) {
        let mut letters: Vec<char> = pair[0].chars().collect();
        assert!(letters.len() <= words::LONGEST, "{pair:?}");
        let Found::Word(number) = WORDS.find(&letters) else { panic!("{pair:?}") };
        assert!((1..=31_000).contains(&words::rank(number)), "{pair:?}");
        letters.push('\0');
        assert_eq!(WORDS.find(&letters), Found::Nothing, "{pair:?}");
        letters.pop();
        letters.pop();
        assert!(letters.is_empty() || WORDS.find(&letters) != Found::Nothing, "{pair:?}");
    }
}

#[test]
fn what_people_think_of_first_is_guessable_and_what_nobody_expects_is_not() {
    let known = ["ann.bean@example.com", "Coffee Shop"];
    for password in
        ["", "Password123!", "aaaaaaaaaaaaaaaa", "Ann.Bean@example.com1", "1Q2w3e4r5t", "11.12.1987", "drowssap"]
    {
        assert!(guesses(password, &known) < GUESSES_MINIMUM, "{password}");
    }
    for password in ["correct horse battery staple", "Flat-Wh1te-please", "four quiet cups of tea", "𐰊𐰂𐰄𐰀𐰁𐰊𐰂"]
    {
        assert!(guesses(password, &known) >= GUESSES_MINIMUM, "{password}");
    }
    assert!(guesses("Ann.Bean@example.com1", &[]) >= GUESSES_MINIMUM);
}

#[test]
fn nothing_that_is_sent_takes_long() {
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let units =
        ["a", "ab", "aab", "1|!7", "4@8({[<3691!|70$5+%2", "p4ssw0rd", "0", "1.1.11", "1qaz", "İ", "ß\n", "😀", "\0"];
    for unit in units {
        let (repeated, mixed) = (unit.repeat(5_000), chance.text(unit, 5_000));
        for password in [repeated.as_str(), mixed.as_str()] {
            // Only the first hundred characters are looked at.
            let first: String = password.chars().take(100).collect();
            assert_eq!(guesses(password, &[password, "", unit]), guesses(&first, &[password, "", unit]));
        }
    }
}
