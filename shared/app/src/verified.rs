//! Access tokens that this instance has verified: the signature of each is checked once, so that asymmetric keys cost a warm instance no
//! more than HMAC does.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use user_core::clock::Timestamp;
use user_core::signing::{Digest, sha256};
use user_core::token::AccessClaims;

/// How many tokens are remembered: about half a megabyte.
const MOST: usize = 1_024;

/// The claims of verified tokens, by the tokens' SHA-256. It belongs to one set of keys and ends with it.
#[derive(Default)]
pub(crate) struct Verified(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    claims: HashMap<Digest, (AccessClaims, Timestamp)>,
    /// Oldest first.
    order: VecDeque<Digest>,
}

impl Verified {
    /// The claims of `token`: those that are remembered, while they are valid, or else those that `verify` finds, with the moment until
    /// which they are valid. What is not valid is not remembered.
    pub(crate) fn get_or(
        &self,
        token: &str,
        now: Timestamp,
        verify: impl FnOnce() -> Option<(AccessClaims, Timestamp)>,
    ) -> Option<AccessClaims> {
        let digest = sha256(token.as_bytes());
        let known = self.lock().claims.get(&digest).filter(|(_, until)| now < *until).map(|(claims, _)| claims.clone());
        if known.is_some() {
            return known;
        }
        let (claims, until) = verify()?;
        self.lock().put(digest, claims.clone(), until);
        Some(claims)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// The oldest one makes room for a new one.
    fn put(&mut self, digest: Digest, claims: AccessClaims, until: Timestamp) {
        if self.claims.insert(digest, (claims, until)).is_some() {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.claims.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(sub: &str) -> AccessClaims {
        serde_json::from_value(json!({
            "iss": "i", "aud": "a", "sub": sub, "role": "user", "sid": "s", "iat": 1, "exp": 10, "jti": "j", "type": "access",
        }))
        .unwrap()
    }

    #[test]
    fn a_token_is_verified_once_until_it_ends_and_what_is_not_valid_every_time() {
        let verified = Verified::default();
        let ask = |token, now, found: Option<i64>| {
            let mut asked = false;
            let claims = verified.get_or(token, Timestamp(now), || {
                asked = true;
                found.map(|until| (claims(token), Timestamp(until)))
            });
            (claims.map(|claims| claims.sub.to_string()), asked)
        };
        assert_eq!(ask("ann", 1, Some(10)), (Some("ann".to_owned()), true));
        assert_eq!(ask("ann", 9, None), (Some("ann".to_owned()), false), "the end of a key or of the token is 10");
        assert_eq!(ask("ann", 10, None), (None, true));
        assert_eq!((ask("eve", 1, None), ask("eve", 1, None)), ((None, true), (None, true)));
    }

    #[test]
    fn the_oldest_makes_room() {
        let verified = Verified::default();
        let ask = |n: usize| {
            let mut asked = false;
            verified.get_or(&n.to_string(), Timestamp(1), || {
                asked = true;
                Some((claims("ann"), Timestamp(10)))
            });
            asked
        };
        assert!((0..=MOST).all(ask));
        assert!(!ask(MOST) && !ask(1) && ask(0));
        let memory = verified.lock();
        assert_eq!((memory.claims.len(), memory.order.len()), (MOST, MOST));
    }
}
