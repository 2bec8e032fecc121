//! Password hashes of other services, as an import brings them: bcrypt, PBKDF2 as Django writes it, scrypt, and salted SHA-1 as in LDAP.
//! Each is valid for one sign-in, which replaces it. Only the cost of argon2 is checked here; the hasher in `user-app` verifies it.

use std::num::NonZeroU32;

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bcrypt::HashParts;
use ring::{digest, pbkdf2};

use super::Password;
use crate::error::Refusal;

/// The highest cost of one verification, so that an imported file cannot stop the service. Each is about a second or two of a core.
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=14;
const PBKDF2_ITERATIONS: u32 = 10_000_000;
const SCRYPT_BYTES: u64 = 64 << 20;
/// Bytes that scrypt writes, over all its lanes.
const SCRYPT_WORK: u64 = 16 * SCRYPT_BYTES;
const ARGON2_KIB: u32 = 256 << 10;
/// KiB that argon2 writes, over all its passes.
const ARGON2_WORK: u64 = 8 * (ARGON2_KIB as u64);

/// A hash that was parsed.
enum Form<'a> {
    Bcrypt { stored: &'a str, cost: u32 },
    Pbkdf2 { iterations: NonZeroU32, salt: &'a [u8], expected: Vec<u8> },
    Scrypt { cost: ScryptCost, salt: Vec<u8>, expected: Vec<u8> },
    SaltedSha1 { salt: Vec<u8>, expected: Vec<u8> },
}

struct ScryptCost {
    log_n: u8,
    r: u32,
    p: u32,
}

impl ScryptCost {
    fn is_affordable(&self) -> bool {
        let bytes = 1_u64.checked_shl(u32::from(self.log_n)).filter(|_| self.log_n < 32);
        let bytes = bytes.and_then(|n| n.checked_mul(128 * u64::from(self.r)));
        let work = bytes.and_then(|bytes| bytes.checked_mul(u64::from(self.p)));
        bytes.is_some_and(|bytes| bytes <= SCRYPT_BYTES) && work.is_some_and(|work| work <= SCRYPT_WORK)
    }
}

impl<'a> Form<'a> {
    fn read(stored: &'a str) -> Option<Self> {
        if ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| stored.starts_with(prefix)) {
            let cost = stored.parse::<HashParts>().ok()?.get_cost();
            return Some(Self::Bcrypt { stored, cost });
        }
        if let Some(rest) = stored.strip_prefix("pbkdf2_sha256$") {
            return Self::read_pbkdf2(rest);
        }
        if let Some(rest) = stored.strip_prefix("$scrypt$") {
            return Self::read_scrypt(rest);
        }
        let bytes = STANDARD.decode(stored.strip_prefix("{SSHA}")?).ok()?;
        let (expected, salt) = bytes.split_at_checked(digest::SHA1_OUTPUT_LEN)?;
        Some(Self::SaltedSha1 { salt: salt.to_vec(), expected: expected.to_vec() })
    }

    /// `iterations$salt$hash`; the salt is text, the hash base64.
    fn read_pbkdf2(rest: &'a str) -> Option<Self> {
        let mut parts = rest.split('$');
        let (iterations, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let expected = STANDARD.decode(hash).ok().filter(|hash| hash.len() == digest::SHA256_OUTPUT_LEN)?;
        let whole = parts.next().is_none();
        whole.then_some(Self::Pbkdf2 { iterations: iterations.parse().ok()?, salt: salt.as_bytes(), expected })
    }

    /// `ln=16,r=8,p=1$salt$hash`, as passlib and the PHC string format write it.
    fn read_scrypt(rest: &str) -> Option<Self> {
        let mut parts = rest.split('$');
        let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let (mut log_n, mut r, mut p) = (None, None, None);
        for cost in costs.split(',') {
            match cost.split_once('=')? {
                ("ln", value) => log_n = value.parse().ok(),
                ("r", value) => r = value.parse().ok(),
                ("p", value) => p = value.parse().ok(),
                _ => return None,
            }
        }
        let cost = ScryptCost { log_n: log_n?, r: r?, p: p? };
        let expected = STANDARD_NO_PAD.decode(hash).ok().filter(|hash| (16..=64).contains(&hash.len()))?;
        let whole = parts.next().is_none();
        whole.then_some(Self::Scrypt { cost, salt: STANDARD_NO_PAD.decode(salt).ok()?, expected })
    }

    fn is_affordable(&self) -> bool {
        match self {
            Self::Bcrypt { cost, .. } => BCRYPT_COST.contains(cost),
            Self::Pbkdf2 { iterations, .. } => iterations.get() <= PBKDF2_ITERATIONS,
            Self::Scrypt { cost, .. } => cost.is_affordable(),
            Self::SaltedSha1 { .. } => true,
        }
    }

    fn matches(&self, password: &[u8]) -> bool {
        match self {
            // It uses the first 72 bytes, as every bcrypt does.
            Self::Bcrypt { stored, .. } => bcrypt::verify(password, stored).unwrap_or(false),
            Self::Pbkdf2 { iterations, salt, expected } => {
                pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, *iterations, salt, password, expected).is_ok()
            }
            Self::Scrypt { cost, salt, expected } => {
                let mut output = vec![0; expected.len()];
                let params = scrypt::Params::new(cost.log_n, cost.r, cost.p).ok();
                params.is_some_and(|params| scrypt::scrypt(password, salt, &params, &mut output).is_ok())
                    && same(&output, expected)
            }
            Self::SaltedSha1 { salt, expected } => {
                let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
                context.update(password);
                context.update(salt);
                same(context.finish().as_ref(), expected)
            }
        }
    }
}

/// Compares in constant time, as `Output` does.
fn same(one: &[u8], other: &[u8]) -> bool {
    match (Output::new(one), Output::new(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Whether a form of `password` matches the hash `stored`; `None` when `stored` has none of these formats.
#[must_use]
pub fn verify(password: &Password, stored: &str) -> Option<bool> {
    let form = Form::read(stored)?;
    Some(form.is_affordable() && password.forms().any(|bytes| form.matches(bytes)))
}

/// Accepts or refuses the hash of an import.
///
/// # Errors
/// `unknown-hash`; `too-expensive-hash` when one sign-in with it would cost too much.
pub fn admit(stored: &str) -> Result<(), Refusal> {
    let affordable = if stored.starts_with("$argon2") {
        argon2_cost(stored).map(|params| is_affordable(&params))
    } else {
        Form::read(stored).map(|form| form.is_affordable())
    };
    match affordable {
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::new("too-expensive-hash", "a sign-in with this hash would cost too much")),
        None => Err(Refusal::new("unknown-hash", "the hash is none of argon2, bcrypt, pbkdf2_sha256, scrypt, {SSHA}")),
    }
}

/// Whether an argon2 hash of this cost may be verified.
#[must_use]
pub fn is_affordable(params: &Params) -> bool {
    let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
    params.m_cost() <= ARGON2_KIB && work <= ARGON2_WORK
}

/// The cost of an argon2 hash that can be verified.
fn argon2_cost(stored: &str) -> Option<Params> {
    let hash = PasswordHash::new(stored).ok()?;
    Algorithm::new(hash.algorithm.as_str()).ok()?;
    hash.version.map_or(Ok(Version::V0x13), Version::try_from).ok()?;
    (hash.salt.is_some() && hash.hash.is_some()).then(|| Params::try_from(&hash).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "Flat-Wh1te-please";

    /// Made by passlib 1.7.4 with bcrypt 4.0.1, by Django 5.2 and by Python's `hashlib`, of [`PASSWORD`].
    const KNOWN: [&str; 8] = [
        "$2b$04$S..3fgVvzqpvloFYCE0xRu/GWtpyJbTQ6r990EtXPUbY.jA3eSQuC",
        "$2a$04$oJRQdwAgVdt.qq.C2ObYNO/rGK79RFE3dqafKLLp0JF4cIob3ZpQ6",
        "$2y$04$8CRWz3Q6iq7HFFpn5NrPZ.UgOlTxI6U/BPziAefzLO/qpCf1uOOM2",
        "$scrypt$ln=8,r=8,p=1$fy+l9L6XkjIGIMT4vxfCWA$et1l6zRT02p78PHZE7vv3UFRQFyelJedJFEWnVwQCPA",
        "$scrypt$ln=8,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$eqnZD1VHJ6FUH4w0ok+By6PAAbwyNxUF4xb7aQuHfxM",
        "pbkdf2_sha256$1000$mfjelCJW00sl$VB0e867ssSaFZ3C+WAIguCPUQz6HEhU1JGx46qfOD/8=",
        "pbkdf2_sha256$1000$seasalt$x6i8vH8G7OQvvd2G0JRN7Pw7EgEovqZ2Y0J3rK68wCg=",
        "{SSHA}15RmVX8dNxilWccVtewqnJj5m5/1fk+J",
    ];

    #[test]
    fn each_known_form_takes_its_password_and_no_other() {
        for stored in KNOWN {
            assert_eq!(admit(stored), Ok(()), "{stored}");
            assert_eq!(verify(&Password::typed(PASSWORD), stored), Some(true), "{stored}");
            assert_eq!(verify(&Password::typed("Flat-Wh1te-pleasE"), stored), Some(false), "{stored}");
        }
    }

    #[test]
    fn bcrypt_reads_72_bytes_as_it_did_where_the_hash_was_made() {
        let stored = "$2b$04$GJ5BU2acnteoL2n8WDFbh.5xNovB9HpceOTEDQZIo7VfddzvtTk4u";
        let long = |length| Password::typed(&format!("Flat-Wh1te-{}", "x".repeat(length)));
        assert_eq!(verify(&long(80), stored), Some(true));
        assert_eq!(verify(&long(61), stored), Some(true));
        assert_eq!(verify(&long(60), stored), Some(false));
    }

    #[test]
    fn the_password_as_it_was_typed_counts_where_no_form_was_made_of_it() {
        let stored = "$2b$04$ib6RY6D.o/eT/DYmp.PZR.NCjQzUVz9ocny7uOjoHSi0gSoYeUcPy";
        assert_eq!(verify(&Password::typed("Zoe\u{0308}-Flat-Wh1te"), stored), Some(true));
    }

    #[test]
    fn what_costs_too_much_is_refused_and_never_computed() {
        for stored in [
            "$2b$15$S..3fgVvzqpvloFYCE0xRu/GWtpyJbTQ6r990EtXPUbY.jA3eSQuC",
            "pbkdf2_sha256$10000001$seasalt$x6i8vH8G7OQvvd2G0JRN7Pw7EgEovqZ2Y0J3rK68wCg=",
            "$scrypt$ln=17,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$eqnZD1VHJ6FUH4w0ok+By6PAAbwyNxUF4xb7aQuHfxM",
            "$scrypt$ln=63,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$eqnZD1VHJ6FUH4w0ok+By6PAAbwyNxUF4xb7aQuHfxM",
            "$scrypt$ln=8,r=8,p=100000$MDEyMzQ1Njc4OWFiY2RlZg$eqnZD1VHJ6FUH4w0ok+By6PAAbwyNxUF4xb7aQuHfxM",
        ] {
            assert_eq!(admit(stored).unwrap_err().code, "too-expensive-hash", "{stored}");
            assert_eq!(verify(&Password::typed(PASSWORD), stored), Some(false), "{stored}");
        }
        let argon2 =
            "$argon2id$v=19$m=1048576,t=1,p=1$QAghhNCak1KqFeIcA6D0Xg$fRML8yqbItwA7tAG+6Iw11W6/3ad9aWiR38W658Gtqk";
        assert_eq!(admit(argon2).unwrap_err().code, "too-expensive-hash");
    }

    #[test]
    fn what_is_no_hash_is_unknown() {
        for stored in ["", "secret", "$2b$04$short", "$2x$04$", "{SSHA}AAAA", "pbkdf2_sha256$0$s$AAAA", "$1$a$b", "!"] {
            assert_eq!(admit(stored).unwrap_err().code, "unknown-hash", "{stored}");
            assert_eq!(verify(&Password::typed(PASSWORD), stored), None, "{stored}");
        }
    }
}
