//! The check against known breaches: the request, the meaning of the answers, and that no answer delays a sign-up.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::{Answer, PASSWORD, TestApp};

const NEXT: &str = "Four-Qu1et-cups-of-tea";

/// The forty hexadecimal digits of a password's SHA-1.
fn digits(password: &str) -> String {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A body with rows of other passwords, and a row with this count for `password`.
fn rows(password: &str, count: &str) -> String {
    let others: String = (0..800_u32).map(|row| format!("{row:035X}:{}\r\n", row % 7)).collect();
    format!("{others}{}:{count}\r\n{:035X}:0", &digits(password)[5..], u128::MAX)
}

/// The behaviour of the breach service.
#[derive(Clone)]
enum Manner {
    /// It answers with a status and a body.
    Says(u16, String),
    /// It sends a part of its answer, and the rest after ten seconds.
    Dawdles,
    /// It sends no answer.
    Silent,
    /// It closes the connection.
    Gone,
    /// It sends rows without end.
    Endless,
    /// Its answer is not HTTP.
    Babbles,
}

/// A running breach service, and every request that it received.
struct Stub {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    manner: Arc<Mutex<Manner>>,
    _running: JoinSet<()>,
}

impl Stub {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, manner) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Manner::Gone)));
        let (mut running, requests, mood) = (JoinSet::new(), seen.clone(), manner.clone());
        running.spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                talks.spawn(talk(stream, requests.clone(), mood.clone()));
            }
        });
        Self { url, seen, manner, _running: running }
    }

    fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// The requests since the last call of this method.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    fn app(&self) -> TestApp {
        TestApp::with(&[("PASSWORD_BREACH_CHECK", "range"), ("PASSWORD_BREACH_URL", &self.url)])
    }
}

async fn talk(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, manner: Arc<Mutex<Manner>>) {
    loop {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            request.push(byte);
        }
        seen.lock().unwrap().push(String::from_utf8(request).unwrap());
        let manner = manner.lock().unwrap().clone();
        let answered = match manner {
            Manner::Says(status, body) => {
                let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await
            }
            Manner::Dawdles => {
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 37\r\n\r\n";
                let _ = stream.write_all(format!("{head}{:035X}", 1).as_bytes()).await;
                tokio::time::sleep(Duration::from_secs(10)).await;
                stream.write_all(b":1").await
            }
            Manner::Silent => return std::future::pending().await,
            Manner::Gone => return,
            Manner::Endless => {
                let chunk = format!("{:035X}:1\r\n", 1).repeat(1_000);
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
                while sent.is_ok() {
                    sent = stream.write_all(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes()).await;
                }
                sent
            }
            Manner::Babbles => stream.write_all(b"\x16\x03\x01 what? \r\n\r\n").await,
        };
        if answered.is_err() {
            return;
        }
    }
}

fn says(body: impl Into<String>) -> Manner {
    Manner::Says(200, body.into())
}

#[tokio::test]
async fn a_password_of_a_breach_is_refused_wherever_one_is_set() {
    let stub = Stub::start().await;
    let app = stub.app();
    stub.behave(says(rows(PASSWORD, "0")));
    let ann = app.member("ann@example.com").await;
    app.forgot("ann@example.com").await;
    let token = app.mailed_token("ann@example.com").await;
    stub.behave(says(rows(NEXT, "3861493")));
    let refused = |answer: &Answer, field: &str| {
        assert_eq!(answer.problem(), (422, "invalid"));
        assert_eq!(answer.errors(), [(field, "breached")]);
    };
    let body = json!({ "email": "bea@example.com", "password": NEXT });
    refused(&app.post("/auth/signup").json(body).send().await, "password");
    let body = json!({ "current_password": PASSWORD, "new_password": NEXT });
    refused(&app.put("/users/me/password").bearer(&ann.access).json(body).send().await, "new_password");
    refused(&app.reset(&token, NEXT).await, "new_password");
    // Nothing has changed, and the link is valid for another password.
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
    assert_eq!(app.reset(&token, "Sh0rt-black-now").await.status, 200);
}

#[tokio::test]
async fn five_digits_of_a_hash_leave_the_service_and_nothing_else() {
    let stub = Stub::start().await;
    let app = stub.app();
    stub.behave(says(rows(PASSWORD, "0")));
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
    let digits = digits(PASSWORD);
    let [request] = &stub.asked()[..] else { panic!("one call for one password") };
    let request = request.to_lowercase();
    let mut lines: Vec<_> = request.trim_end().lines().collect();
    lines.sort_unstable();
    let host = stub.url.strip_prefix("http://").unwrap();
    let expected = [
        "add-padding: true".to_owned(),
        format!("get /range/{} http/1.1", &digits[..5].to_lowercase()),
        format!("host: {host}"),
        "user-agent: user-management".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn nothing_is_asked_for_a_password_that_the_policy_refuses_nor_when_it_is_off() {
    let stub = Stub::start().await;
    let sign_up = async |app: &TestApp, password: &str| {
        let body = json!({ "email": "ann@example.com", "password": password });
        app.post("/auth/signup").json(body).send().await
    };
    let app = stub.app();
    for password in ["short", "Summer2024!", "aaaaaaaaaaaaaaaa"] {
        assert_eq!(sign_up(&app, password).await.problem(), (422, "invalid"));
    }
    let off = TestApp::with(&[("PASSWORD_BREACH_URL", &stub.url)]);
    assert_eq!(sign_up(&off, PASSWORD).await.status, 201);
    assert_eq!(app.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    assert_eq!(stub.asked(), [""; 0]);
}

#[tokio::test]
async fn rows_that_are_padding_or_others_refuse_nobody() {
    let stub = Stub::start().await;
    let app = stub.app();
    for (n, rows) in [rows(PASSWORD, "0"), rows(NEXT, "12"), rows(PASSWORD, "00")].into_iter().enumerate() {
        stub.behave(says(rows));
        assert_eq!(app.sign_up(&format!("ann{n}@example.com")).await.status, 201);
    }
    stub.behave(says(rows(PASSWORD, "1").to_lowercase()));
    assert_eq!(app.sign_up("bea@example.com").await.errors(), [("password", "breached")]);
}

#[tokio::test]
async fn whatever_goes_wrong_the_password_is_taken_and_nobody_waits_longer_than_a_second() {
    let stub = Stub::start().await;
    let app = stub.app();
    let found = rows(PASSWORD, "9");
    let wrong = [
        Manner::Says(500, found.clone()),
        Manner::Says(404, String::new()),
        Manner::Says(301, found.clone()),
        says(""),
        says("<html>welcome to the hotel</html>"),
        says(format!("{found}\r\nnonsense")),
        says(format!("{}:many", &digits(PASSWORD)[5..])),
        says(format!("{}:9", &digits(PASSWORD)[6..])),
        says("\u{FEFF}:1\r\n"),
        Manner::Gone,
        Manner::Babbles,
        Manner::Endless,
        Manner::Dawdles,
        Manner::Silent,
    ];
    for (n, manner) in wrong.into_iter().enumerate() {
        stub.behave(manner);
        let begun = Instant::now();
        assert_eq!(app.sign_up(&format!("ann{n}@example.com")).await.status, 201, "{n}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{n} took {:?}", begun.elapsed());
        assert!(!stub.asked().is_empty(), "{n}");
    }
    // There is no service at this address.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let app = TestApp::with(&[("PASSWORD_BREACH_CHECK", "range"), ("PASSWORD_BREACH_URL", &format!("http://{gone}"))]);
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
}
