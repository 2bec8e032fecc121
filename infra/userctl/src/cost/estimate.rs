//! The cost in dollars: usage, multiplied by prices.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::Add;

use template::{Resource, Template};

use super::assumptions::{
    ACCESS_BYTES, ALARM_METRICS, ASKED_FOR, Behaviour, COLD_MS, COLD_PERCENT, HASH_MS, HOURS, IDLE_SERIES, INSTANCES,
    LOG_BYTES, LOG_KEPT, OWN_MS, SCRAPE_MS, SEND_MS, SERIES, TRIP_MS, USER_KB,
};
use super::budget::{ASKED, BACKGROUND, LOOK, MESSAGE, NOTHING, ONE, ROUTES, Row, Work, find};
use super::prices::{
    ALARMS, BACKUP, COGNITO, COGNITO_FREE, COMPUTE, INVOCATIONS, LOG_STORAGE, LOGS, MAILS, METRIC_READS, METRICS,
    READS, REQUESTS, SCHEDULED, SECRET_READS, SECRETS, STORAGE, WRITES,
};

/// The route whose calls query `CloudWatch`.
const SCRAPE: &str = "GET /metrics";

/// Dollars by service.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bill {
    /// API Gateway.
    pub gateway: f64,
    /// Lambda.
    pub lambda: f64,
    /// `DynamoDB`.
    pub database: f64,
    /// SES.
    pub mail: f64,
    /// `CloudWatch`.
    pub monitoring: f64,
    /// Secrets Manager and `EventBridge`.
    pub others: f64,
}

impl Bill {
    /// The dollars for each service.
    #[must_use]
    pub fn shares(&self) -> [(&'static str, f64); 6] {
        [
            ("API Gateway", self.gateway),
            ("Lambda", self.lambda),
            ("DynamoDB", self.database),
            ("SES", self.mail),
            ("CloudWatch", self.monitoring),
            ("others", self.others),
        ]
    }

    /// The dollars for all of them.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.shares().iter().map(|(_, dollars)| dollars).sum()
    }

    /// The bill, multiplied by `n`.
    #[must_use]
    pub fn times(self, n: f64) -> Self {
        Self {
            gateway: self.gateway * n,
            lambda: self.lambda * n,
            database: self.database * n,
            mail: self.mail * n,
            monitoring: self.monitoring * n,
            others: self.others * n,
        }
    }
}

impl Add for Bill {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            gateway: self.gateway + other.gateway,
            lambda: self.lambda + other.lambda,
            database: self.database + other.database,
            mail: self.mail + other.mail,
            monitoring: self.monitoring + other.monitoring,
            others: self.others + other.others,
        }
    }
}

impl Sum for Bill {
    fn sum<I: Iterator<Item = Self>>(bills: I) -> Self {
        bills.fold(Self::default(), Add::add)
    }
}

/// The cost of an invocation that takes `more_ms` in addition to its own time and that of the database.
fn run(work: &Work, memory_gb: f64, more_ms: f64) -> Bill {
    let ms = OWN_MS + TRIP_MS * f64::from(work.trips) + more_ms + COLD_MS * COLD_PERCENT / 100.0;
    Bill {
        lambda: INVOCATIONS.of(1.0) + COMPUTE.of(memory_gb * ms / 1_000.0),
        database: units(work),
        monitoring: logged(LOG_BYTES),
        ..Bill::default()
    }
}

/// The cost of so many bytes of log, ingested and stored for a month.
fn logged(bytes: f64) -> f64 {
    LOGS.of(bytes / 1e9) + LOG_STORAGE.of(bytes / 1e9 * LOG_KEPT)
}

fn units(work: &Work) -> f64 {
    READS.of(work.reads) + WRITES.of(work.writes)
}

fn background(name: &str) -> Work {
    find(BACKGROUND, name).map_or_else(Work::default, |row| row.work)
}

/// The costs of a template's stack.
pub struct Costs {
    /// The memory in gigabytes of the function of each route, and of each function by its binary.
    memory: BTreeMap<String, f64>,
    /// How many calls a second of each route the gateway accepts.
    per_second: BTreeMap<&'static str, f64>,
    secrets: f64,
}

impl Costs {
    /// The costs with the template's functions and secrets.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "megabytes and secrets are few")]
    pub fn of(template: &Template) -> Self {
        let gb = |id: &str| {
            let function = template.functions().find(|(known, ..)| *known == id).map(|(.., function)| function);
            function.map_or(0.0, |function| template.memory_mb(function) as f64 / 1_024.0)
        };
        let routes = template.routes().map(|(id, route)| (route.key(), gb(id)));
        let binaries = template.functions().map(|(id, binary, _)| (binary.to_owned(), gb(id)));
        let memory = routes.chain(binaries).collect();
        let secrets = template.resources.values().filter(|resource| matches!(resource, Resource::Secret { .. }));
        let per_second =
            ROUTES.iter().filter_map(|row| Some((row.name, template.calls_per_second(row.name)?))).collect();
        Self { memory, per_second, secrets: secrets.count() as f64 }
    }

    fn memory(&self, name: &str) -> f64 {
        self.memory.get(name).copied().unwrap_or_default()
    }

    /// The cost of an invocation in the background.
    #[must_use]
    pub fn background(&self, name: &str) -> Bill {
        let (binary, is_message) = (name.split(':').next().unwrap_or_default(), [MESSAGE, ASKED].contains(&name));
        let (sent, ms) = if is_message { (1.0, SEND_MS) } else { (0.0, 0.0) };
        Bill { mail: MAILS.of(sent), ..run(&background(name), self.memory(binary), ms) }
    }

    /// The cost of a call, including the emails that it causes.
    #[must_use]
    pub fn call(&self, row: &Row) -> Bill {
        let is_scrape = row.name == SCRAPE;
        let more_ms = HASH_MS * f64::from(row.hashes) + if is_scrape { SCRAPE_MS } else { 0.0 };
        let own = run(&row.work, self.memory(row.name), more_ms);
        let gateway = Bill { gateway: REQUESTS.of(1.0), monitoring: logged(ACCESS_BYTES), ..Bill::default() };
        let scrape = Bill { monitoring: METRIC_READS.of(if is_scrape { ASKED_FOR } else { 0.0 }), ..Bill::default() };
        let messages = self.background(MESSAGE).times(f64::from(row.work.messages));
        let asked = self.background(ASKED).times(f64::from(row.work.asked));
        own + gateway + scrape + messages + asked
    }

    /// The cost of an hour in which every route is called as often as the gateway accepts, if each call costs as much as a success.
    #[must_use]
    pub fn flood(&self) -> Bill {
        let hour =
            |row: &Row| self.call(row).times(3_600.0 * self.per_second.get(row.name).copied().unwrap_or_default());
        ROUTES.iter().filter(|row| row.name != SCRAPE).map(hour).sum()
    }

    /// The cost of a month without any call, in a stack without alarms.
    #[must_use]
    pub fn untold(&self) -> Bill {
        let (minutes, fives) = (HOURS * 60.0, HOURS * 12.0);
        let scheduled = Bill { others: SCHEDULED.of(minutes + HOURS), ..Bill::default() };
        let standing = Bill {
            monitoring: METRICS.of(IDLE_SERIES),
            others: SECRETS.of(self.secrets) + SECRET_READS.of(fives),
            ..Bill::default()
        };
        self.background(LOOK).times(minutes) + self.background(NOTHING).times(HOURS) + scheduled + standing
    }

    /// The cost of a month without any call, including alarms.
    #[must_use]
    pub fn idle(&self) -> Bill {
        self.untold() + Bill { monitoring: ALARMS.of(ALARM_METRICS), ..Bill::default() }
    }

    /// The cost of a month.
    #[must_use]
    pub fn month(&self, behaviour: &Behaviour) -> Bill {
        let calls = behaviour.calls();
        let calls = calls.iter().filter_map(|(route, times)| Some(self.call(find(ROUTES, route)?).times(*times)));
        let removal = units(&background(ONE)) - units(&background(NOTHING));
        let stored_gb = behaviour.users * USER_KB * 1_024.0 / 1e9;
        let kept = removal * behaviour.removed() + STORAGE.of(stored_gb) + BACKUP.of(stored_gb);
        let more = Bill {
            database: kept,
            monitoring: METRICS.of(SERIES - IDLE_SERIES),
            others: SECRET_READS.of((INSTANCES - 1.0) * HOURS * 12.0),
            ..Bill::default()
        };
        calls.sum::<Bill>() + self.idle() + if behaviour.users > 0.0 { more } else { Bill::default() }
    }
}

/// The price of Cognito's plan Essentials for as many users, without emails.
#[must_use]
pub fn cognito(users: f64) -> f64 {
    COGNITO.of((users - COGNITO_FREE).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::super::assumptions::USUAL;
    use super::*;

    fn costs() -> Costs {
        Costs::of(&Template::evaluate(|_| None).unwrap())
    }

    #[test]
    fn every_route_has_a_function_with_memory() {
        let costs = costs();
        for row in ROUTES {
            assert!(costs.memory(row.name) >= 0.125, "{}", row.name);
        }
        for row in BACKGROUND {
            assert!(costs.background(row.name).lambda > INVOCATIONS.of(1.0), "{}", row.name);
        }
    }

    #[test]
    fn a_month_is_its_calls_and_what_stands() {
        let (costs, nobody) = (costs(), Behaviour { users: 0.0, ..USUAL });
        assert_eq!(costs.month(&nobody), costs.idle());
        let [one, two, three] = [1.0, 2.0, 3.0].map(|n| costs.month(&Behaviour { users: n * 1e5, ..USUAL }).total());
        assert!(((three - two) - (two - one)).abs() < 1e-6, "so much for each user");
        let (usual, nobody, untold) = (costs.month(&USUAL).total(), costs.idle().total(), costs.untold().total());
        assert!(usual <= 60.0 && untold <= 3.0 && untold < nobody, "{usual} {nobody} {untold}");
    }

    #[test]
    fn cognito_is_free_for_ten_thousand() {
        assert_eq!([0.0, 1e4].map(cognito), [0.0, 0.0]);
        assert!((cognito(1e5) - 1_350.0).abs() < 1e-9);
    }
}
