//! Signing keys: the secret they are kept in, and how they take turns. A new key is published before it signs, and an old one stays
//! until the last token that it signed has expired, so that a rotation costs nobody a session.

mod algorithm;
mod key;
mod pair;
mod provider;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::Error;

pub use algorithm::JwtAlgorithm;
pub use key::Key;
pub use provider::{Digest, mac, mac_holds, sha256};

/// The purpose of the HMAC keys of cursors.
pub const CURSOR: &str = "cursor";

/// The signing keys of the service, oldest first.
#[derive(Clone)]
pub struct Keys {
    generation: u64,
    emergency: u64,
    keys: Vec<Key>,
    rest: Map<String, Value>,
}

/// The secret's JSON. A new stack has `{"initial": "<64 random characters>"}`, which `CloudFormation` generates; each rotation writes
/// the other form.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Secret {
    Rotated {
        generation: u64,
        /// That of the last emergency.
        #[serde(default)]
        emergency: u64,
        keys: Vec<Key>,
        /// What a later release says of all keys.
        #[serde(flatten)]
        rest: Map<String, Value>,
    },
    Initial {
        initial: String,
    },
}

impl Keys {
    /// Reads the secret's string.
    ///
    /// # Errors
    /// [`Error::Internal`], without a word of the secret, when it has another form or a key is not usable.
    pub fn from_secret(text: &str) -> Result<Self, Error> {
        provider::install();
        let secret =
            serde_json::from_str(text).map_err(|_| Error::internal("the signing secret has an unknown form"))?;
        let (generation, emergency, mut keys, rest) = match secret {
            Secret::Rotated { generation, emergency, keys, rest } => (generation, emergency, keys, rest),
            Secret::Initial { initial } => (0, 0, vec![Key::initial(initial)], Map::new()),
        };
        keys.sort_by_key(|key| key.signs_from);
        keys.iter().try_for_each(Key::check)?;
        if keys.is_empty() {
            Err(Error::internal("the signing secret has no key"))
        } else {
            Ok(Self { generation, emergency, keys, rest })
        }
    }

    /// No keys: nothing can be signed or verified.
    #[must_use]
    pub fn none() -> Self {
        Self { generation: 0, emergency: 0, keys: Vec::new(), rest: Map::new() }
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys as functions have them that verify access tokens and sign none: the public halves, and the keys of cursors.
    #[must_use]
    pub fn for_verifiers(&self) -> Self {
        let keys = self.keys.iter().map(|key| key.for_verifiers(&[CURSOR])).collect();
        Self { keys, rest: Map::new(), ..*self }
    }

    /// The secret's string.
    ///
    /// # Errors
    /// [`Error::Internal`] when it cannot be written as JSON.
    pub fn to_secret(&self) -> Result<String, Error> {
        let Self { generation, emergency, keys, rest } = self.clone();
        let secret = Secret::Rotated { generation, emergency, keys, rest };
        serde_json::to_string(&secret).map_err(Error::internal)
    }

    /// Counts the rotations; keys of an older generation are not in force any more.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The generation of the last emergency; 0 before the first. Keys of generations before it are void.
    #[must_use]
    pub fn emergency(&self) -> u64 {
        self.emergency
    }

    /// Whether these may take the place of `before`: they are later, and derived from keys of the same emergency or made by a later one. A
    /// rotation that read the keys before an emergency would bring back what that made void.
    #[must_use]
    pub fn may_follow(&self, before: &Self) -> bool {
        self.generation > before.generation && self.emergency >= before.emergency
    }

    /// For how many seconds the key that signs at `now` has signed; one that no rotation has replaced yet, and none at all, since 1970.
    #[must_use]
    pub fn signing_seconds(&self, now: Timestamp) -> i64 {
        active(&self.keys, |key| key.signs_from, now).map_or(now.0, |key| now.since(key.signs_from).max(0))
    }

    /// All keys, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Key> {
        self.keys.iter()
    }

    /// The keys with a new one, which signs once everybody knows it: after `wait_seconds`. The one before it stays for another
    /// `life_seconds`, in which what it signed expires. The key of a stack that never rotated is replaced at once: its algorithm need
    /// not be the configured one.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn rotated(
        &self,
        algorithm: JwtAlgorithm,
        now: Timestamp,
        wait_seconds: i64,
        life_seconds: i64,
    ) -> Result<Self, Error> {
        let new = Key::generate(algorithm, if self.generation == 0 { now } else { now.plus(wait_seconds) })?;
        let mut keys: Vec<_> = self.keys.iter().filter(|key| key.is_valid(now)).cloned().collect();
        if let Some(last) = keys.last_mut() {
            last.valid_until = Some(new.signs_from.plus(life_seconds));
        }
        keys.push(new);
        Ok(Self { generation: self.generation + 1, emergency: self.emergency, keys, rest: self.rest.clone() })
    }

    /// One new key of the last one's algorithm that this release knows and no other, for when a key became known: whatever was signed
    /// before is void at once. Its generation is later than these keys' and than `announced`, the last that instances were told of.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn replaced(&self, announced: u64, now: Timestamp) -> Result<Self, Error> {
        let known = self.keys.iter().rev().map(|key| key.algorithm).find(|algorithm| algorithm.is_known());
        let algorithm = known.unwrap_or(JwtAlgorithm::Hs256);
        let generation = self.generation.max(announced) + 1;
        let keys = vec![Key::generate(algorithm, now)?];
        Ok(Self { generation, emergency: generation, keys, rest: self.rest.clone() })
    }
}

/// The one of `keys`, oldest first, that signs at a moment: the newest whose time has come, or else the oldest.
pub fn active<T>(keys: &[T], signs_from: impl Fn(&T) -> Timestamp, at: Timestamp) -> Option<&T> {
    keys.iter().rev().find(|key| signs_from(key) <= at).or(keys.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;
    use crate::token::{AccessClaims, RefreshClaims, TokenKind, TokenSettings, Tokens};
    use crate::user::Role;

    const NOW: Timestamp = Timestamp(1_000);

    fn fresh() -> Keys {
        Keys::from_secret(&format!(r#"{{"initial":"{}"}}"#, "x".repeat(64))).unwrap()
    }

    fn times(keys: &Keys) -> Vec<(i64, Option<i64>)> {
        keys.iter().map(|key| (key.signs_from.0, key.valid_until.map(|end| end.0))).collect()
    }

    #[test]
    fn a_new_key_waits_to_be_known_and_an_old_one_stays_until_its_tokens_are_over() {
        let first = fresh().rotated(JwtAlgorithm::Hs256, NOW, 60, 500).unwrap();
        assert_eq!(times(&first), [(0, Some(1_500)), (1_000, None)], "the first rotation of a stack does not wait");
        let second = first.rotated(JwtAlgorithm::Es256, NOW.plus(100), 60, 500).unwrap();
        assert_eq!(times(&second), [(0, Some(1_500)), (1_000, Some(1_660)), (1_160, None)]);
        let third = second.rotated(JwtAlgorithm::EdDsa, NOW.plus(500), 60, 500).unwrap();
        assert_eq!(times(&third), [(1_000, Some(1_660)), (1_160, Some(2_060)), (1_560, None)], "the oldest is over");
        let read = Keys::from_secret(&third.to_secret().unwrap()).unwrap();
        assert_eq!((times(&read), read.generation(), read.emergency()), (times(&third), 3, 0));
        let emergency = read.replaced(2, NOW.plus(501)).unwrap();
        assert_eq!((times(&emergency), emergency.generation(), emergency.emergency()), (vec![(1_501, None)], 4, 4));
        let later = emergency.rotated(JwtAlgorithm::EdDsa, NOW.plus(900), 60, 500).unwrap();
        let later = Keys::from_secret(&later.to_secret().unwrap()).unwrap();
        assert_eq!((later.generation(), later.emergency()), (5, 4), "it is remembered");
        let elsewhere = later.replaced(40, NOW.plus(901)).unwrap();
        assert_eq!((elsewhere.generation(), elsewhere.emergency()), (41, 41), "later than any that was announced");
        assert!(emergency.may_follow(&read) && later.may_follow(&emergency) && !later.may_follow(&later));
        let overtaken = read.rotated(JwtAlgorithm::EdDsa, NOW.plus(501), 60, 500).unwrap();
        assert!(overtaken.may_follow(&read) && !overtaken.may_follow(&emergency), "it has the keys that became void");
        assert_eq!(Keys::none().signing_seconds(NOW), NOW.0);
    }

    #[test]
    fn what_a_later_release_says_of_keys_stays_through_a_rotation() {
        let secret = "x".repeat(43);
        let key = |kid: &str, algorithm: &str, from: i64| serde_json::json!({ "kid": kid, "algorithm": algorithm, "secret": secret, "signs_from": from, "use": { "for": "all" } });
        let later = serde_json::json!({
            "generation": 3, "emergency": 1, "keys": [key("a", "HS256", 10), key("b", "ES384", 20)], "factor": [1, 2],
        });
        let keys = Keys::from_secret(&later.to_string()).unwrap();
        let rotated = keys.rotated(JwtAlgorithm::EdDsa, NOW, 60, 500).unwrap().to_secret().unwrap();
        let rotated: Value = serde_json::from_str(&rotated).unwrap();
        assert_eq!((&rotated["factor"], &rotated["keys"][0]["use"]), (&later["factor"], &later["keys"][0]["use"]));
        assert_eq!(
            (&rotated["keys"][1]["algorithm"], &rotated["keys"][1]["use"]),
            (&"ES384".into(), &later["keys"][1]["use"])
        );
        assert_eq!(rotated["keys"].as_array().map(Vec::len), Some(3));
        assert_eq!(keys.replaced(0, NOW).unwrap().iter().next().unwrap().algorithm, JwtAlgorithm::Hs256);
    }

    #[test]
    fn verifiers_read_access_tokens_and_cursors_and_sign_none() {
        for algorithm in JwtAlgorithm::ALL {
            let keys = fresh().rotated(*algorithm, NOW, 60, 500).unwrap();
            let copy = keys.for_verifiers().to_secret().unwrap();
            let secret: Value = serde_json::from_str(&keys.to_secret().unwrap()).unwrap();
            for private in
                secret["keys"].as_array().unwrap().iter().flat_map(|key| [&key["secret"], &key["private_key"]])
            {
                assert!(private.is_null() || !copy.contains(private.as_str().unwrap()), "{algorithm}");
            }
            let read = Keys::from_secret(&copy).unwrap();
            assert_eq!((times(&read), read.generation()), (times(&keys), keys.generation()));
            let settings = TokenSettings { issuer: "i".to_owned(), audience: "a".to_owned(), access_seconds: 60 };
            let (signer, verifier) =
                (Tokens::new(settings.clone(), &keys).unwrap(), Tokens::new(settings, &read).unwrap());
            let pair = signer.pair(&Session::probe(NOW), Role::User).unwrap();
            let access = verifier.read::<AccessClaims>(TokenKind::Access, &pair.access_token, NOW);
            assert!(access.is_some(), "{algorithm}");
            assert!(verifier.read::<RefreshClaims>(TokenKind::Refresh, &pair.refresh_token, NOW).is_none());
            assert!(verifier.pair(&Session::probe(NOW), Role::User).is_err(), "{algorithm}");
            for (key, copied) in keys.iter().zip(read.iter()) {
                assert_eq!((key.jwk(), key.derive(CURSOR)), (copied.jwk(), copied.derive(CURSOR)), "{algorithm}");
                let of_access = key.derive("access").filter(|_| key.algorithm == JwtAlgorithm::Hs256);
                assert_eq!((copied.derive("refresh"), copied.derive("access")), (None, of_access));
            }
        }
    }

    #[test]
    fn the_newest_key_whose_time_has_come_signs() {
        let keys = [Timestamp(10), Timestamp(20)];
        let at = |at| active(&keys, |from| *from, Timestamp(at)).copied();
        assert_eq!([at(9), at(10), at(19), at(20)].map(Option::unwrap), [keys[0], keys[0], keys[0], keys[1]]);
    }

    #[test]
    fn an_unusable_secret_is_refused_without_being_shown() {
        let short = r#"{"generation":1,"keys":[{"kid":"a","algorithm":"HS256","secret":"hush","signs_from":0}]}"#;
        let long = "hush".repeat(20);
        let other = format!(
            r#"{{"generation":1,"keys":[{{"kid":"a","algorithm":"ES256","secret":"{long}","private_key":"aHVzaA==","signs_from":0}}]}}"#
        );
        for bad in ["", "{}", r#"{"initial":"hush"}"#, r#"{"generation":1,"keys":[]}"#, short, &other] {
            let error = Keys::from_secret(bad).err().unwrap();
            assert!(!error.to_string().contains("hush"));
        }
    }
}
