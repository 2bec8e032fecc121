//! `EDGE_SECRET_SHA256`: the secrets that authenticate the edge in front of the service.

use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

/// One for the secret that the edge sends, and one for the next secret.
const MOST: usize = 2;

/// The digests (SHA-256) of the secrets that the edge may send; none when there is no edge.
#[derive(Debug, Clone, Default)]
pub struct EdgeSecrets(Vec<[u8; SHA256_OUTPUT_LEN]>);

impl EdgeSecrets {
    /// Whether `secret` is the edge's. The time of the comparison can reveal only a part of a digest, from which no secret follows.
    #[must_use]
    pub fn include(&self, secret: &[u8]) -> bool {
        !self.0.is_empty() && self.0.iter().any(|known| digest(&SHA256, secret).as_ref() == known)
    }
}

/// Digests separated by commas, each with 64 hexadecimal digits in lower case.
pub(super) fn secrets(value: &str) -> Result<EdgeSecrets, String> {
    if value.is_empty() {
        return Ok(EdgeSecrets::default());
    }
    let entries: Vec<_> = value.split(',').map(str::trim).collect();
    if entries.len() > MOST {
        return Err(format!("has more than {MOST} entries"));
    }
    let read = (1..).zip(entries).map(|(at, entry): (usize, _)| {
        let wrong = || format!("entry {at} is no SHA-256 digest: 64 hexadecimal digits in lower case");
        let known = bytes(entry).ok_or_else(wrong)?;
        // Anybody knows an empty secret. A line feed is what an empty secret becomes when a program appends one to its output.
        let is_of = |secret: &[u8]| digest(&SHA256, secret).as_ref() == known;
        if is_of(b"") || is_of(b"\n") { Err(format!("entry {at} is the digest of an empty secret")) } else { Ok(known) }
    });
    read.collect::<Result<_, _>>().map(EdgeSecrets)
}

fn bytes(digits: &str) -> Option<[u8; SHA256_OUTPUT_LEN]> {
    let known = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let read: Option<Vec<_>> = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
    read?.try_into().ok().filter(|_| known && digits.len() == 2 * SHA256_OUTPUT_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of "one" and "two".
    const ONE: &str = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    const TWO: &str = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";

    #[test]
    fn a_secret_is_known_by_either_of_two_digests() {
        let both = secrets(&format!("{ONE}, {TWO}")).unwrap();
        assert!(both.include(b"one") && both.include(b"two"));
        assert!(
            !both.include(b"One") && !both.include(b"one,two") && !both.include(b"") && !both.include(ONE.as_bytes())
        );
        let one = secrets(ONE).unwrap();
        assert!(one.include(b"one") && !one.include(b"two"));
    }

    #[test]
    fn without_an_edge_nothing_is_its_secret() {
        let none = secrets("").unwrap();
        assert!(!none.include(b"") && !none.include(b"one"));
    }

    #[test]
    fn what_is_no_digest_is_refused_by_its_place() {
        for bad in [
            &ONE[1..],
            &format!("{ONE}0"),
            &ONE.to_uppercase(),
            &ONE.replace('7', "g"),
            &ONE.replace("76", "+6"),
            &ONE.replace("76", "\u{e4}"),
            "secret",
        ] {
            let why = secrets(&format!("{TWO},{bad}")).expect_err(bad);
            assert!(why.starts_with("entry 2 is no SHA-256 digest") && !why.contains(bad), "{bad}: {why}");
        }
        for bad in [",", "  ,", &format!("{ONE},"), &format!(",{ONE}")] {
            assert!(secrets(bad).is_err_and(|why| why.contains("is no SHA-256 digest")), "{bad}");
        }
        assert_eq!(secrets(&[ONE, TWO, ONE].join(",")).unwrap_err(), "has more than 2 entries");
    }

    #[test]
    fn the_digest_of_nothing_would_let_anybody_in() {
        for empty in [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
        ] {
            assert_eq!(secrets(empty).unwrap_err(), "entry 1 is the digest of an empty secret");
        }
    }
}
