//! The owner recovers, and the thief tries everything that he has.

use serde_json::json;
use user_core::email::Email;
use user_store::claim::Holder;

use super::holdings::Holdings;
use super::{OWNERS, SEED, THIEFS, World};

impl World {
    /// The owner's mailbox that recovers the account that is or was at `mailbox`: the oldest address that can be restored, since it
    /// decides. `None` if the oldest is a mailbox of the thief: then the account was his.
    async fn oldest(&self, mailbox: &'static str) -> Option<&'static str> {
        let (store, email) = (self.app.store(), mailbox.parse::<Email>().unwrap());
        let now = self.app.clock.now();
        let Some(Holder::Present(id) | Holder::Former(id)) = store.holder(&email.key(), now).await.unwrap() else {
            return Some(mailbox);
        };
        let user = store.read_user(&id).await.unwrap()?;
        let former = user.reverts.iter().filter(|former| now < former.expires_at).map(|former| former.email.as_str());
        let oldest = former.chain([user.email.as_str()]).next()?.to_owned();
        OWNERS.into_iter().find(|own| *own == oldest)
    }

    /// The owner asks for recovery at one of the own mailboxes and follows the link: a link to reset, or the way back and then the reset
    /// link that follows. Returns the account that was recovered, and its mailbox.
    pub(super) async fn recover(&mut self, mailbox: &'static str) -> Option<(String, &'static str)> {
        let Some(mailbox) = self.oldest(mailbox).await else {
            self.thiefs_own += 1;
            return None;
        };
        // Long enough for the mailbox to get another email.
        self.app.clock.advance(5 * 3_600);
        let before = self.app.mails(mailbox).await.len();
        self.app.forgot(mailbox).await;
        let mails = self.app.mails(mailbox).await;
        let Some(mail) = mails.first().filter(|_| mails.len() > before) else {
            let (store, email) = (self.app.store(), mailbox.parse::<Email>().unwrap());
            let holder = store.holder(&email.key(), self.app.clock.now()).await.unwrap();
            assert!(holder.is_none(), "{mailbox} has an account, and no way in comes: seed {SEED:#x}");
            return None;
        };
        let mut link = mail["token"].as_str().unwrap().to_owned();
        if mail["kind"] == "email-changed" {
            let back = self.app.revert_email(&link).await;
            assert_eq!(back.status, 200, "the way back of seed {SEED:#x}: {}", back.json);
            link = self.app.mailed_link(mailbox, "reset-password").await;
            self.taken_back += 1;
        }
        let password = self.fresh_password();
        let reset = self.app.reset(&link, &password).await;
        assert_eq!(reset.status, 200, "{mailbox}: {}", reset.json);
        self.owner = Holdings { passwords: vec![password], ..Holdings::default() };
        let user = self.user(mailbox).await.unwrap();
        self.recoveries += 1;
        Some((user["id"].as_str().unwrap().to_owned(), mailbox))
    }

    /// The thief tries everything that he has against the account.
    pub(super) async fn replay(&mut self, id: &str, mailbox: &str) {
        let path = format!("/users/{id}");
        let state = async |world: &Self| world.app.get(&path).bearer(&world.admin).send().await;
        let before = state(self).await;
        let told = |what: &str| format!("{what}, after recovery {} of seed {SEED:#x}", self.recoveries);
        let is_account = async |access: &str| {
            let me = self.app.get("/users/me").bearer(access).send().await;
            me.status == 200 && me.json["id"] == id
        };
        let thief = self.thief.clone();
        for access in &thief.access {
            assert!(!is_account(access).await, "{}", told("a stolen access token opens it"));
        }
        for refresh in &thief.refresh {
            let pair = self.app.refresh(refresh).await;
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
            let mails = self.app.mails(mailbox).await.into_iter().take(6);
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
