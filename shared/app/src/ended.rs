//! Sessions that an instance has found to be over. Later requests with their tokens are counted by source, so that they use up nothing of
//! the limit of the user who ended them.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use user_core::id::SessionId;

/// How many sessions an instance remembers.
const MEMORY: usize = 10_000;

/// The sessions. An entry is only a hint, which is checked again.
#[derive(Default)]
pub struct Ended(Mutex<HashSet<SessionId>>);

impl Ended {
    /// Whether the session was over at the last look-up.
    #[must_use]
    pub fn has(&self, session: &SessionId) -> bool {
        self.lock().contains(session)
    }

    /// Records whether a session that was just looked up is over.
    pub fn note(&self, session: &SessionId, is_over: bool) {
        let mut sessions = self.lock();
        if !is_over {
            sessions.remove(session);
            return;
        }
        if sessions.len() >= MEMORY {
            sessions.clear();
        }
        sessions.insert(session.clone());
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_instance_remembers_is_bounded_and_can_be_taken_back() {
        let ended = Ended::default();
        for n in 0..=MEMORY {
            ended.note(&SessionId::of(n.to_string()), true);
        }
        let last = SessionId::of(MEMORY.to_string());
        assert!(ended.has(&last) && !ended.has(&SessionId::of("0")) && ended.lock().len() == 1);
        ended.note(&last, false);
        assert!(!ended.has(&last));
    }
}
