//! Dollars: what is used, at its price.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::Add;

use local::template::{Resource, Template};

use super::assumptions::{
    ALARM_METRICS, ASKED_FOR, Behaviour, COLD_MS, COLD_PERCENT, HASH_MS, HOURS, INSTANCES, LOG_BYTES,
    LOG_BYTES_OF_DATABASE, LOG_KEPT, OWN_MS, SCRAPE_MS, SEND_MS, SERIES, TRIP_MS, USER_KB,
};
use super::budget::{ASKED, BACKGROUND, LETTER, LOOK, NOTHING, ONE, ROUTES, Row, Work, find};
use super::prices::{
    ALARMS, BACKUP, COGNITO, COGNITO_FREE, COMPUTE, DASHBOARDS, INVOCATIONS, LOG_STORAGE, LOGS, MAILS, METRIC_READS,
    METRICS, READS, REQUESTS, SCHEDULED, SECRET_READS, SECRETS, STORAGE, WRITES,
};

/// The route whose calls ask `CloudWatch`.
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

    /// The same so many times.
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

/// What a run of a function costs that takes so many milliseconds besides its own and the database's.
fn run(work: &Work, memory_gb: f64, more_ms: f64) -> Bill {
    let ms = OWN_MS + TRIP_MS * f64::from(work.trips) + more_ms + COLD_MS * COLD_PERCENT / 100.0;
    let log_gb = (LOG_BYTES + LOG_BYTES_OF_DATABASE * f64::from(work.calls)) / 1e9;
    Bill {
        lambda: INVOCATIONS.of(1.0) + COMPUTE.of(memory_gb * ms / 1_000.0),
        database: units(work),
        monitoring: LOGS.of(log_gb) + LOG_STORAGE.of(log_gb * LOG_KEPT),
        ..Bill::default()
    }
}

fn units(work: &Work) -> f64 {
    READS.of(work.reads) + WRITES.of(work.writes)
}

fn background(name: &str) -> Work {
    find(BACKGROUND, name).map_or_else(Work::default, |row| row.work)
}

/// What the stack of a template costs.
pub struct Costs {
    /// The gigabytes of the function of each route, and of each function by its binary.
    memory: BTreeMap<String, f64>,
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
        Self { memory, secrets: secrets.count() as f64 }
    }

    fn memory(&self, name: &str) -> f64 {
        self.memory.get(name).copied().unwrap_or_default()
    }

    /// What a run in the background costs.
    #[must_use]
    pub fn background(&self, name: &str) -> Bill {
        let (binary, is_letter) = (name.split(':').next().unwrap_or_default(), [LETTER, ASKED].contains(&name));
        let (sent, ms) = if is_letter { (1.0, SEND_MS) } else { (0.0, 0.0) };
        Bill { mail: MAILS.of(sent), ..run(&background(name), self.memory(binary), ms) }
    }

    /// What a call costs, with the letters that it causes.
    #[must_use]
    pub fn call(&self, row: &Row) -> Bill {
        let is_scrape = row.name == SCRAPE;
        let more_ms = HASH_MS * f64::from(row.hashes) + if is_scrape { SCRAPE_MS } else { 0.0 };
        let own = run(&row.work, self.memory(row.name), more_ms);
        let gateway = Bill { gateway: REQUESTS.of(1.0), ..Bill::default() };
        let scrape = Bill { monitoring: METRIC_READS.of(if is_scrape { ASKED_FOR } else { 0.0 }), ..Bill::default() };
        let letters = self.background(LETTER).times(f64::from(row.work.letters));
        let asked = self.background(ASKED).times(f64::from(row.work.asked));
        own + gateway + scrape + letters + asked
    }

    /// What a month costs without any call.
    #[must_use]
    pub fn idle(&self) -> Bill {
        let (minutes, fives) = (HOURS * 60.0, HOURS * 12.0);
        let scheduled = Bill { others: SCHEDULED.of(minutes + HOURS), ..Bill::default() };
        let standing = Bill {
            monitoring: METRICS.of(SERIES) + ALARMS.of(ALARM_METRICS) + DASHBOARDS.of(1.0),
            others: SECRETS.of(self.secrets) + SECRET_READS.of(INSTANCES * fives),
            ..Bill::default()
        };
        self.background(LOOK).times(minutes) + self.background(NOTHING).times(HOURS) + scheduled + standing
    }

    /// What a month costs.
    #[must_use]
    pub fn month(&self, behaviour: &Behaviour) -> Bill {
        let calls = behaviour.calls();
        let calls = calls.iter().filter_map(|(route, times)| Some(self.call(find(ROUTES, route)?).times(*times)));
        let removal = units(&background(ONE)) - units(&background(NOTHING));
        let stored_gb = behaviour.users * USER_KB * 1_024.0 / 1e9;
        let kept = removal * behaviour.removed() + STORAGE.of(stored_gb) + BACKUP.of(stored_gb);
        calls.sum::<Bill>() + self.idle() + Bill { database: kept, ..Bill::default() }
    }
}

/// What Cognito's plan Essentials takes for as many users, its letters apart.
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
        let [one, two] = [1.0, 2.0].map(|n| costs.month(&Behaviour { users: n * 1e5, ..USUAL }).total());
        let idle = costs.idle().total();
        assert!(((two - idle) - 2.0 * (one - idle)).abs() < 1e-6);
    }

    #[test]
    fn cognito_is_free_for_ten_thousand() {
        assert_eq!([0.0, 1e4].map(cognito), [0.0, 0.0]);
        assert!((cognito(1e5) - 1_350.0).abs() < 1e-9);
    }
}
