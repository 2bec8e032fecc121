//! A wire that measures the database use of a piece of work.

use std::mem::take;
use std::sync::{Arc, Mutex};

use local::aws::{Fate, Wire};
use serde_json::{Map, Value};
use userctl::cost::budget::Work;

use crate::support::TestApp;

/// How far the clock advances before a measurement, in seconds: all work that is done every minute or more often is due then, but not the
/// read of the secret, which is due every five minutes.
const PAUSE: i64 = 120;

/// The operations that read; all others write.
const READS: [&str; 4] = ["GetItem", "BatchGetItem", "Query", "Scan"];

/// A database call.
struct Call {
    operation: String,
    /// When it began and ended, counted in begins and ends of calls.
    begun: u64,
    ended: u64,
    status: u16,
    answer: Vec<u8>,
}

#[derive(Default)]
struct Log {
    moment: u64,
    calls: Vec<Call>,
}

impl Log {
    fn begin(&mut self, operation: &str) -> u64 {
        self.moment += 1;
        let operation = operation.to_owned();
        self.calls.push(Call { operation, begun: self.moment, ended: u64::MAX, status: 0, answer: Vec::new() });
        self.moment
    }

    fn end(&mut self, begun: u64, status: u16, answer: &[u8]) {
        self.moment += 1;
        if let Some(call) = self.calls.iter_mut().find(|call| call.begun == begun) {
            (call.ended, call.status, call.answer) = (self.moment, status, answer.to_vec());
        }
    }
}

/// Measures the calls on its wire.
pub(super) struct Meter(Arc<Mutex<Log>>);

impl Meter {
    /// A meter and its wire.
    pub(super) fn new() -> (Self, Wire) {
        let log = Arc::new(Mutex::new(Log::default()));
        let seen = log.clone();
        let wire: Wire = Arc::new(move |target, _| {
            let Some(operation) = target.strip_prefix("DynamoDB_20120810.") else { return Fate::Arrives };
            let (begun, seen) = (seen.lock().unwrap().begin(operation), seen.clone());
            Fate::Watched(Box::new(move |status: u16, answer: &[u8]| {
                seen.lock().unwrap().end(begun, status, answer);
            }))
        });
        (Self(log), wire)
    }

    /// Does some work two minutes after everything before; returns its result and its database use.
    pub(super) async fn measure<T>(&self, app: &TestApp, work: impl Future<Output = T>) -> (T, Work) {
        app.clock.advance(PAUSE);
        let before = messages(app).await;
        self.0.lock().unwrap().calls.clear();
        let outcome = work.await;
        let calls = take(&mut self.0.lock().unwrap().calls);
        let after = messages(app).await;
        let sum = |reads: bool| {
            let some = calls.iter().filter(|call| READS.contains(&call.operation.as_str()) == reads);
            // An empty sum is -0.
            some.map(units).sum::<f64>() + 0.0
        };
        let work = Work {
            calls: u32::try_from(calls.len()).unwrap(),
            trips: trips(&calls),
            reads: sum(true),
            writes: sum(false),
            messages: after[0] - before[0],
            asked: after[1] - before[1],
        };
        (outcome, work)
    }
}

/// How many messages name their user, and how many were requested by address.
async fn messages(app: &TestApp) -> [u32; 2] {
    let messages = app.items("OutboxTable").await;
    let count = |asked: bool| messages.iter().filter(|message| message["user_id"].is_null() == asked).count();
    [false, true].map(|asked| u32::try_from(count(asked)).unwrap())
}

/// The length of the longest chain of calls in which each began after the one before had ended.
fn trips(calls: &[Call]) -> u32 {
    let mut depths: Vec<u32> = Vec::new();
    for call in calls {
        let earlier = calls.iter().zip(&depths).filter(|(earlier, _)| earlier.ended < call.begun);
        let depth = earlier.map(|(_, depth)| *depth).max().unwrap_or(0);
        depths.push(depth + 1);
    }
    depths.into_iter().max().unwrap_or(0)
}

/// The units of a successful call.
fn units(call: &Call) -> f64 {
    let answer: Value = serde_json::from_slice(&call.answer).unwrap();
    assert_eq!(call.status, 200, "{} failed: {answer}", call.operation);
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(of_table).sum(),
        table => of_table(table),
    }
}

/// The units of a table, including its indexes.
fn of_table(capacity: &Value) -> f64 {
    let units = |part: &Value| part["CapacityUnits"].as_f64();
    let indexes = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"];
    let indexes = indexes.iter().flat_map(|kind| capacity[*kind].as_object().into_iter().flat_map(Map::values));
    let parts: f64 = indexes.chain([&capacity["Table"]]).filter_map(units).sum();
    let total = units(capacity).unwrap_or_else(|| panic!("no capacity was asked for: {capacity}"));
    assert!((total - parts).abs() < 1e-9, "INDEXES tells the parts of the whole: {capacity}");
    total
}

#[test]
fn calls_beside_each_other_are_one_trip() {
    let mut log = Log::default();
    let (first, second) = (log.begin("GetItem"), log.begin("UpdateItem"));
    log.end(first, 200, b"{}");
    let third = log.begin("PutItem");
    for call in [second, third] {
        log.end(call, 200, b"{}");
    }
    assert_eq!(trips(&log.calls), 2);
    assert_eq!(trips(&[]), 0);
}
