//! A trap for secrets in the log. It reads every line that a test makes the service write, down to the level `trace`.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};

use serde_json::Value;
use user_config::{Config, LogFormat};

/// The passwords and other secrets that tests have sent.
static PASSWORDS: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LINES: AtomicUsize = AtomicUsize::new(0);
/// The last lines.
static RECENT: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());
const KEPT: usize = 10_000;
/// All lines with metrics.
static METRICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The marks of email addresses, tokens (`{"typ":` or `{"alg":` in base64url) and password hashes.
const MARKS: [&str; 5] = ["@", "%40", "eyJ0eXAiO", "eyJhbGciO", "$argon2"];

/// Sends the log to the trap, once for all tests.
pub(crate) fn set(config: &Config) {
    let all = Config { log_level: "trace".parse().unwrap(), log_format: LogFormat::Json, ..config.clone() };
    user_telemetry::log::start_to(&all, || Trap);
}

/// Records the passwords of a body that is about to be sent.
pub(super) fn watch(body: &Value) {
    for field in ["password", "current_password", "new_password"] {
        // A shorter password could be a part of any line.
        if let Some(password) = body[field].as_str().filter(|password| password.len() >= 8)
            && !PASSWORDS.read().unwrap().contains(password)
        {
            PASSWORDS.write().unwrap().insert(password.to_owned());
        }
    }
}

/// Records another secret that is about to be sent.
pub(crate) fn guard(secret: &str) {
    PASSWORDS.write().unwrap().insert(secret.to_owned());
}

/// Whether a line contains a secret.
fn tells(line: &str) -> bool {
    MARKS.iter().any(|mark| line.contains(mark))
        || PASSWORDS.read().unwrap().iter().any(|password| line.contains(password.as_str()))
}

/// How many lines were read, and those that contained a secret.
pub(crate) fn caught() -> (usize, Vec<String>) {
    (LINES.load(Ordering::SeqCst), LEAKS.lock().unwrap().clone())
}

/// The recent lines of a request, as JSON.
pub(crate) fn lines(request_id: &str) -> Vec<Value> {
    let recent = RECENT.lock().unwrap();
    recent.iter().filter(|line| line.contains(request_id)).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines with metrics so far.
pub(crate) fn metrics() -> Vec<String> {
    METRICS.lock().unwrap().clone()
}

/// Reads lines of the log.
pub(crate) fn note(lines: &[u8]) {
    for text in String::from_utf8_lossy(lines).lines() {
        LINES.fetch_add(1, Ordering::SeqCst);
        if tells(text) {
            LEAKS.lock().unwrap().push(text.to_owned());
        }
        if text.contains("\"_aws\"") {
            METRICS.lock().unwrap().push(text.to_owned());
        }
        let mut recent = RECENT.lock().unwrap();
        recent.push_back(text.to_owned());
        if recent.len() > KEPT {
            recent.pop_front();
        }
    }
}

struct Trap;

impl Write for Trap {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        note(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_trap_sees_every_line_and_knows_a_secret() {
    let app = super::TestApp::open();
    let before = caught().0;
    app.sign_up("ann@example.com").await;
    assert!(caught().0 >= before + 2, "a sign-up is a request and an event");
    let token = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln";
    for line in ["to ann@example.com", "to ann%40example.com", token, super::PASSWORD, "$argon2id$v=19"] {
        assert!(tells(line), "{line}");
    }
    assert!(!tells("request.id=1 http.status=200"));
}

/// A test fails if any line of the log so far contained a secret, or a function made a call that its role does not allow.
impl Drop for super::TestApp {
    fn drop(&mut self) {
        let refused: Vec<_> = self.service.roles.values().flat_map(|role| role.take_refused()).collect();
        assert!(refused.is_empty() || std::thread::panicking(), "{refused:#?}");
        let (_, leaks) = caught();
        assert!(leaks.is_empty() || std::thread::panicking(), "the log tells secrets: {leaks:#?}");
    }
}
