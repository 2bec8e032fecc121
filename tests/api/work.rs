//! Drives each route once, for `work.py` to count the instructions and allocations of it; the log and the metrics are written as on
//! Lambda, to nowhere. Prints the routes in the order in which they are driven.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a program for developers")]

#[allow(dead_code, unused_imports, reason = "the tests use more of it")]
mod support;

use std::collections::BTreeSet;
use std::io;

use template::{Route, Template};
use user_telemetry::log;
use user_telemetry::metric::{self, When};

use support::TestApp;
use support::errand::errand;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // As on Lambda, where a local stack has them in full.
    let app = TestApp::with(&[("METRICS_DETAIL", "essential")]);
    log::start_to(&app.service.config, io::sink);
    metric::start(&app.service.config, || Box::new(io::sink()), When::EachRequest);
    let template = Template::evaluate(|_| None).unwrap();
    // A `HEAD` is its `GET`; what no other route takes is refused.
    let driven = |route: &&Route| route.method.as_ref().is_some_and(|method| method != "HEAD");
    let routes: BTreeSet<_> = template.routes().map(|(_, route)| route).filter(driven).map(Route::key).collect();
    let wanted: Vec<_> = std::env::args().skip(1).collect();
    for route in routes.iter().filter(|route| wanted.is_empty() || wanted.contains(route)) {
        // What is made at its first use is not the second's to pay.
        for counted in [false, true] {
            let app = TestApp::open();
            let call = Box::pin(errand(&app, route)).await;
            counting_begins();
            let answer = Box::pin(call.send()).await;
            if counted {
                counting_ends();
            }
            assert!(answer.status.is_success(), "{route} was answered {}: {}", answer.status, answer.json);
        }
        println!("{route}");
    }
}

/// All that was counted so far is dropped.
#[inline(never)]
fn counting_begins() {
    std::hint::black_box("begins");
}

/// What was counted since then is the route's.
#[inline(never)]
fn counting_ends() {
    std::hint::black_box("ends");
}
