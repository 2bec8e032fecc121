//! Calls each route once on a warm instance, with keys of the default algorithm, so that `work.py` counts its instructions and allocations. The log and the metrics are formatted as on Lambda and
//! discarded. Prints the routes in the order of the calls.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a program for developers")]

#[allow(dead_code, unused_imports, reason = "the tests use more of it")]
mod support;

use std::collections::BTreeSet;
use std::io;

use template::{Route, Template};
use user_app::keyring::CONFIRM_SECONDS;
use user_telemetry::log;
use user_telemetry::metric::{self, When};

use support::TestApp;
use support::errand::errand;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // As on Lambda; a local stack has full detail by default.
    let app = TestApp::with(&[("METRICS_DETAIL", "essential")]);
    log::start_to(&app.service.config, io::sink);
    metric::start(&app.service.config, || Box::new(io::sink()), When::EachRequest);
    let template = Template::evaluate(|_| None).unwrap();
    // A `HEAD` is the same as its `GET`; a request without a route is refused.
    let driven = |route: &&Route| route.method.as_ref().is_some_and(|method| method != "HEAD");
    let routes: BTreeSet<_> = template.routes().map(|(_, route)| route).filter(driven).map(Route::key).collect();
    let wanted: Vec<_> = std::env::args().skip(1).collect();
    for route in routes.iter().filter(|route| wanted.is_empty() || wanted.contains(route)) {
        // The first call also does one-time initialisation, so only the second one is counted.
        for counted in [false, true] {
            let app = TestApp::open();
            // The keys of a deployed stack, which its first rotation makes.
            app.service.rotate_what_is_due().await.unwrap();
            app.clock.advance(CONFIRM_SECONDS);
            let call = Box::pin(errand(&app, route)).await;
            // A warm instance knows the token already.
            if let Some(token) = call.request.headers_ref().and_then(|headers| headers.get("authorization")) {
                let token = token.to_str().unwrap().trim_start_matches("Bearer ").to_owned();
                app.me(&token).await;
            }
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

/// Discards everything that was counted so far.
#[inline(never)]
fn counting_begins() {
    std::hint::black_box("begins");
}

/// Assigns everything that was counted since then to the route.
#[inline(never)]
fn counting_ends() {
    std::hint::black_box("ends");
}
