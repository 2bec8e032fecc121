//! The costs as a page in Markdown, whose tables are also readable as text, and as JSON.

use serde_json::{Map, Value, json};

use super::assumptions::{Behaviour, sentences};
use super::budget::{BACKGROUND, ROUTES, Work};
use super::estimate::{Bill, Costs, cognito};
use super::prices::{ALL, DATE};

const MILLION: f64 = 1_000_000.0;

/// The page in Markdown.
pub(super) fn text(costs: &Costs, behaviour: &Behaviour) -> String {
    let sections = [
        "# What it costs".to_owned(),
        "Printed by `cargo userctl cost`; a test holds this page to it, and another measures what calls use of the \
         database. Dollars; prices of us-east-1."
            .to_owned(),
        "## A million calls of each route, with the emails that they cause".to_owned(),
        routes(costs),
        "## A million runs in the background".to_owned(),
        runs(costs),
        format!("## A month with {} users", behaviour.users),
        month(costs, behaviour),
        "## An hour of a flood, at most".to_owned(),
        "Every route is called as often as the gateway lets through (`RequestsPerSecond`, `PasswordRequestsPerSecond`), each \
         call is as dear as a success, and each email is sent. A stranger's calls cost less: the service refuses most of \
         them before it reads anything. `/metrics` is left out: without its token it asks CloudWatch nothing. What the \
         gateway refuses costs nothing."
            .to_owned(),
        flood(costs),
        "## What is assumed".to_owned(),
        list(habits(behaviour).into_iter().chain(sentences())),
        format!("## Prices, as known on {DATE}; compare them with the pages named"),
        prices(),
    ];
    sections.join("\n\n")
}

/// The numbers as JSON, for programs, in dollars.
pub(super) fn json(costs: &Costs, behaviour: &Behaviour) -> Value {
    let routes: Map<String, Value> = ROUTES.iter().map(|row| entry(row.name, &row.work, &costs.call(row))).collect();
    let runs: Map<String, Value> =
        BACKGROUND.iter().map(|row| entry(row.name, &row.work, &costs.background(row.name))).collect();
    let calls = behaviour.calls().into_iter().map(|(route, calls)| (route.to_owned(), json!(calls)));
    let (calls, month) = (calls.collect::<Map<String, Value>>(), costs.month(behaviour));
    json!({
        "prices_of": DATE,
        "million_calls": routes,
        "million_runs": runs,
        "month": {
            "users": behaviour.users,
            "calls": calls,
            "dollars": by_service(&month),
            "idle_dollars": by_service(&costs.idle()),
            "flood_dollars_an_hour": by_service(&costs.flood()),
            "idle_dollars_without_alarms": by_service(&costs.untold()),
            "cognito_essentials_dollars": cognito(behaviour.users),
        },
    })
}

fn entry(name: &str, work: &Work, bill: &Bill) -> (String, Value) {
    let Work { calls, trips, reads, writes, messages, asked } = work;
    let value = json!({
        "dynamodb_calls": calls,
        "trips": trips,
        "read_units": reads,
        "write_units": writes,
        "messages": messages + asked,
        "dollars": by_service(&bill.times(MILLION)),
    });
    (name.to_owned(), value)
}

fn by_service(bill: &Bill) -> Value {
    let shares = bill.shares().into_iter().chain([("total", bill.total())]);
    Value::Object(shares.map(|(service, dollars)| (service.to_owned(), json!(dollars))).collect())
}

fn routes(costs: &Costs) -> String {
    let head = ["call", "database calls", "trips", "read units", "write units", "emails"];
    let services = ["API Gateway", "Lambda", "DynamoDB", "SES", "CloudWatch", "total"];
    let rows = ROUTES.iter().map(|row| -> Vec<String> {
        let bill = costs.call(row).times(MILLION);
        let shares = [bill.gateway, bill.lambda, bill.database, bill.mail, bill.monitoring, bill.total()].map(dollars);
        let used = used(&format!("`{}`", row.name), &row.work).into_iter().chain([messages(&row.work)]);
        used.chain(shares).collect()
    });
    table(&[&head[..], &services[..]].concat(), &rows.collect::<Vec<_>>())
}

fn runs(costs: &Costs) -> String {
    let head = ["run", "database calls", "trips", "read units", "write units"];
    let services = ["Lambda", "DynamoDB", "SES", "CloudWatch", "total"];
    let rows = BACKGROUND.iter().map(|row| -> Vec<String> {
        let bill = costs.background(row.name).times(MILLION);
        let shares = [bill.lambda, bill.database, bill.mail, bill.monitoring, bill.total()].map(dollars);
        used(row.name, &row.work).into_iter().chain(shares).collect()
    });
    table(&[&head[..], &services[..]].concat(), &rows.collect::<Vec<_>>())
}

fn used(name: &str, work: &Work) -> [String; 5] {
    let Work { calls, trips, reads, writes, .. } = work;
    [name.to_owned(), calls.to_string(), trips.to_string(), reads.to_string(), writes.to_string()]
}

fn messages(work: &Work) -> String {
    (work.messages + work.asked).to_string()
}

fn month(costs: &Costs, behaviour: &Behaviour) -> String {
    let bills = [costs.month(behaviour), costs.idle(), costs.untold()];
    let line = |name: &str, amounts: [f64; 3]| -> Vec<String> {
        [name.to_owned()].into_iter().chain(amounts.map(dollars)).collect()
    };
    let services = Bill::default().shares().map(|(service, _)| service);
    let share = |service: &str, bill: &Bill| {
        bill.shares().into_iter().find(|(name, _)| *name == service).map_or(0.0, |(_, dollars)| dollars)
    };
    let mut rows: Vec<_> =
        services.iter().map(|service| line(service, bills.map(|bill| share(service, &bill)))).collect();
    rows.push(line("total", bills.map(|bill| bill.total())));
    rows.push(line("Cognito Essentials", [cognito(behaviour.users), 0.0, 0.0]));
    table(&["service", "dollars", "of them without any call", "without calls and alarms"], &rows)
}

fn flood(costs: &Costs) -> String {
    let bill = costs.flood();
    let shares = bill.shares().into_iter().chain([("total", bill.total())]);
    let rows: Vec<_> = shares.map(|(service, amount)| vec![service.to_owned(), dollars(amount)]).collect();
    table(&["service", "dollars"], &rows)
}

fn habits(behaviour: &Behaviour) -> Vec<String> {
    let Behaviour { sign_ups, abandoned, logins, refreshes, reads, changes, resets, scrapes, .. } = behaviour;
    vec![
        format!(
            "A user and month: {sign_ups} sign-ups ({abandoned} % of them never proven), {logins} logins, {refreshes} \
             refreshes, {reads} reads and {changes} changes of the own record, {resets} forgotten passwords; \
             {scrapes} looks of Prometheus at `/metrics`. Each has a flag."
        ),
        "Each call is its sender's first in two minutes and a success; units are those of an embedded database that \
         counts as DynamoDB does."
            .to_owned(),
    ]
}

fn prices() -> String {
    let rows = ALL.iter().map(|price| {
        let page = format!("https://aws.amazon.com/{}/", price.page);
        vec![price.what.to_owned(), price.dollars.to_string(), price.per.to_string(), page]
    });
    table(&["what", "dollars", "for", "page"], &rows.collect::<Vec<_>>())
}

fn dollars(amount: f64) -> String {
    format!("{amount:.2}")
}

fn list(sentences: impl Iterator<Item = String>) -> String {
    sentences.map(|sentence| format!("- {sentence}")).collect::<Vec<_>>().join("\n")
}

/// A table whose columns are as wide as their longest word; the first is aligned left, the others right.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<_> = head.iter().map(|word| (*word).to_owned()).collect();
    let width = |column: usize| {
        let words = [&head].into_iter().chain(rows).filter_map(|row| row.get(column));
        words.map(|word| word.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (word, width))| {
            let width = *width;
            if column == 0 { format!("{word:<width$}") } else { format!("{word:>width$}") }
        });
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(column, width)| {
        if column == 0 { format!("|{}", "-".repeat(width + 2)) } else { format!("|{}:", "-".repeat(width + 1)) }
    });
    let rule = format!("{}|", rule.collect::<String>());
    [line(&head), rule].into_iter().chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_a_table_are_even() {
        let rows = [vec!["a".to_owned(), "10".to_owned()], vec!["long".to_owned(), "1".to_owned()]];
        assert_eq!(table(&["x", "n"], &rows), "| x    |  n |\n|------|---:|\n| a    | 10 |\n| long |  1 |");
    }
}
