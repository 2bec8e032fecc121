//! Faults of the network and the services: every answer of success is true, nothing is half-written, and a request whose answer was lost is
//! sent again.

mod cancelled;
mod person;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use local::aws::{Fate, Wire};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use user_core::id::random_below;

use crate::support::{TestApp, at_length};

use person::{Admin, Person, Tally};

/// The answer of a service that refuses a request.
fn refusal(target: &str, kind: u64) -> Fate {
    let error = |status, code: &str| Fate::Refused(status, json!({ "__type": code, "message": "made up" }).to_string());
    match kind {
        0 => error(400, "ProvisionedThroughputExceededException"),
        1 => error(500, "InternalServerError"),
        2 => error(503, "ServiceUnavailable"),
        3 => error(400, "ThrottlingException"),
        _ if target.ends_with("TransactWriteItems") => {
            let reasons = json!([{ "Code": "TransactionConflict" }, { "Code": "None" }]);
            let body = json!({ "__type": "TransactionCanceledException", "CancellationReasons": reasons });
            Fate::Refused(400, body.to_string())
        }
        _ if ["PutItem", "UpdateItem", "DeleteItem"].iter().any(|name| target.ends_with(name)) => {
            error(400, "TransactionConflictException")
        }
        _ => error(500, "InternalServerError"),
    }
}

/// A wire on which a fault hits `percent` percent of the calls, and the number of calls.
fn wire(percent: Arc<AtomicU64>, calls: Arc<AtomicUsize>) -> Wire {
    Arc::new(move |target, _| {
        calls.fetch_add(1, Ordering::Relaxed);
        if random_below(100) >= percent.load(Ordering::Relaxed) {
            return Fate::Arrives;
        }
        match random_below(4) {
            0 => Fate::Lost,
            1 => Fate::Unanswered,
            2 if random_below(8) == 0 => Fate::Trickles,
            2 => Fate::Cut,
            _ => refusal(target, random_below(6)),
        }
    })
}

async fn run(app: &Arc<TestApp>, admin: &Arc<Admin>, requests: usize) -> Tally {
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let (app, admin) = (app.clone(), admin.clone());
        tasks.spawn(async move {
            let (mut tally, mut n) = (Tally::default(), 0);
            let mut person = Person::new(task, n);
            while tally.requests < requests / 16 {
                if !Box::pin(person.step(&app, &admin, &mut tally)).await {
                    n += 1;
                    person = Person::new(task, n);
                }
            }
            tally
        });
    }
    tasks.join_all().await.into_iter().fold(Tally::default(), |mut sum, tally| {
        sum.requests += tally.requests;
        sum.unavailable += tally.unavailable;
        sum.longest = sum.longest.max(tally.longest);
        sum.promised.extend(tally.promised);
        sum
    })
}

/// The store is consistent, and every promise is kept.
async fn check(app: &TestApp, promised: &BTreeSet<String>) {
    let report = Box::pin(userctl::check::check(&app.stage())).await.unwrap();
    assert!(report.is_clean(), "{}", report.text());
    let word =
        |item: &Value, name: &str| item[name].as_str().unwrap_or_default().split('"').nth(1).unwrap_or("").to_owned();
    let emails: BTreeSet<_> = app.items("UsersTable").await.iter().map(|item| word(item, "email")).collect();
    assert!(promised.is_subset(&emails), "{:?}", promised.difference(&emails));
    let messages: BTreeSet<_> = app.items("OutboxTable").await.iter().map(|item| word(item, "to")).collect();
    assert!(promised.is_subset(&messages), "a message was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_requests_over_a_bad_network_break_no_promise() {
    let (percent, calls) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut calls_of_a_request = Vec::new();
    for (rate, requests) in [(0, 2_000), (1, 320), (5, 320), (20, 2_000), (50, 320)] {
        let app = Arc::new(TestApp::over(wire(percent.clone(), calls.clone())));
        let admin = Arc::new(Admin::of(&app).await);
        percent.store(rate, Ordering::SeqCst);
        calls.store(0, Ordering::SeqCst);
        let tally = run(&app, &admin, at_length(requests)).await;
        percent.store(0, Ordering::SeqCst);
        check(&app, &tally.promised).await;
        let a_request = calls.load(Ordering::SeqCst) as f64 / tally.requests as f64;
        eprintln!(
            "{rate} %: {} requests, {a_request:.2} calls each, {} times 503, longest {:?}",
            tally.requests, tally.unavailable, tally.longest
        );
        calls_of_a_request.push((rate, a_request));
        assert!(tally.longest < Duration::from_millis(15_000 + 200), "{rate} %: {:?}", tally.longest);
        assert!(rate > 0 || tally.unavailable == 0, "a calm run");
    }
    let of = |rate| calls_of_a_request.iter().find(|(of, ..)| *of == rate).unwrap().1;
    assert!(of(20) <= 2.0 * of(0), "{calls_of_a_request:?}");
}

/// A wire that loses the answer of the first transaction.
fn loses_first_transaction() -> Wire {
    let lost = AtomicBool::new(false);
    Arc::new(move |target, _| {
        if target.ends_with("TransactWriteItems") && !lost.swap(true, Ordering::SeqCst) {
            return Fate::Unanswered;
        }
        Fate::Arrives
    })
}

#[tokio::test]
async fn a_sign_up_whose_first_reply_was_lost_is_answered_as_done() {
    let app = TestApp::over(loses_first_transaction());
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
    assert_eq!(app.sign_up("ann@example.com").await.problem(), (409, "email-taken"));
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
}

#[tokio::test]
async fn a_service_that_is_away_is_a_503_that_says_when_to_come_again() {
    let away = Arc::new(AtomicBool::new(false));
    let switch = away.clone();
    let wire: Wire = Arc::new(move |target, _| match switch.load(Ordering::SeqCst) {
        true => refusal(target, random_below(3)),
        false => Fate::Arrives,
    });
    let app = TestApp::over(wire);
    let ann = app.member("ann@example.com").await;
    away.store(true, Ordering::SeqCst);
    let answers = [
        app.sign_up("bob@example.com").await,
        app.log_in("ann@example.com").await,
        app.refresh(&ann.refresh).await,
        app.get("/users/me").bearer(&ann.access).send().await,
        app.forgot("ann@example.com").await,
    ];
    for answer in answers {
        assert_eq!(answer.problem(), (503, "unavailable"));
        assert_eq!(answer.header("retry-after"), "1");
    }
    away.store(false, Ordering::SeqCst);
    assert_eq!(app.me(&ann.access).await, 200);
}

#[tokio::test]
async fn a_service_that_never_answers_is_given_up_in_time() {
    let stalls = Arc::new(AtomicBool::new(false));
    let switch = stalls.clone();
    let wire: Wire = Arc::new(move |_, _| if switch.load(Ordering::SeqCst) { Fate::Stalled } else { Fate::Arrives });
    let app = TestApp::over(wire);
    let ann = app.member("ann@example.com").await;
    stalls.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.problem(), (503, "unavailable"));
    assert!(begun.elapsed() < Duration::from_millis(15_200), "{:?}", begun.elapsed());
}
