//! The table of attacks: one row for what the attacker has, does and gets. After each the owner has everything back. The rows for what was
//! taken before a recovery combine two lists: ways to recover, and things that a thief may have.

mod limits;
mod links;
mod loot;
mod sequence;

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use serde_json::json;
use user_core::email::Email;

use crate::support::{Answer, Member, PASSWORD, TestApp};

const OWNER: &str = "owner@example.com";
const THIEF: &str = "thief@evil.example";
/// The password that the owner chooses at a recovery.
const RECOVERED: &str = "Sh0rt-black-now";
const WRONG: &str = "Wr0ng!password";

/// The result of an attack: the status of its last step, and the code of the problem.
type Got = (u16, String);

/// An owner with an account, a thief with an account of his own, and an administrator.
struct Scene {
    app: TestApp,
    admin: Member,
    owner: Member,
    /// The thief's session of the owner's account.
    stolen: Member,
    /// The thief's own account.
    thief: Member,
}

impl Scene {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let app = TestApp::with(settings);
        let admin = app.admin("admin@example.com").await;
        app.clock.advance(120);
        let owner = app.member(OWNER).await;
        app.clock.advance(120);
        let stolen = app.signed_in(OWNER).await;
        let thief = app.member("mallory@evil.example").await;
        Self { app, admin, owner, stolen, thief }
    }

    /// Confirms a link without a session, with a password.
    async fn confirm_by(&self, link: &str, password: &str) -> Answer {
        self.app.post("/auth/confirm-email").json(json!({ "token": link, "password": password })).send().await
    }

    async fn login(&self, email: &str, password: &str) -> Answer {
        self.app.stranger(email, password).await
    }

    /// Names the owner in more requests of a source that is refused.
    async fn flood(&self) {
        self.app.clock.advance(120);
        for _ in 0..25 {
            self.login(OWNER, WRONG).await;
        }
    }

    async fn administrator(&self, flags: serde_json::Value) {
        let path = format!("/users/{}", self.owner.id);
        assert_eq!(self.app.patch(&path).bearer(&self.admin.access).json(flags).send().await.status, 200);
    }

    async fn operator(&self, is_active: bool) {
        let email: Email = OWNER.parse().unwrap();
        userctl::command::set_active(&self.app.stage(), &email, is_active).await.unwrap();
    }

    /// The thief's unconfirmed change of the owner's address: the link in the thief's mailbox.
    async fn pending(&self) -> String {
        assert_eq!(self.app.request_email(&self.stolen, THIEF).await.status, 202);
        self.app.mailed_link(THIEF, "confirm-email").await
    }

    /// The same change, confirmed.
    async fn moved(&self) {
        let link = self.pending().await;
        assert_eq!(self.app.confirm_email(&self.stolen.access, &link).await.status, 200);
    }

    /// A link to reset the password, read in the owner's mailbox.
    async fn reset_link(&self) -> String {
        self.app.forgot(OWNER).await;
        self.app.mailed_link(OWNER, "reset-password").await
    }

    /// The owner's account is at the owner's address, accepts the owner's password, and accepts nothing else.
    async fn check(&self, row: &str, password: &str) {
        let back = self.login(OWNER, password).await;
        assert_eq!(back.status, 200, "{row}: the owner signs in: {}", back.json);
        let me = self.app.get("/users/me").bearer(&back.text("access_token")).send().await;
        assert_eq!((me.text("id"), me.text("email")), (self.owner.id.clone(), OWNER.to_owned()), "{row}");
        assert_eq!(me.json["role"], "user", "{row}");
        for password in [PASSWORD, RECOVERED, "Th1ef-chooses-this"] {
            let other = self.login(THIEF, password).await;
            assert!(other.status != 200, "{row}: somebody signs in at the thief's address");
        }
        let report = Box::pin(userctl::check::check(&self.app.stage())).await.unwrap();
        assert!(report.is_clean(), "{row}: {}", report.text());
    }
}

fn got(answer: &Answer) -> Got {
    let code = if answer.status.is_success() { String::new() } else { answer.problem().1.to_owned() };
    (answer.status.as_u16(), code)
}

/// An attack with a row of its own.
struct Attack {
    /// What the attacker has and does.
    row: &'static str,
    settings: &'static [(&'static str, &'static str)],
    run: fn(&Scene) -> BoxFuture<'_, Got>,
    gets: (u16, &'static str),
    /// The owner's password after the attack.
    password: &'static str,
}

const REFUSED: (u16, &str) = (400, "invalid-token");
const LIMITED: &[(&str, &str)] = &[("RATE_LIMIT_AUTH", "5")];
const PRIVATE: &[(&str, &str)] = &[("SIGNUP_ENUMERATION", "private")];

macro_rules! attack {
    ($row:literal, $settings:expr, $password:expr, $gets:expr, |$scene:ident| $body:block) => {
        Attack { row: $row, settings: $settings, password: $password, gets: $gets, run: |$scene| Box::pin(async move $body) }
    };
}
use attack;

#[tokio::test]
async fn every_other_attack_gets_what_its_row_says() {
    let attacks: Vec<_> = links::attacks().into_iter().chain(limits::attacks()).collect();
    let names: BTreeSet<_> = attacks.iter().map(|attack| attack.row).collect();
    assert_eq!((names.len(), attacks.len()), (29, 29), "each row once");
    for Attack { row, settings, run, gets, password } in attacks {
        let scene = Scene::new(settings).await;
        let (status, code) = run(&scene).await;
        assert_eq!((status, code.as_str()), gets, "{row}");
        scene.check(row, password).await;
    }
}
