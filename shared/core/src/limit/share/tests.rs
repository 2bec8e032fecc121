use std::collections::BTreeMap;

use super::*;
use crate::limit::{WINDOW_SECONDS, step_of};

const LIMIT: u64 = 100;

/// A subject's counts as the database keeps them, what instances know of them, and how often they were written.
struct Subject {
    windows: BTreeMap<i64, Counts>,
    shares: [Share; 3],
    writes: usize,
    admitted: Vec<i64>,
}

impl Subject {
    fn new() -> Self {
        let shares = [Share::new(Class::General, LIMIT); 3];
        Self { windows: BTreeMap::new(), shares, writes: 0, admitted: Vec::new() }
    }

    /// A request at an instance.
    fn request(&mut self, instance: usize, at: i64) -> RateLimitState {
        let (window, now, mut input) = (at / WINDOW_SECONDS, Timestamp(at), Input::Requested);
        loop {
            input = match self.shares[instance].next(input, now) {
                Next::Answer(state) => {
                    self.admitted.extend(state.admitted.then_some(at));
                    return state;
                }
                Next::Count { requests, previous } => {
                    self.windows.entry(window).or_default()[step_of(now)] += requests;
                    self.writes += 1;
                    let before = self.windows.get(&(window - 1)).copied().unwrap_or_default();
                    assert!(previous.is_none_or(|known| known == before));
                    Input::Counted { requests, previous: before, current: self.windows[&window] }
                }
                Next::TakeBack { requests } => panic!("nobody took {requests} back"),
            };
        }
    }

    /// Requests from `begin` on for five minutes, to each instance in turn.
    fn asked(instances: usize, begin: i64, per_second: usize) -> Self {
        let mut subject = Self::new();
        for n in 0..300 * per_second {
            subject.request(n % instances, begin + i64::try_from(n / per_second).unwrap());
        }
        subject
    }

    fn fullest_minute(&self) -> u64 {
        let within = |from: i64| self.admitted.iter().filter(|at| (from..from + WINDOW_SECONDS).contains(*at)).count();
        self.admitted.iter().map(|from| within(*from)).max().unwrap_or(0) as u64
    }
}

#[test]
fn no_minute_holds_more_than_the_limit_however_many_instances_share_it() {
    for begin in 0..WINDOW_SECONDS {
        for (instances, per_second) in [(1, 40), (2, 7), (3, 40), (3, 3)] {
            let subject = Subject::asked(instances, begin, per_second);
            let fullest = subject.fullest_minute();
            assert!(fullest <= LIMIT, "{fullest}, begun at {begin}");
            // Less than an eighth is refused early.
            assert!(fullest * 9 >= LIMIT * 8, "{fullest} of {instances} instances, begun at {begin}");
        }
    }
}

#[test]
fn one_instance_alone_admits_every_request_of_a_burst() {
    let mut subject = Subject::new();
    while subject.request(0, 0).admitted {}
    assert_eq!(subject.admitted.len() as u64, LIMIT);
    assert!(subject.writes < 60, "{}", subject.writes);
}

#[test]
fn who_comes_seldom_is_never_counted_ahead() {
    let mut subject = Subject::new();
    for at in 0..60 {
        assert!(subject.request(0, at).admitted);
    }
    assert_eq!((subject.writes, subject.admitted.len()), (60, 60));
}

/// The database's answer in step 7, where so many were counted altogether.
fn counted(requests: u64, altogether: u64) -> Input {
    let mut current = Counts::default();
    current[7] = altogether;
    Input::Counted { requests, previous: Counts::default(), current }
}

fn count(requests: u64) -> Next {
    Next::Count { requests, previous: Some(Counts::default()) }
}

/// A share of a crowd of eighty, who came at once in step 7 and left 900 of 1,000.
fn crowd() -> Share {
    let mut share = Share::new(Class::General, 1_000);
    for _ in 0..80 {
        assert_eq!(share.next(Input::Requested, Timestamp(35)), Next::Count { requests: 1, previous: None });
    }
    for _ in 0..80 {
        share.next(counted(1, 100), Timestamp(35));
    }
    share
}

#[test]
fn a_crowd_is_counted_ahead_once() {
    let mut share = crowd();
    assert_eq!([(); 3].map(|()| share.next(Input::Requested, Timestamp(35))), [11, 1, 1].map(count));
    share.next(counted(11, 110), Timestamp(35));
    let Next::Answer(state) = share.next(Input::Requested, Timestamp(39)) else { panic!("it was counted ahead") };
    assert_eq!((state.admitted, state.remaining), (true, 899));
    assert_eq!(share.next(Input::Requested, Timestamp(40)), count(1), "it ends with its step");
}

#[test]
fn who_takes_a_request_back_takes_its_share_and_its_refusal_back() {
    let mut share = crowd();
    assert_eq!(share.next(Input::Requested, Timestamp(35)), count(11));
    share.next(counted(11, 110), Timestamp(35));
    share.next(counted(1, 1_001), Timestamp(35));
    assert!(share.is_refused(Timestamp(35)));
    assert_eq!(share.next(Input::TakenBack, Timestamp(35)), Next::TakeBack { requests: 11 });
    assert_eq!(share.next(Input::TakenBack, Timestamp(35)), Next::TakeBack { requests: 1 });
    assert!(!share.is_refused(Timestamp(35)) && share.previous(Timestamp(35)).is_none());
}

#[test]
fn what_is_known_late_tells_nothing_of_the_step_that_has_begun() {
    let mut share = crowd();
    assert_eq!(share.next(Input::Requested, Timestamp(39)), count(11));
    assert_eq!(share.next(Input::Requested, Timestamp(40)), count(1));
    share.next(counted(11, 110), Timestamp(39));
    assert_eq!(share.next(Input::Requested, Timestamp(40)), count(1));
}
