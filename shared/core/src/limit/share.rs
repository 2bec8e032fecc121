//! What an instance knows of one subject's limit, as a state machine.

use super::{Class, Counts, RateLimitState, STEP_SECONDS, judge, window_of};
use crate::clock::Timestamp;

/// The divisor that limits what is counted in advance.
const PART: u64 = 8;

/// A subject's limit as one instance knows it. [`Share::next`] is its only transition: it is told what happened, and says what is to be
/// done.
///
/// Requests of a frequent subject are counted in advance, several by one write, and the instance serves the next ones from memory.
/// Whatever is served was counted before, so the limit is never exceeded. What was counted in advance serves requests of its step alone.
/// What is left of it then stays counted, so a subject may be refused a little early. To keep that small, it is at most an eighth of what
/// the instance let through in this step, and an eighth of what the subject had left.
///
/// Each step begins `Empty`. If it is worth a write, a request makes the share `Counting`. The database's answer makes it `Holding`, and
/// the last request that it serves `Empty` again. A refused subject is answered from memory in each of these states, until a later step.
///
/// # Example
/// A hundred requests a minute are allowed. Second 0 begins a window and the first of its steps.
/// ```
/// # use user_core::clock::Timestamp;
/// # use user_core::limit::{Class, Input, Next, RateLimitState, Share};
/// # fn answer(next: Next) -> RateLimitState {
/// #     let Next::Answer(state) = next else { panic!("{next:?}") };
/// #     state
/// # }
/// let mut share = Share::new(Class::General, 100);
/// // The database has added `requests`, which makes `first` in the first step of the window and `second` in the second one.
/// let counted = |requests, previous: [u64; 12], [first, second]: [u64; 2]| {
///     Input::Counted { requests, previous, current: [first, second, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }
/// };
/// let quiet = [0; 12];
///
/// // The first request. Nothing is known: it is to be counted, and the window before is to be read.
/// assert_eq!(share.next(Input::Requested, Timestamp(0)), Next::Count { requests: 1, previous: None });
/// assert_eq!(answer(share.next(counted(1, quiet, [1, 0]), Timestamp(0))).remaining, 99);
/// // Seven more. Each is counted alone; the window before is known by now.
/// for n in 2..=8 {
///     assert_eq!(share.next(Input::Requested, Timestamp(0)), Next::Count { requests: 1, previous: Some(quiet) });
///     assert_eq!(answer(share.next(counted(1, quiet, [n, 0]), Timestamp(0))).remaining, 100 - n);
/// }
/// // The ninth. An eighth of the eight that were let through is one: one is counted in advance. The share is `Counting`.
/// assert_eq!(share.next(Input::Requested, Timestamp(1)), Next::Count { requests: 2, previous: Some(quiet) });
/// // The tenth comes before the database has answered, and is counted alone.
/// assert_eq!(share.next(Input::Requested, Timestamp(1)), Next::Count { requests: 1, previous: Some(quiet) });
/// // The database has counted ten: the ninth, and one in advance, which the share is now `Holding`. So 91 are left, not 90.
/// assert_eq!(answer(share.next(counted(2, quiet, [10, 0]), Timestamp(1))).remaining, 91);
/// // The tenth makes eleven, so that 89 are left apart from the one.
/// assert_eq!(answer(share.next(counted(1, quiet, [11, 0]), Timestamp(1))).remaining, 89);
/// // The eleventh is that one: it is answered from memory, and the share is `Empty` again.
/// assert_eq!(answer(share.next(Input::Requested, Timestamp(2))).remaining, 89);
///
/// // The twelfth is counted with one in advance. Other instances have counted 89: 11 + 89 + 2 = 102 are two too many.
/// assert_eq!(share.next(Input::Requested, Timestamp(2)), Next::Count { requests: 2, previous: Some(quiet) });
/// let refused = answer(share.next(counted(2, quiet, [102, 0]), Timestamp(2)));
/// // All came in the step of seconds 0 to 4, a part of which lies in the last minute until second 64.
/// assert_eq!((refused.admitted, refused.seconds), (false, 63));
/// // Until then the answer comes from memory, and nothing is counted.
/// let refused = answer(share.next(Input::Requested, Timestamp(64)));
/// assert_eq!((refused.admitted, refused.seconds, refused.counted_at), (false, 1, None));
///
/// // Second 65 is in the second step of the next window: nothing is known of the step, nor of the window before.
/// assert_eq!(share.next(Input::Requested, Timestamp(65)), Next::Count { requests: 1, previous: None });
/// let full = [102, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// assert_eq!(answer(share.next(counted(1, full, [0, 1]), Timestamp(65))).remaining, 99);
/// // That request had the token of a session that has ended, so it was not the subject's: it is to be subtracted, and nothing else,
/// // since nothing is held.
/// assert_eq!(share.next(Input::TakenBack, Timestamp(65)), Next::TakeBack { requests: 1 });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Share {
    class: Class,
    limit: u64,
    /// Until when the subject is refused. It is no [`State`]: it outlasts the step, and a count that was made before the one that refused
    /// the subject, and is known after it, ends it while requests may be held or being counted.
    refused_until: Timestamp,
    /// A window, and the counts of the one before it, which is over: they do not change.
    previous: Option<(Timestamp, Counts)>,
    /// The step that the rest is of, counted from the Unix epoch.
    step: i64,
    /// Requests of the step that the instance let through.
    served: u64,
    /// Requests that the subject had left at the last count, apart from those that are held.
    remaining: u64,
    state: State,
}

/// What is counted in advance in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing. The next request is counted, and with it as many others as are worth it.
    Empty,
    /// Requests that the database has been asked to count. Others are counted alone meanwhile, so that a burst does not multiply them.
    Counting,
    /// So many requests, at least one, that have not come yet. The next request is one of them.
    Holding(u64),
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A request came.
    Requested,
    /// The database did what [`Next::Count`] says. The moment is that of the request. There is no such input if it did not answer.
    Counted {
        /// What was added.
        requests: u64,
        /// The counts of the window before.
        previous: Counts,
        /// The counts of the window, with what was added.
        current: Counts,
    },
    /// A request that was counted turned out not to be the subject's. The moment is [`RateLimitState::counted_at`].
    TakenBack,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The request has its answer.
    Answer(RateLimitState),
    /// The counter of the step is to be raised; [`Input::Counted`] follows.
    Count {
        /// What is to be added.
        requests: u64,
        /// The counts of the window before; they are to be read if they are not known.
        previous: Option<Counts>,
    },
    /// The counter of the step is to be lowered, and nothing follows.
    TakeBack {
        /// What is to be subtracted.
        requests: u64,
    },
}

impl Share {
    /// The share of a subject of which nothing is known.
    #[must_use]
    pub fn new(class: Class, limit: u64) -> Self {
        let (refused_until, step, state) = (Timestamp::default(), 0, State::Empty);
        Self { class, limit, refused_until, previous: None, step, served: 0, remaining: 0, state }
    }

    /// The transition: what is to be done after `input`, which happened at a request of the moment `now`.
    pub fn next(&mut self, input: Input, now: Timestamp) -> Next {
        let step = now.0.div_euclid(STEP_SECONDS);
        match input {
            Input::Requested if self.is_refused(now) => {
                let seconds = self.refused_until.since(now);
                Next::Answer(RateLimitState::refused(self.class, self.limit, seconds, None))
            }
            Input::Requested => {
                if self.step != step {
                    self.begin(step);
                }
                if let State::Holding(held) = self.state {
                    (self.served, self.state) = (self.served + 1, State::holding(held - 1));
                    let remaining = self.remaining + held - 1;
                    return Next::Answer(RateLimitState::admitted(self.class, self.limit, remaining, now));
                }
                let most = (self.remaining / PART).saturating_sub(1).min(self.served / PART);
                let in_advance = if self.state == State::Empty { most } else { 0 };
                if in_advance > 0 {
                    self.state = State::Counting;
                }
                Next::Count { requests: 1 + in_advance, previous: self.previous(now) }
            }
            Input::Counted { requests, previous, current } => {
                let (state, left) = judge(self.class, self.limit, &previous, &current, requests, now);
                self.previous = Some((window_of(now), previous));
                self.refused_until = if state.admitted { now } else { now.plus(state.seconds) };
                if self.step < step {
                    self.begin(step);
                }
                // What is known late, of a step that is over, says nothing of this one.
                if self.step == step {
                    self.served += u64::from(state.admitted);
                    self.remaining = state.remaining - left;
                    if requests > 1 {
                        self.state = State::holding(self.held() + left);
                    }
                }
                Next::Answer(state)
            }
            Input::TakenBack => {
                let held = if self.step == step { self.held() } else { 0 };
                if held > 0 {
                    self.state = State::Empty;
                }
                // What the request led to is forgotten, and the counts are read again.
                (self.refused_until, self.previous) = (Timestamp::default(), None);
                Next::TakeBack { requests: 1 + held }
            }
        }
    }

    /// Whether the subject is known to be refused.
    #[must_use]
    pub fn is_refused(&self, now: Timestamp) -> bool {
        self.refused_until > now
    }

    /// The counts of the window before the present one, if they are known; they are since the first count in this window.
    #[must_use]
    pub fn previous(&self, now: Timestamp) -> Option<Counts> {
        self.previous.filter(|(window, _)| *window == window_of(now)).map(|(_, counts)| counts)
    }

    fn begin(&mut self, step: i64) {
        (self.step, self.served, self.remaining, self.state) = (step, 0, 0, State::Empty);
    }

    fn held(&self) -> u64 {
        if let State::Holding(held) = self.state { held } else { 0 }
    }
}

impl State {
    fn holding(held: u64) -> Self {
        if held > 0 { Self::Holding(held) } else { Self::Empty }
    }
}

#[cfg(test)]
mod tests;
