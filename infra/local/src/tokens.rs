//! `ClientRequestToken`: a repeated transaction is executed once (`DynamoDB` API reference, `TransactWriteItems`). The embedded database
//! implements this too, but reads all tokens of ten minutes in each transaction: 7 ms after 150,000 of them.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use dynoxide::DynoxideError;

/// The number of transactions that are remembered: at 600 a second those of seven seconds, and no client here retries after five.
const REMEMBERED: usize = 4_096;

/// The transactions that were executed last.
#[derive(Default)]
pub struct Tokens(Mutex<Recent>);

#[derive(Default)]
struct Recent {
    done: HashMap<String, Done>,
    /// Oldest first.
    order: VecDeque<String>,
    hashes: RandomState,
}

struct Done {
    /// The request's hash.
    request: u64,
    answer: String,
}

impl Tokens {
    /// The answer of `act`, or the one that the same `request` got when it came with this token before. A concurrent repetition waits.
    ///
    /// # Errors
    /// Any error of `act`, which is not remembered; `IdempotentParameterMismatchException` for a token of another request.
    pub fn once(
        &self,
        token: String,
        request: &[u8],
        act: impl FnOnce() -> Result<String, DynoxideError>,
    ) -> Result<String, DynoxideError> {
        let recent = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = recent.hashes.hash_one(request);
        if let Some(done) = recent.done.get(&token) {
            return if done.request == hash {
                Ok(done.answer.clone())
            } else {
                let why = "the request differs from the one that the token came with";
                Err(DynoxideError::IdempotentParameterMismatchException(why.to_owned()))
            };
        }
        let answer = act()?;
        if recent.order.len() == REMEMBERED
            && let Some(oldest) = recent.order.pop_front()
        {
            recent.done.remove(&oldest);
        }
        recent.order.push_back(token.clone());
        recent.done.insert(token, Done { request: hash, answer: answer.clone() });
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(tokens: &Tokens, token: &str, request: &str, answer: &str) -> Result<String, DynoxideError> {
        tokens.once(token.to_owned(), request.as_bytes(), || Ok(answer.to_owned()))
    }

    #[test]
    fn what_is_sent_again_with_its_token_is_done_once_and_a_token_is_for_one_request() {
        let tokens = Tokens::default();
        assert_eq!(ask(&tokens, "one", "write", "first").unwrap(), "first");
        assert_eq!(ask(&tokens, "one", "write", "second").unwrap(), "first");
        assert_eq!(ask(&tokens, "two", "write", "second").unwrap(), "second");
        assert!(matches!(
            ask(&tokens, "one", "another", "third"),
            Err(DynoxideError::IdempotentParameterMismatchException(_))
        ));
    }

    #[test]
    fn what_failed_may_be_tried_again() {
        let tokens = Tokens::default();
        let failure = || Err(DynoxideError::ValidationException("no".to_owned()));
        assert!(tokens.once("one".to_owned(), b"write", failure).is_err());
        assert_eq!(ask(&tokens, "one", "write", "second").unwrap(), "second");
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let tokens = Tokens::default();
        for n in 0..=REMEMBERED {
            ask(&tokens, &n.to_string(), "write", "first").unwrap();
        }
        assert_eq!(ask(&tokens, "1", "write", "again").unwrap(), "first");
        assert_eq!(ask(&tokens, "0", "write", "again").unwrap(), "again");
        assert_eq!(tokens.0.lock().unwrap().done.len(), REMEMBERED);
    }
}
