//! Ten thousand steps by chance, of an owner and a thief who each hold mailboxes and passwords: after each recovery of the owner the thief
//! can do nothing more with what he had. The steps follow from a seed, which a failure names.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Shop};

const STEPS: usize = 10_000;
const PASSWORDS: usize = 24;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const OWNERS: [&str; 2] = ["o1@example.com", "o2@example.com"];
const THIEFS: [&str; 2] = ["t1@evil.example", "t2@evil.example"];

/// Numbers by chance that are the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn of<'a, T>(&mut self, some: &'a [T]) -> Option<&'a T> {
        if some.is_empty() { None } else { some.get(self.below(some.len())) }
    }
}

/// What somebody holds besides his mailboxes.
#[derive(Default, Clone)]
struct Holdings {
    passwords: Vec<String>,
    access: Vec<String>,
    refresh: Vec<String>,
}

impl Holdings {
    fn take(&mut self, pair: &Value) {
        if let (Some(access), Some(refresh)) = (pair["access_token"].as_str(), pair["refresh_token"].as_str()) {
            self.access.push(access.to_owned());
            self.refresh.push(refresh.to_owned());
        }
    }

    /// The newest are worth most; the oldest are forgotten.
    fn forget(&mut self) {
        for some in [&mut self.passwords, &mut self.access, &mut self.refresh] {
            let spare = some.len().saturating_sub(6);
            some.drain(..spare);
        }
    }
}

struct World {
    shop: Shop,
    admin: String,
    chance: Chance,
    owner: Holdings,
    thief: Holdings,
    recoveries: usize,
    /// Recoveries from a thief's mailbox, by the way back.
    taken_back: usize,
}

impl World {
    async fn new() -> Self {
        let shop = Shop::open();
        let admin = shop.admin("admin@example.com").await.access;
        let (owner, thief) = (Holdings::default(), Holdings::default());
        Self { shop, admin, chance: Chance(SEED), owner, thief, recoveries: 0, taken_back: 0 }
    }

    /// A password that the thief does not know; of a few, as every line of the log is searched for each that was ever sent.
    fn fresh_password(&mut self) -> String {
        let known = |password: &String| self.thief.passwords.contains(password);
        let free: Vec<_> =
            (0..PASSWORDS).map(|n| format!("Quiet-Cup-{n}-of-tea!")).filter(|password| !known(password)).collect();
        self.chance.of(&free).unwrap().clone()
    }

    fn mailboxes(is_owner: bool) -> [&'static str; 2] {
        if is_owner { OWNERS } else { THIEFS }
    }

    fn holdings(&mut self, is_owner: bool) -> &mut Holdings {
        if is_owner { &mut self.owner } else { &mut self.thief }
    }

    /// A link in one of his mailboxes, with its kind; one of the newest.
    async fn link(&mut self, is_owner: bool) -> Option<(String, String)> {
        let mailbox = Self::mailboxes(is_owner)[self.chance.below(2)];
        let mails: Vec<_> = self.shop.mails(mailbox).await.into_iter().take(6).collect();
        let mail = self.chance.of(&mails)?;
        Some((mail["kind"].as_str()?.to_owned(), mail["token"].as_str()?.to_owned()))
    }

    async fn post(&self, path: &str, bearer: Option<&String>, body: Value) -> Answer {
        let call = self.shop.post(path);
        let call = if let Some(token) = bearer { call.bearer(token) } else { call };
        call.json(body).send().await
    }

    /// Uses a link in every way that its kind has, with whatever else he holds.
    async fn follow(&mut self, is_owner: bool, kind: &str, token: &str) -> u16 {
        let new = self.fresh_password();
        let held = self.holdings(is_owner).clone();
        let answer = match kind {
            "verify-email" => self.shop.verify(token).await,
            "reset-password" | "account-exists" => {
                let answer = self.shop.reset(token, &new).await;
                if answer.status == 200 {
                    self.holdings(is_owner).passwords.push(new);
                }
                answer
            }
            "confirm-email" => {
                match (self.chance.below(3), self.chance.of(&held.access), self.chance.of(&held.passwords)) {
                    (0, Some(access), _) => {
                        self.post("/auth/confirm-email", Some(access), json!({ "token": token })).await
                    }
                    (1, _, Some(password)) => {
                        self.post("/auth/confirm-email", None, json!({ "token": token, "password": password })).await
                    }
                    // A click alone, as somebody does who was talked into it.
                    _ => self.post("/auth/confirm-email", None, json!({ "token": token })).await,
                }
            }
            _ => self.shop.revert_email(token).await,
        };
        answer.status.as_u16()
    }

    /// One step by the owner or the thief.
    async fn step(&mut self) {
        let is_owner = self.chance.below(2) == 0;
        let everywhere = [OWNERS, THIEFS].concat();
        let own = Self::mailboxes(is_owner)[self.chance.below(2)];
        let any = everywhere[self.chance.below(4)];
        let held = self.holdings(is_owner).clone();
        let password = self.chance.of(&held.passwords).cloned().unwrap_or_else(|| PASSWORD.to_owned());
        let access = self.chance.of(&held.access).cloned();
        self.shop.clock.advance(i64::try_from(self.chance.below(40)).unwrap());
        match self.chance.below(20) {
            0 | 1 => {
                // A thief signs up with others' addresses, too.
                let (email, password) = (if is_owner { own } else { any }, self.fresh_password());
                if self.post("/auth/signup", None, json!({ "email": email, "password": password })).await.status == 201
                {
                    self.holdings(is_owner).passwords.push(password);
                }
            }
            2..=4 => {
                let pair = self.post("/auth/login", None, json!({ "email": any, "password": password })).await;
                self.holdings(is_owner).take(&pair.json);
            }
            5 | 6 => {
                let body = json!({ "new_email": any, "password": password });
                self.post("/users/me/email", access.as_ref(), body).await;
            }
            7..=10 => {
                if let Some((kind, token)) = self.link(is_owner).await {
                    self.follow(is_owner, &kind, &token).await;
                }
            }
            11 => {
                self.post("/auth/forgot-password", None, json!({ "email": any })).await;
            }
            12 => {
                self.post("/auth/resend-verification", None, json!({ "email": any })).await;
            }
            13 => {
                let new = self.fresh_password();
                let body = json!({ "current_password": password, "new_password": new });
                let call = self.shop.put("/users/me/password").json(body);
                let call = if let Some(access) = &access { call.bearer(access) } else { call };
                if call.send().await.status == 204 {
                    self.holdings(is_owner).passwords.push(new);
                }
            }
            14 => {
                self.post("/auth/logout-all", access.as_ref(), Value::Null).await;
            }
            15 => {
                if let Some(token) = self.chance.of(&held.refresh) {
                    let pair = self.shop.refresh(token).await;
                    self.holdings(is_owner).take(&pair.json);
                }
            }
            16 => self.switch(any).await,
            17 => self.strike(own, &held).await,
            _ => self.steal().await,
        }
        self.owner.forget();
        self.thief.forget();
    }

    /// The owner signs in, and the thief finds out the password and the tokens.
    async fn steal(&mut self) {
        let mailbox = OWNERS[self.chance.below(2)];
        let Some(password) = self.owner.passwords.last().cloned() else { return };
        let pair = self.post("/auth/login", None, json!({ "email": mailbox, "password": password })).await;
        if pair.status == 200 {
            self.owner.take(&pair.json);
            self.thief.take(&pair.json);
            self.thief.passwords.push(password);
        }
    }

    /// Whatever is at the thief's mailboxes goes, so that they can be moved to again.
    async fn clear(&mut self) {
        for mailbox in THIEFS {
            let Some(user) = self.user(mailbox).await else { continue };
            let path = format!("/users/{}", user["id"].as_str().unwrap());
            assert_eq!(self.shop.delete(&path).bearer(&self.admin).send().await.status, 204);
        }
    }

    /// Moves an account to one of his own mailboxes, with the newest that he holds: the thief the owner's, or the owner the own one.
    async fn strike(&mut self, mailbox: &str, held: &Holdings) {
        let (Some(access), Some(password)) = (held.access.last(), held.passwords.last()) else { return };
        let body = json!({ "new_email": mailbox, "password": password });
        if self.post("/users/me/email", Some(access), body).await.status == 202 {
            let mails = self.shop.mails(mailbox).await;
            let Some(mail) = mails.iter().find(|mail| mail["kind"] == "confirm-email") else { return };
            self.post("/auth/confirm-email", Some(access), json!({ "token": mail["token"] })).await;
        }
    }

    /// An administrator switches an account off and on, or takes its proof and gives it back.
    async fn switch(&mut self, email: &str) {
        let Some(user) = self.user(email).await else { return };
        let flag = if self.chance.below(2) == 0 { "is_active" } else { "is_verified" };
        if user["is_verified"] == true {
            for value in [false, true] {
                let path = format!("/users/{}", user["id"].as_str().unwrap());
                let patch = self.shop.patch(&path).bearer(&self.admin).json(json!({ flag: value })).send().await;
                assert_eq!(patch.status, 200, "{}", patch.json);
            }
        }
    }

    async fn user(&mut self, email: &str) -> Option<Value> {
        let mut page = self.shop.get(&format!("/users?email={email}")).bearer(&self.admin).send().await;
        if page.status == 401 {
            self.admin = self.shop.signed_in("admin@example.com").await.access;
            page = self.shop.get(&format!("/users?email={email}")).bearer(&self.admin).send().await;
        }
        page.json["items"][0].as_object().map(|user| json!(user))
    }

    /// The owner asks for recovery at one of the own mailboxes, and follows what comes: a link to reset, or the way back and then the link
    /// that comes by itself. The account that was recovered, with its new password.
    async fn recover(&mut self, mailbox: &str) -> Option<(String, String)> {
        // Long enough that the mailbox gets another message.
        self.shop.clock.advance(5 * 3_600);
        let before = self.shop.mails(mailbox).await.len();
        self.shop.forgot(mailbox).await;
        let mails = self.shop.mails(mailbox).await;
        let mail = mails.first().filter(|_| mails.len() > before)?;
        let mut link = mail["token"].as_str().unwrap().to_owned();
        if mail["kind"] == "email-changed" {
            let back = self.shop.revert_email(&link).await;
            assert_eq!(back.status, 200, "the way back of seed {SEED:#x}: {}", back.json);
            link = self.shop.mailed_link(mailbox, "reset-password").await;
            self.taken_back += 1;
        }
        let password = self.fresh_password();
        let reset = self.shop.reset(&link, &password).await;
        assert_eq!(reset.status, 200, "{mailbox}: {}", reset.json);
        self.owner = Holdings { passwords: vec![password.clone()], ..Holdings::default() };
        let user = self.user(mailbox).await.expect("the account is at the owner's mailbox");
        self.recoveries += 1;
        Some((user["id"].as_str().unwrap().to_owned(), password))
    }

    /// The thief tries everything that he has against the account.
    async fn replay(&mut self, id: &str, mailbox: &str) {
        let path = format!("/users/{id}");
        let state = async |world: &Self| world.shop.get(&path).bearer(&world.admin).send().await;
        let before = state(self).await;
        let told = |what: &str| format!("{what}, after recovery {} of seed {SEED:#x}", self.recoveries);
        let is_account = async |access: &str| {
            let me = self.shop.get("/users/me").bearer(access).send().await;
            me.status == 200 && me.json["id"] == id
        };
        let thief = self.thief.clone();
        for access in &thief.access {
            assert!(!is_account(access).await, "{}", told("a stolen access token opens it"));
        }
        for refresh in &thief.refresh {
            let pair = self.shop.refresh(refresh).await;
            let opens = pair.status == 200 && is_account(&pair.text("access_token")).await;
            assert!(!opens, "{}", told("a stolen refresh token opens it"));
        }
        for password in &thief.passwords {
            for email in [OWNERS, THIEFS].concat() {
                let pair = self.post("/auth/login", None, json!({ "email": email, "password": password })).await;
                let opens = pair.status == 200 && is_account(&pair.text("access_token")).await;
                assert!(!opens, "{}", told("a stolen password opens it"));
            }
        }
        for mailbox in THIEFS {
            let mails = self.shop.mails(mailbox).await.into_iter().take(12);
            for (kind, token) in mails.map(|mail| (mail["kind"].clone(), mail["token"].clone())) {
                let (Some(kind), Some(token)) = (kind.as_str(), token.as_str()) else { continue };
                self.follow(false, kind, token).await;
                for password in &thief.passwords {
                    let body = json!({ "token": token, "password": password });
                    self.post("/auth/confirm-email", None, body).await;
                }
            }
        }
        let after = state(self).await;
        let told = format!("recovery {} of seed {SEED:#x}", self.recoveries);
        assert_eq!(before.json, after.json, "nothing of it has changed: {told}");
        assert_eq!(before.header("etag"), after.header("etag"), "not even a version: {told}");
        assert_eq!(after.json["email"], mailbox, "{told}");
        let password = self.owner.passwords[0].clone();
        let pair = self.post("/auth/login", None, json!({ "email": mailbox, "password": password })).await;
        assert_eq!(pair.status, 200, "the owner signs in: {told}");
        self.owner.take(&pair.json);
    }
}

#[tokio::test]
async fn after_the_owners_recovery_a_thief_can_do_nothing_more_with_what_he_had() {
    let mut world = World::new().await;
    let mut accounts = BTreeSet::new();
    for step in 1..=STEPS {
        Box::pin(world.step()).await;
        if world.chance.below(40) == 0 {
            let mailbox = OWNERS[world.chance.below(2)];
            if let Some((id, _)) = Box::pin(world.recover(mailbox)).await {
                Box::pin(world.replay(&id, mailbox)).await;
                world.clear().await;
                accounts.insert(id);
            }
        }
        if step % 1_000 == 0 {
            let report = Box::pin(userctl::check::check(&world.shop.stage())).await.unwrap();
            assert!(report.is_clean(), "step {step} of seed {SEED:#x}: {}", report.text());
        }
    }
    let (recoveries, taken_back) = (world.recoveries, world.taken_back);
    eprintln!(
        "{STEPS} steps: {recoveries} recoveries of {} accounts, {taken_back} of them by the way back",
        accounts.len()
    );
    assert!(recoveries > 100 && taken_back > 0, "{recoveries} {taken_back}");
}
