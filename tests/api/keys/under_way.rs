//! An emergency in the middle of a request.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use local::aws::{Fate, Wire};
use tokio::task::JoinSet;
use user_app::keyring::CONFIRM_SECONDS;

use super::emergency;
use crate::support::{Member, TestApp};

/// A wire that holds one call until it is told to go on: which call to hold, a signal of its arrival, and a signal to go on.
struct Gate {
    wire: Wire,
    next: Arc<Mutex<Option<&'static [&'static str]>>>,
    arrival: Receiver<()>,
    go_on: Sender<()>,
}

impl Gate {
    fn new() -> Self {
        let ((arrived, arrival), (go_on, gate)) = (channel(), channel());
        let (next, gate) = (Arc::new(Mutex::new(None::<&[&str]>)), Mutex::new(gate));
        let words = next.clone();
        let wire: Wire = Arc::new(move |target, body| {
            let call = format!("{target} {}", String::from_utf8_lossy(body));
            let held = words.lock().unwrap().take_if(|words| words.iter().all(|word| call.contains(word)));
            if held.is_some() {
                arrived.send(()).unwrap();
                gate.lock().unwrap().recv().unwrap();
            }
            Fate::Arrives
        });
        Self { wire, next, arrival, go_on }
    }
}

async fn status(app: &TestApp, member: &Member, refreshes: bool) -> u16 {
    if refreshes { app.refresh(&member.refresh).await.status.as_u16() } else { app.me(&member.access).await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_was_under_way_when_its_keys_became_void_gets_nothing() {
    const CALLS: [(bool, &[&str]); 2] =
        [(false, &["BatchGetItem", "SESSION#"]), (true, &["UpdateItem", "seq = :next"])];
    for (refreshes, held) in CALLS {
        let Gate { wire, next, arrival, go_on } = Gate::new();
        let app = Arc::new(TestApp::over(wire));
        app.service.rotate_what_is_due().await.unwrap();
        let (ann, bob) = (app.member("ann@example.com").await, app.member("bob@example.com").await);
        *next.lock().unwrap() = Some(held);
        let mut slow = JoinSet::new();
        let shared = app.clone();
        slow.spawn(async move { status(&shared, &ann, refreshes).await });
        tokio::task::spawn_blocking(move || arrival.recv().unwrap()).await.unwrap();
        emergency(&app).await;
        app.clock.advance(CONFIRM_SECONDS);
        assert_eq!(status(&app, &bob, refreshes).await, 401, "the instance has seen the emergency");
        go_on.send(()).unwrap();
        assert_eq!(slow.join_next().await.unwrap().unwrap(), 401, "{held:?}");
    }
}
