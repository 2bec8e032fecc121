//! A person who uses the service over a bad network, and what that person can expect.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use user_core::email::Email;
use user_core::id::random_below;

use crate::support::{Answer, PASSWORD, TestApp, trap};

const ADMIN: &str = "admin@example.com";

/// The administrator whom all persons share, as an access token.
pub(super) struct Admin(Mutex<String>);

impl Admin {
    pub(super) async fn of(app: &TestApp) -> Self {
        Self(Mutex::new(app.admin(ADMIN).await.access))
    }

    async fn set_role(&self, app: &TestApp, id: &str, role: &str) -> Answer {
        loop {
            let access = self.0.lock().unwrap().clone();
            let path = format!("/users/{id}/role");
            let answer = app.put(&path).bearer(&access).json(json!({ "role": role })).send().await;
            if answer.status != 401 {
                return answer;
            }
            let pair = app.log_in(ADMIN).await;
            if pair.status != 200 {
                return pair;
            }
            *self.0.lock().unwrap() = pair.text("access_token");
        }
    }
}

pub(super) struct Person {
    task: (usize, usize),
    email: String,
    id: String,
    verified: bool,
    refresh: String,
    access: String,
    /// `None` if an answer left it open.
    role: Option<&'static str>,
    /// The address of the requested change, and how many changes were requested before.
    requested: Option<String>,
    requests: usize,
    /// The request that may or may not have been executed, after its answer left that open.
    in_doubt: Option<&'static str>,
    /// When the last request was sent: waiting for an email before it is the mailer's time.
    sent: Instant,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) requests: usize,
    pub(super) unavailable: usize,
    pub(super) longest: Duration,
    pub(super) promised: BTreeSet<String>,
}

impl Person {
    pub(super) fn new(task: usize, n: usize) -> Self {
        Self {
            task: (task, n),
            email: format!("p{task}-{n}@example.com"),
            id: String::new(),
            verified: false,
            refresh: String::new(),
            access: String::new(),
            role: Some("user"),
            requested: None,
            requests: 0,
            in_doubt: None,
            sent: Instant::now(),
        }
    }

    /// Sends one request and judges its answer; returns whether the person continues.
    pub(super) async fn step(&mut self, app: &TestApp, admin: &Admin, tally: &mut Tally) -> bool {
        self.sent = Instant::now();
        let (what, status) = self.ask(app, admin, tally).await;
        tally.requests += 1;
        tally.longest = tally.longest.max(self.sent.elapsed());
        tally.unavailable += usize::from(status == 503);
        // The status of an answer if the request before was executed although it was answered with a 503.
        let done_before = match (self.in_doubt, what) {
            (Some("signup"), "signup") => 409,
            (Some("verify"), "verify") | (Some("confirm"), "confirm") => 400,
            (Some("delete"), _) => 401,
            _ => 0,
        };
        // Five addresses can be restored, and sessions can be ended five times by hand; more requests are refused.
        let enough = ["request", "confirm", "logout-all"].contains(&what) && status == 429;
        self.requested = self.requested.take().filter(|_| !enough);
        let good = status < 300 || status == 503 || status == done_before || enough;
        assert!(good, "{what} of {} was answered {status}: {:#?}", self.email, trap::lines("internal error"));
        let done = status < 300 || status == done_before;
        if self.in_doubt == Some("delete") && status == 401 {
            tally.promised.remove(&self.email);
            return false;
        }
        // A deletion stays in doubt until an answer shows that the account exists.
        let still = self.in_doubt.filter(|open| *open == "delete");
        self.in_doubt = if status == 503 { still.or(Some(what)) } else { None };
        self.conclude(what, done, tally)
    }

    fn conclude(&mut self, what: &str, done: bool, tally: &mut Tally) -> bool {
        if what == "confirm" && done {
            tally.promised.remove(&self.email);
            self.email = self.requested.take().unwrap();
            self.access.clear();
        }
        if matches!(self.in_doubt, Some("delete" | "confirm")) {
            tally.promised.remove(&self.email);
        } else if self.verified {
            tally.promised.insert(self.email.clone());
        }
        match what {
            "signup" if done => {
                tally.promised.insert(self.email.clone());
            }
            "verify" => self.verified = done,
            "delete" if done => {
                tally.promised.remove(&self.email);
                return false;
            }
            // Whatever the answer, it may have been executed, which voids the requested change.
            "logout-all" => {
                self.access.clear();
                self.requested = None;
            }
            _ => {}
        }
        true
    }

    async fn ask(&mut self, app: &TestApp, admin: &Admin, tally: &Tally) -> (&'static str, u16) {
        if !self.verified && !tally.promised.contains(&self.email) {
            return ("signup", app.sign_up(&self.email).await.status.as_u16());
        }
        if !self.verified {
            let token = message(app, &self.email).await;
            self.sent = Instant::now();
            return ("verify", app.verify(&token).await.status.as_u16());
        }
        if self.in_doubt == Some("confirm") {
            return self.confirm(app).await;
        }
        let roll = random_below(if self.in_doubt == Some("delete") { 20 } else { 24 });
        let password = json!({ "password": PASSWORD });
        let bearer = |method: &str, path: &str| app.call(method.parse().unwrap(), path).bearer(&self.access);
        match if self.access.is_empty() { 0 } else { roll } {
            0..6 => {
                let pair = app.log_in(&self.email).await;
                self.take(&pair.json);
                ("login", pair.status.as_u16())
            }
            20 | 21 if !self.id.is_empty() => self.change_role(app, admin).await,
            6..12 | 20 | 21 => self.look(app).await,
            12..16 => {
                let pair = app.refresh(&self.refresh).await;
                self.take(&pair.json);
                ("refresh", pair.status.as_u16())
            }
            16 | 17 => {
                let name = json!({ "first_name": format!("N{}", random_below(200)) });
                ("patch", bearer("PATCH", "/users/me").json(name).send().await.status.as_u16())
            }
            18 => ("logout-all", bearer("POST", "/auth/logout-all").send().await.status.as_u16()),
            19 => ("delete", bearer("DELETE", "/users/me").json(password).send().await.status.as_u16()),
            _ if self.requested.is_some() => self.confirm(app).await,
            _ => self.request(app).await,
        }
    }

    /// Checks the promises of successful answers.
    async fn look(&mut self, app: &TestApp) -> (&'static str, u16) {
        let me = app.get("/users/me").bearer(&self.access).send().await;
        if me.status == 200 {
            assert_eq!(me.text("email"), self.email);
            let role = if me.text("role") == "admin" { "admin" } else { "user" };
            assert_eq!(self.role.unwrap_or(role), role, "{}", self.email);
            (self.role, self.id) = (Some(role), me.text("id"));
        }
        ("me", me.status.as_u16())
    }

    async fn change_role(&mut self, app: &TestApp, admin: &Admin) -> (&'static str, u16) {
        let wanted = if self.role == Some("admin") { "user" } else { "admin" };
        let answer = admin.set_role(app, &self.id, wanted).await;
        self.role = (answer.status == 200).then_some(wanted);
        assert!(self.role.is_none() || answer.text("role") == wanted);
        ("role", answer.status.as_u16())
    }

    async fn request(&mut self, app: &TestApp) -> (&'static str, u16) {
        let (task, n) = self.task;
        self.requests += 1;
        let new = format!("p{task}-{n}-{}@example.com", self.requests);
        let body = json!({ "new_email": new, "password": PASSWORD });
        let answer = app.post("/users/me/email").bearer(&self.access).json(body).send().await;
        self.requested = (answer.status == 202).then_some(new);
        ("request", answer.status.as_u16())
    }

    async fn confirm(&mut self, app: &TestApp) -> (&'static str, u16) {
        let token = message(app, self.requested.as_ref().unwrap()).await;
        self.sent = Instant::now();
        let body = json!({ "token": token, "password": PASSWORD });
        let answer = app.post("/auth/confirm-email").json(body).send().await;
        ("confirm", answer.status.as_u16())
    }

    fn take(&mut self, pair: &Value) {
        if let (Some(access), Some(refresh)) = (pair["access_token"].as_str(), pair["refresh_token"].as_str()) {
            (self.access, self.refresh) = (access.to_owned(), refresh.to_owned());
        }
    }
}

/// The token in an email; the mailer's calls meet faults, too.
async fn message(app: &TestApp, email: &str) -> String {
    for turn in 1..4_000 {
        let _ = app.service.drain_streams().await;
        if let Some(mail) = app.service.inbox.mails(Some(email)).unwrap().first() {
            return mail.token().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        // The mailer took the message and failed. It is due for its next attempt, which is made at once here, since all share the clock.
        if turn % 40 == 0 {
            for message in app.store().messages_to(&email.parse::<Email>().unwrap().key()).await.unwrap() {
                app.store().postpone_message(&message, "internal", app.clock.now()).await.unwrap();
            }
            let _ = app.service.invoke("MailerFunction", json!({})).await;
        }
    }
    let messages = app.store().messages_to(&email.parse::<Email>().unwrap().key()).await.unwrap();
    panic!("no message came to {email}: {messages:?}");
}
