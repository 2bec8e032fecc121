use std::cell::Cell;
use std::thread;

use user_core::password::{Password, Policy};

use super::*;
use crate::tests::Chance;
use crate::words::WORDS;

/// What people start from: seasons, months, names, places, teams, neighbouring keys.
const BASES: [&str; 60] = [
    "Summer",
    "Winter",
    "Spring",
    "Autumn",
    "January",
    "March",
    "August",
    "October",
    "December",
    "Monday",
    "Friday",
    "Sunday",
    "India",
    "London",
    "Paris",
    "Berlin",
    "Moscow",
    "Madrid",
    "Chicago",
    "Dallas",
    "Mumbai",
    "Delhi",
    "Chennai",
    "Manchester",
    "Liverpool",
    "Arsenal",
    "Chelsea",
    "Barcelona",
    "Football",
    "Cricket",
    "Dragon",
    "Monkey",
    "Admin",
    "Welcome",
    "Password",
    "Letmein",
    "Master",
    "Secret",
    "Sunshine",
    "Pass",
    "Test",
    "Abcd",
    "Abc",
    "Hello",
    "Google",
    "Samsung",
    "Michael",
    "Jennifer",
    "Mohammed",
    "Priya",
    "Rahul",
    "Charlie",
    "Qwerty",
    "Asdfgh",
    "Zxcvbn",
    "Qazwsx",
    "1qaz2wsx",
    "Q1w2e3r4",
    "Computer",
    "Iloveyou",
];

/// What they put around it.
const AROUND: [(&str, &str); 16] = [
    ("", "@123"),
    ("", "@1234"),
    ("", "123!"),
    ("", "2024!"),
    ("", "!2025"),
    ("", "@2023"),
    ("", "#1"),
    ("", "1!!!"),
    ("", "_01"),
    ("", "$99$"),
    ("", "12345678*"),
    ("", "!1"),
    ("123@", ""),
    ("!", "2024"),
    ("2024", "!"),
    ("#", "7#"),
];

fn codes(policy: Policy, password: &str) -> Vec<&'static str> {
    policy.refusals(&Password::typed(password), &[]).iter().map(|refusal| refusal.code).collect()
}

#[test]
fn what_was_seen_accepted_is_refused() {
    for password in [
        "Abcd@1234",
        "India@123",
        "Admin@123",
        "Qwerty@123",
        "Welcome@123",
        "Pass@1234",
        "Summer2024!",
        "1qaz@WSX3edc",
        "Test@1234",
        "correcthorsebatterystaple",
    ] {
        assert_eq!(codes(Policy::Either, password), ["common"], "{password}");
    }
}

#[test]
fn a_used_password_is_refused_with_whatever_people_put_around_it() {
    for base in BASES {
        for (before, after) in AROUND {
            let password = format!("{before}{base}{after}");
            // Some are also too short, or lack a class.
            assert!(is_used(&password), "{password}");
            assert!(is_used(&password.to_uppercase()) && is_used(&password.to_lowercase()), "{password}");
        }
    }
}

#[test]
fn a_used_password_is_refused_with_signs_for_letters_with_the_shift_key_and_with_its_words_apart() {
    for password in [
        "P@ssw0rd2024!",
        "Pa$$w0rd#1",
        "W3lc0me@123",
        "L1verp00l!23",
        "M@nchester7!",
        "!QAZ2wsx#EDC",
        "!QAZ@WSX3edc4rfv",
        "123QWE!@#qwe",
        "1q2w#E$R%T",
        "ZAQ!2wsx",
        "Pass-Word-1",
        "I_love_you2!",
        "Spider-man3!",
        "Hello-kitty22",
        "Correct horse battery staple",
        "correct-horse-battery-staple!",
        "Tr0ub4dor&3",
        "\u{FF30}assw0rd@\u{FF11}",
    ] {
        assert_eq!(codes(Policy::Either, password), ["common"], "{password}");
    }
}

#[test]
fn the_three_thousand_most_used_and_all_others_on_the_list_are_refused() {
    let stored = list::STORED.all();
    assert!(stored.len() > 10_000 && stored.is_sorted());
    let marked: Vec<_> = WORDS.all().into_iter().filter(|word| list::has(&word.chars().collect::<Vec<_>>())).collect();
    assert!((40_000..60_000).contains(&marked.len()), "{}", marked.len());
    for word in stored.iter().chain(&marked) {
        let signs = word.chars().filter(|letter| !letter.is_alphanumeric()).count();
        assert!(word.len() <= list::LONGEST && signs <= list::SIGNS_MOST && is_used(word), "{word}");
    }
    // Neither other words of the dictionary nor texts between two entries are taken for passwords in common use.
    for word in ["aardvarks", "heliotropes", "qwertyuiopasdfghjklzx", "", "a", "zzzzzzzzzzzz!"] {
        assert!(!list::has(&word.chars().collect::<Vec<_>>()), "{word}");
    }
}

#[test]
fn what_nobody_expects_is_no_password_in_common_use() {
    for password in [
        "Flat-Wh1te-please",
        "four quiet cups of tea",
        "Four-Qu1et-cups-of-tea",
        "Sh0rt-black-now",
        "Adm1n!coffee-roaster",
        "Squatter-1-here",
        "Fl4t!whX",
        "Summer rain on 3 roofs",
        "Summer1!Winter2?",
        "2024",
        "Summer2024!Berlin",
        "Summer123456789012",
        "\u{1F600}\u{1F600}1!",
        "",
        "!",
        "Ab",
        "\u{130}stanbul-\u{131}1",
    ] {
        assert!(!is_used(password), "{password}");
    }
}

#[test]
fn a_known_word_with_a_number_and_signs_around_it_is_no_better() {
    for password in ["Bean@1234", "ANN.BEAN@2024!", "!Coff33shop7"] {
        assert!(is_known(password, &["Bean", "ann.bean", "coffeeshop"]), "{password}");
        assert!(!is_known(password, &["Beam", "an", ""]), "{password}");
    }
    let codes = |known: &[&str]| {
        let refusals = Policy::Either.refusals(&Password::typed("Zyblikiewicz@1234"), known);
        refusals.into_iter().map(|refusal| refusal.code).collect::<Vec<_>>()
    };
    assert_eq!((codes(&["zyblikiewicz@example.com"]), codes(&[])), (vec!["guessable"], vec![]));
}

/// Those of `count` random passwords that are refused, by four threads.
fn refused(count: usize, password: impl Fn(&mut Chance) -> String + Sync) -> Vec<String> {
    let some = |seed: u64| {
        let mut chance = Chance(0x9E37_79B9_7F4A_7C15 ^ seed);
        (0..count / 4).map(|_| password(&mut chance)).filter(|password| is_used(password)).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (1..=4).map(|seed| scope.spawn(move || some(seed))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// All letters, digits and signs of ASCII.
fn ascii() -> String {
    ('!'..='~').collect()
}

const COUNT: usize = if cfg!(debug_assertions) { 50_000 } else { 10_000_000 };

#[test]
fn no_random_password_is_refused() {
    let (ascii, plain) = (ascii(), ascii().replace(|c: char| !c.is_ascii_alphanumeric(), ""));
    assert_eq!((ascii.len(), plain.len()), (94, 62));
    assert_eq!(refused(COUNT, |chance| chance.text(&ascii, 12)), [""; 0]);
    assert_eq!(refused(COUNT, |chance| chance.text(&plain, 12)), [""; 0]);
}

#[test]
fn no_phrase_of_four_random_words_is_refused() {
    let words = WORDS.all();
    let words: Vec<_> = words.iter().filter(|word| word.len() > 2 && word.chars().all(char::is_alphabetic)).collect();
    let separators = ["", " ", "-", "."];
    let phrase = |chance: &mut Chance| {
        let chosen: Vec<_> = (0..4).map(|_| words[chance.below(words.len())].as_str()).collect();
        chosen.join(separators[chance.below(separators.len())])
    };
    assert_eq!(refused(COUNT, phrase), [""; 0]);
}

#[test]
fn nothing_that_is_sent_takes_many_looks() {
    let mut chance = Chance(0x2545_F491_4F6C_DD1D);
    for alphabet in ["1!a", "!", "1", "a1", "-_. a", "!@#$%^&*()", "ab", "4@31!0"] {
        for length in [8, 15, 128] {
            for password in [alphabet.chars().cycle().take(length).collect(), chance.text(alphabet, length)] {
                let looks = Cell::new(0);
                form::any(&password, &|_| {
                    looks.set(looks.get() + 1);
                    false
                });
                assert!(looks.get() <= 400, "{} for {password}", looks.get());
            }
        }
    }
}
