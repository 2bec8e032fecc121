//! Ten thousand random steps in CI, of an owner and a thief who each have mailboxes and passwords. After each recovery by the owner nothing
//! that the thief has is of any use. The steps follow from a seed, which a failure names.

mod holdings;
mod recovery;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use holdings::{Chance, Holdings};

use crate::support::{Answer, PASSWORD, TestApp, at_length};

const STEPS: usize = 10_000;
const PASSWORDS: usize = 24;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const OWNERS: [&str; 2] = ["o1@example.com", "o2@example.com"];
const THIEFS: [&str; 2] = ["t1@evil.example", "t2@evil.example"];

struct World {
    app: TestApp,
    admin: String,
    chance: Chance,
    owner: Holdings,
    thief: Holdings,
    recoveries: usize,
    /// Accounts at an owner's mailbox that were the thief's before, for a week or more.
    thiefs_own: usize,
    /// Recoveries from a thief's mailbox, by restoring the old address.
    taken_back: usize,
}

impl World {
    async fn new() -> Self {
        let app = TestApp::open();
        let admin = app.admin("admin@example.com").await.access;
        let (owner, thief) = (Holdings::default(), Holdings::default());
        Self { app, admin, chance: Chance(SEED), owner, thief, recoveries: 0, thiefs_own: 0, taken_back: 0 }
    }

    /// A password that the thief does not know, one of a few: every line of the log is searched for each password that was ever sent.
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

    /// One of the newest links in the person's mailboxes, with its kind.
    async fn link(&mut self, is_owner: bool) -> Option<(String, String)> {
        let mailbox = Self::mailboxes(is_owner)[self.chance.below(2)];
        let mails: Vec<_> = self.app.mails(mailbox).await.into_iter().take(6).collect();
        let mail = self.chance.of(&mails)?;
        Some((mail["kind"].as_str()?.to_owned(), mail["token"].as_str()?.to_owned()))
    }

    async fn post(&self, path: &str, bearer: Option<&String>, body: Value) -> Answer {
        let call = self.app.post(path);
        let call = if let Some(token) = bearer { call.bearer(token) } else { call };
        call.json(body).send().await
    }

    /// Uses a link in every way that its kind allows, with whatever else the person has.
    async fn follow(&mut self, is_owner: bool, kind: &str, token: &str) -> u16 {
        let new = self.fresh_password();
        let held = self.holdings(is_owner).clone();
        let answer = match kind {
            "verify-email" => self.app.verify(token).await,
            "reset-password" | "account-exists" => {
                let answer = self.app.reset(token, &new).await;
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
                    // Only a click, as by a person who was tricked into it.
                    _ => self.post("/auth/confirm-email", None, json!({ "token": token })).await,
                }
            }
            _ => self.app.revert_email(token).await,
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
        self.app.clock.advance(i64::try_from(self.chance.below(40)).unwrap());
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
            13 => self.change_password(is_owner, &password, access.as_ref()).await,
            14 => {
                self.post("/auth/logout-all", access.as_ref(), Value::Null).await;
            }
            15 => {
                if let Some(token) = self.chance.of(&held.refresh) {
                    let pair = self.app.refresh(token).await;
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

    async fn change_password(&mut self, is_owner: bool, password: &str, access: Option<&String>) {
        let new = self.fresh_password();
        let body = json!({ "current_password": password, "new_password": new });
        let call = self.app.put("/users/me/password").json(body);
        let call = if let Some(access) = access { call.bearer(access) } else { call };
        if call.send().await.status == 204 {
            self.holdings(is_owner).passwords.push(new);
        }
    }

    /// The owner signs in, and the thief learns the password and the tokens.
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

    /// Removes the accounts at the thief's mailboxes, so that others can be moved to them again.
    async fn clear(&mut self) {
        for mailbox in THIEFS {
            let Some(user) = self.user(mailbox).await else { continue };
            let path = format!("/users/{}", user["id"].as_str().unwrap());
            assert_eq!(self.app.delete(&path).bearer(&self.admin).send().await.status, 204);
        }
    }

    /// Moves an account to the person's own mailbox, with the newest things that he has: the thief the owner's, or the owner the own one.
    async fn strike(&mut self, mailbox: &str, held: &Holdings) {
        let (Some(access), Some(password)) = (held.access.last(), held.passwords.last()) else { return };
        let body = json!({ "new_email": mailbox, "password": password });
        if self.post("/users/me/email", Some(access), body).await.status == 202 {
            let mails = self.app.mails(mailbox).await;
            let Some(mail) = mails.iter().find(|mail| mail["kind"] == "confirm-email") else { return };
            self.post("/auth/confirm-email", Some(access), json!({ "token": mail["token"] })).await;
        }
    }

    /// An administrator deactivates and activates an account, or withdraws its verification and restores it.
    async fn switch(&mut self, email: &str) {
        let Some(user) = self.user(email).await else { return };
        let flag = if self.chance.below(2) == 0 { "is_active" } else { "is_verified" };
        if user["is_verified"] == true {
            for value in [false, true] {
                let path = format!("/users/{}", user["id"].as_str().unwrap());
                let patch = self.app.patch(&path).bearer(&self.admin).json(json!({ flag: value })).send().await;
                assert_eq!(patch.status, 200, "{}", patch.json);
            }
        }
    }

    async fn user(&mut self, email: &str) -> Option<Value> {
        let mut page = self.app.get(&format!("/users?email={email}")).bearer(&self.admin).send().await;
        if page.status == 401 {
            self.admin = self.app.signed_in("admin@example.com").await.access;
            page = self.app.get(&format!("/users?email={email}")).bearer(&self.admin).send().await;
        }
        page.json["items"][0].as_object().map(|user| json!(user))
    }
}

#[tokio::test]
async fn after_the_owners_recovery_a_thief_can_do_nothing_more_with_what_he_had() {
    let mut world = World::new().await;
    let mut accounts = BTreeSet::new();
    let steps = at_length(STEPS);
    for step in 1..=steps {
        Box::pin(world.step()).await;
        if world.chance.below(40) == 0 {
            let mailbox = OWNERS[world.chance.below(2)];
            if let Some((id, mailbox)) = Box::pin(world.recover(mailbox)).await {
                Box::pin(world.replay(&id, mailbox)).await;
                world.clear().await;
                accounts.insert(id);
            }
        }
        if step % 1_000 == 0 {
            let report = Box::pin(userctl::check::check(&world.app.stage())).await.unwrap();
            assert!(report.is_clean(), "step {step} of seed {SEED:#x}: {}", report.text());
        }
    }
    let World { recoveries, taken_back, thiefs_own, .. } = world;
    eprintln!(
        "{steps} steps: {recoveries} recoveries of {} accounts, {taken_back} of them by the way back; {thiefs_own} were the thief's own before",
        accounts.len()
    );
    assert!(recoveries * 100 > steps, "{recoveries}");
    // A tenth of the steps is too few for rare events.
    assert!(steps < STEPS || taken_back > 0 && thiefs_own * 10 < recoveries, "{taken_back} {thiefs_own}");
}
