//! The table of attacks: what the attacker has, does and gets, one row each; after each the owner has all that is the owner's. The rows of
//! what was taken before a recovery are made of two lists, ways to recover and things that a thief may hold.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use serde_json::json;
use user_core::email::Email;

use crate::support::{Answer, Member, PASSWORD, Shop};

const OWNER: &str = "owner@example.com";
const THIEF: &str = "thief@evil.example";
/// What the owner chooses at a recovery.
const RECOVERED: &str = "Sh0rt-black-now";
const WRONG: &str = "Wr0ng!password";

/// What an attack got: the status of its last step, and the code of the problem.
type Got = (u16, String);

/// An owner with an account, a thief with an account of his own, and an administrator.
struct Scene {
    shop: Shop,
    admin: Member,
    owner: Member,
    /// The thief's session of the owner's account.
    stolen: Member,
    /// The thief's own account.
    thief: Member,
}

impl Scene {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let shop = Shop::with(settings);
        let admin = shop.admin("admin@example.com").await;
        shop.clock.advance(120);
        let owner = shop.member(OWNER).await;
        shop.clock.advance(120);
        let stolen = shop.signed_in(OWNER).await;
        let thief = shop.member("mallory@evil.example").await;
        Self { shop, admin, owner, stolen, thief }
    }

    /// Confirms a link without a session, by a password.
    async fn confirm_by(&self, link: &str, password: &str) -> Answer {
        self.shop.post("/auth/confirm-email").json(json!({ "token": link, "password": password })).send().await
    }

    async fn login(&self, email: &str, password: &str) -> Answer {
        self.shop.stranger(email, password).await
    }

    async fn administrator(&self, flags: serde_json::Value) {
        let path = format!("/users/{}", self.owner.id);
        assert_eq!(self.shop.patch(&path).bearer(&self.admin.access).json(flags).send().await.status, 200);
    }

    async fn operator(&self, is_active: bool) {
        let email: Email = OWNER.parse().unwrap();
        userctl::command::set_active(&self.shop.stage(), &email, is_active).await.unwrap();
    }

    /// The thief's change of the owner's address, asked for and not confirmed: the link in the thief's mailbox.
    async fn pending(&self) -> String {
        assert_eq!(self.shop.request_email(&self.stolen, THIEF).await.status, 202);
        self.shop.mailed_link(THIEF, "confirm-email").await
    }

    /// The same, confirmed.
    async fn moved(&self) {
        let link = self.pending().await;
        assert_eq!(self.shop.confirm_email(&self.stolen.access, &link).await.status, 200);
    }

    /// A link to reset the password, which lay in the owner's mailbox.
    async fn reset_link(&self) -> String {
        self.shop.forgot(OWNER).await;
        self.shop.mailed_link(OWNER, "reset-password").await
    }

    /// The owner's account is at the owner's address, opens with the owner's password, and for nothing else.
    async fn check(&self, row: &str, password: &str) {
        let back = self.login(OWNER, password).await;
        assert_eq!(back.status, 200, "{row}: the owner signs in: {}", back.json);
        let me = self.shop.get("/users/me").bearer(&back.text("access_token")).send().await;
        assert_eq!((me.text("id"), me.text("email")), (self.owner.id.clone(), OWNER.to_owned()), "{row}");
        assert_eq!(me.json["role"], "user", "{row}");
        for password in [PASSWORD, RECOVERED, "Th1ef-chooses-this"] {
            let other = self.login(THIEF, password).await;
            assert!(other.status != 200, "{row}: somebody signs in at the thief's address");
        }
        let report = Box::pin(userctl::check::check(&self.shop.stage())).await.unwrap();
        assert!(report.is_clean(), "{row}: {}", report.text());
    }
}

fn got(answer: &Answer) -> Got {
    let code = if answer.status.is_success() { String::new() } else { answer.problem().1.to_owned() };
    (answer.status.as_u16(), code)
}

/// How an owner, or somebody for the owner, recovers; each ends every session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recovery {
    Reset,
    NewPassword,
    SignOutEverywhere,
    SwitchedOffAndOn,
    SwitchedOffAndOnByTheOperator,
    UnverifiedAndVerified,
    AddressTakenBack,
}

const RECOVERIES: [Recovery; 7] = [
    Recovery::Reset,
    Recovery::NewPassword,
    Recovery::SignOutEverywhere,
    Recovery::SwitchedOffAndOn,
    Recovery::SwitchedOffAndOnByTheOperator,
    Recovery::UnverifiedAndVerified,
    Recovery::AddressTakenBack,
];

impl Recovery {
    /// Recovers; the owner's password then.
    async fn by(self, scene: &Scene) -> &'static str {
        let shop = &scene.shop;
        match self {
            Self::Reset => {
                assert_eq!(shop.reset(&scene.reset_link().await, RECOVERED).await.status, 200);
                RECOVERED
            }
            Self::NewPassword => {
                let body = json!({ "current_password": PASSWORD, "new_password": RECOVERED });
                let call = shop.put("/users/me/password").bearer(&scene.owner.access).json(body);
                assert_eq!(call.send().await.status, 204);
                RECOVERED
            }
            Self::SignOutEverywhere => {
                assert_eq!(shop.post("/auth/logout-all").bearer(&scene.owner.access).send().await.status, 204);
                PASSWORD
            }
            Self::SwitchedOffAndOn => {
                scene.administrator(json!({ "is_active": false })).await;
                scene.administrator(json!({ "is_active": true })).await;
                PASSWORD
            }
            Self::SwitchedOffAndOnByTheOperator => {
                scene.operator(false).await;
                scene.operator(true).await;
                PASSWORD
            }
            Self::UnverifiedAndVerified => {
                scene.administrator(json!({ "is_verified": false })).await;
                scene.administrator(json!({ "is_verified": true })).await;
                PASSWORD
            }
            Self::AddressTakenBack => {
                scene.moved().await;
                assert_eq!(shop.revert_email(&shop.mailed_link(OWNER, "email-changed").await).await.status, 200);
                assert_eq!(shop.reset(&shop.mailed_link(OWNER, "reset-password").await, RECOVERED).await.status, 200);
                RECOVERED
            }
        }
    }
}

/// What a thief took before: its use afterwards, and what he gets.
struct Loot {
    has: &'static str,
    take: fn(&Scene) -> BoxFuture<'_, String>,
    using: for<'a> fn(&'a Scene, &'a str) -> BoxFuture<'a, Got>,
    gets: (u16, &'static str),
}

fn loot() -> Vec<Loot> {
    vec![
        Loot {
            has: "a pending change to his mailbox, and the password of then",
            take: |scene| Box::pin(scene.pending()),
            using: |scene, link| Box::pin(async move { got(&scene.confirm_by(link, PASSWORD).await) }),
            gets: (400, "invalid-token"),
        },
        Loot {
            has: "a pending change to his mailbox, and a session of then",
            take: |scene| Box::pin(scene.pending()),
            using: |scene, link| {
                Box::pin(async move { got(&scene.shop.confirm_email(&scene.stolen.access, link).await) })
            },
            gets: (401, "unauthenticated"),
        },
        Loot {
            has: "a reset link that lay in the owner's mailbox",
            take: |scene| Box::pin(scene.reset_link()),
            using: |scene, link| Box::pin(async move { got(&scene.shop.reset(link, "Th1ef-chooses-this").await) }),
            gets: (400, "invalid-token"),
        },
        Loot {
            has: "a notice of a change that lay in the owner's mailbox",
            take: |scene| {
                Box::pin(async move {
                    scene.pending().await;
                    scene.shop.mailed_link(OWNER, "email-change").await
                })
            },
            using: |scene, link| Box::pin(async move { got(&scene.shop.revert_email(link).await) }),
            gets: (400, "invalid-token"),
        },
        Loot {
            has: "an access token",
            take: |scene| Box::pin(async move { scene.stolen.access.clone() }),
            using: |scene, token| Box::pin(async move { got(&scene.shop.get("/users/me").bearer(token).send().await) }),
            gets: (401, "unauthenticated"),
        },
        Loot {
            has: "a refresh token",
            take: |scene| Box::pin(async move { scene.stolen.refresh.clone() }),
            using: |scene, token| Box::pin(async move { got(&scene.shop.refresh(token).await) }),
            gets: (401, "invalid-refresh-token"),
        },
    ]
}

#[tokio::test]
async fn nothing_that_a_thief_took_is_of_use_after_a_recovery() {
    let mut rows = 0;
    for recovery in RECOVERIES {
        for Loot { has, take, using, gets } in loot() {
            let row = format!("the thief has {has}; the owner's recovery: {recovery:?}");
            let scene = Scene::new(&[]).await;
            let taken = take(&scene).await;
            let password = recovery.by(&scene).await;
            let (status, code) = using(&scene, &taken).await;
            assert_eq!((status, code.as_str()), gets, "{row}");
            scene.check(&row, password).await;
            rows += 1;
        }
    }
    assert_eq!(rows, 42);
}

/// An attack of its own kind.
struct Attack {
    /// What the attacker has and does.
    row: &'static str,
    settings: &'static [(&'static str, &'static str)],
    run: fn(&Scene) -> BoxFuture<'_, Got>,
    gets: (u16, &'static str),
    /// The owner's password afterwards.
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

/// Points 1 and 2: links and addresses.
fn attacks_on_links() -> Vec<Attack> {
    vec![
        attack!(
            "a reset link to the old address, used after the account has moved",
            &[],
            RECOVERED,
            REFUSED,
            |scene| {
                let link = scene.reset_link().await;
                scene.moved().await;
                let outcome = got(&scene.shop.reset(&link, "Th1ef-chooses-this").await);
                scene.shop.revert_email(&scene.shop.mailed_link(OWNER, "email-changed").await).await;
                scene.shop.reset(&scene.shop.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
                outcome
            }
        ),
        attack!("a link used a second time", &[], RECOVERED, REFUSED, |scene| {
            let link = scene.reset_link().await;
            assert_eq!(scene.shop.reset(&link, RECOVERED).await.status, 200);
            got(&scene.shop.reset(&link, "Th1ef-chooses-this").await)
        }),
        attack!(
            "reset emails asked for again and again: the owner's first link is still valid",
            &[],
            RECOVERED,
            (200, ""),
            |scene| {
                let link = scene.reset_link().await;
                for _ in 0..20 {
                    scene.shop.forgot(OWNER).await;
                    scene.shop.mails(OWNER).await;
                }
                got(&scene.shop.reset(&link, RECOVERED).await)
            }
        ),
        attack!("a pending change, confirmed while the account is switched off", &[], PASSWORD, REFUSED, |scene| {
            let link = scene.pending().await;
            scene.administrator(json!({ "is_active": false })).await;
            let outcome = got(&scene.confirm_by(&link, PASSWORD).await);
            scene.administrator(json!({ "is_active": true })).await;
            outcome
        }),
        attack!("a pending change, confirmed while the account is not verified", &[], PASSWORD, REFUSED, |scene| {
            let link = scene.pending().await;
            scene.administrator(json!({ "is_verified": false })).await;
            let outcome = got(&scene.confirm_by(&link, PASSWORD).await);
            scene.administrator(json!({ "is_verified": true })).await;
            outcome
        }),
        attack!(
            "a way back to the owner's address, used while the account is switched off",
            &[],
            RECOVERED,
            REFUSED,
            |scene| {
                scene.moved().await;
                let back = scene.shop.mailed_link(OWNER, "email-changed").await;
                scene.administrator(json!({ "is_active": false })).await;
                let outcome = got(&scene.shop.revert_email(&back).await);
                scene.administrator(json!({ "is_active": true })).await;
                assert_eq!(scene.shop.revert_email(&back).await.status, 200, "it outlives that");
                scene.shop.reset(&scene.shop.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
                outcome
            }
        ),
        attack!(
            "a thief resets the password at his own mailbox after the move: the owner's way back outlives it",
            &[],
            RECOVERED,
            (200, ""),
            |scene| {
                scene.moved().await;
                let back = scene.shop.mailed_link(OWNER, "email-changed").await;
                scene.shop.forgot(THIEF).await;
                let link = scene.shop.mailed_link(THIEF, "reset-password").await;
                assert_eq!(scene.shop.reset(&link, "Th1ef-chooses-this").await.status, 200);
                let outcome = got(&scene.shop.revert_email(&back).await);
                scene.shop.reset(&scene.shop.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
                outcome
            }
        ),
        attack!(
            "the thief's password, after the owner took the address back",
            &[],
            RECOVERED,
            (401, "invalid-credentials"),
            |scene| {
                scene.moved().await;
                scene.shop.revert_email(&scene.shop.mailed_link(OWNER, "email-changed").await).await;
                let outcome = got(&scene.login(OWNER, PASSWORD).await);
                scene.shop.reset(&scene.shop.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
                outcome
            }
        ),
        attack!(
            "two moves, and the way back to the first of the thief's mailboxes after the owner took the account back",
            &[],
            RECOVERED,
            REFUSED,
            |scene| {
                scene.moved().await;
                let owners = scene.shop.mailed_link(OWNER, "email-changed").await;
                assert_eq!(scene.shop.request_email(&scene.stolen, "other@evil.example").await.status, 202);
                let link = scene.shop.mailed_link("other@evil.example", "confirm-email").await;
                assert_eq!(scene.shop.confirm_email(&scene.stolen.access, &link).await.status, 200);
                let thiefs = scene.shop.mailed_link(THIEF, "email-changed").await;
                assert_eq!(scene.shop.revert_email(&owners).await.status, 200);
                let outcome = got(&scene.shop.revert_email(&thiefs).await);
                scene.shop.reset(&scene.shop.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
                outcome
            }
        ),
        attack!(
            "a change of the attacker's account to the victim's address, confirmed by the victim's click alone",
            &[],
            PASSWORD,
            (401, "unauthenticated"),
            |scene| {
                scene.shop.request_email(&scene.thief, "victim@example.com").await;
                let link = scene.shop.mailed_link("victim@example.com", "confirm-email").await;
                got(&scene.shop.post("/auth/confirm-email").json(json!({ "token": link })).send().await)
            }
        ),
        attack!("the same, by a victim who is signed in to another account", &[], PASSWORD, REFUSED, |scene| {
            scene.shop.request_email(&scene.thief, "victim@example.com").await;
            let link = scene.shop.mailed_link("victim@example.com", "confirm-email").await;
            got(&scene.shop.confirm_email(&scene.owner.access, &link).await)
        }),
        attack!(
            "the same, by a victim who gives a password of another account",
            &[],
            PASSWORD,
            (401, "invalid-credentials"),
            |scene| {
                scene.shop.request_email(&scene.thief, "victim@example.com").await;
                let link = scene.shop.mailed_link("victim@example.com", "confirm-email").await;
                got(&scene.confirm_by(&link, RECOVERED).await)
            }
        ),
        attack!(
            "a mere wish for somebody's address: its owner signs up and proves it all the same",
            &[],
            PASSWORD,
            (200, ""),
            |scene| {
                scene.shop.request_email(&scene.thief, "victim@example.com").await;
                assert_eq!(scene.shop.sign_up("victim@example.com").await.status, 201);
                got(&scene.shop.verify(&scene.shop.mailed_link("victim@example.com", "verify-email").await).await)
            }
        ),
        attack!(
            "a wish that comes too late: the address has been proven",
            &[],
            PASSWORD,
            (401, "unauthenticated"),
            |scene| {
                scene.shop.request_email(&scene.thief, "victim@example.com").await;
                let link = scene.shop.mailed_link("victim@example.com", "confirm-email").await;
                scene.shop.member("victim@example.com").await;
                assert_eq!(
                    got(&scene.shop.confirm_email(&scene.thief.access, &link).await),
                    (409, "email-taken".to_owned())
                );
                got(&scene.shop.post("/auth/confirm-email").json(json!({ "token": link })).send().await)
            }
        ),
        attack!(
            "a sign-up with the victim's address, verified by the victim's click: nothing of it is left after a reset",
            &[],
            PASSWORD,
            REFUSED,
            |scene| {
                let shop = &scene.shop;
                shop.sign_up("victim@example.com").await;
                shop.verify(&shop.mailed_link("victim@example.com", "verify-email").await).await;
                let hijacked = shop.signed_in("victim@example.com").await;
                shop.request_email(&hijacked, "mallory2@evil.example").await;
                let link = shop.mailed_link("mallory2@evil.example", "confirm-email").await;
                shop.forgot("victim@example.com").await;
                let reset = shop.mailed_link("victim@example.com", "reset-password").await;
                assert_eq!(shop.reset(&reset, RECOVERED).await.status, 200);
                assert_eq!(shop.me(&hijacked.access).await, 401);
                assert_eq!(scene.login("victim@example.com", PASSWORD).await.status, 401);
                got(&scene.confirm_by(&link, PASSWORD).await)
            }
        ),
        attack!(
            "an account with the owner's address as its wish, taken back with the owner's data later",
            &[],
            PASSWORD,
            REFUSED,
            |scene| {
                scene.shop.request_email(&scene.thief, "victim@example.com").await;
                let notice = scene.shop.mailed_link("mallory@evil.example", "email-change").await;
                scene.shop.member("victim@example.com").await;
                assert_eq!(scene.shop.revert_email(&notice).await.status, 200, "it is the thief's own account");
                got(&scene.shop.revert_email(&notice).await)
            }
        ),
        attack!("a link of one purpose, used for the others", &[], PASSWORD, REFUSED, |scene| {
            let reset = scene.reset_link().await;
            assert_eq!(got(&scene.shop.verify(&reset).await), (400, "invalid-token".to_owned()));
            assert_eq!(
                got(&scene.shop.confirm_email(&scene.owner.access, &reset).await),
                (400, "invalid-token".to_owned())
            );
            got(&scene.shop.revert_email(&reset).await)
        }),
    ]
}

/// Points 3 and 4: who is held up, and who is counted.
fn attacks_on_limits() -> Vec<Attack> {
    vec![
        attack!(
            "a source that is refused names the owner twenty times: the owner's reset email comes",
            LIMITED,
            PASSWORD,
            (202, ""),
            |scene| {
                scene.shop.clock.advance(120);
                for _ in 0..25 {
                    scene.login(OWNER, WRONG).await;
                }
                let outcome = got(&scene.shop.forgot(OWNER).await);
                assert_eq!(scene.shop.mails(OWNER).await[0]["kind"], "reset-password");
                scene.shop.clock.advance(120);
                outcome
            }
        ),
        attack!("the same: the owner changes the password", LIMITED, RECOVERED, (204, ""), |scene| {
            scene.shop.clock.advance(120);
            for _ in 0..25 {
                scene.login(OWNER, WRONG).await;
            }
            let body = json!({ "current_password": PASSWORD, "new_password": RECOVERED });
            let outcome =
                got(&scene.shop.put("/users/me/password").bearer(&scene.owner.access).json(body).send().await);
            scene.shop.clock.advance(120);
            outcome
        }),
        attack!("the same: the owner signs in at home", LIMITED, PASSWORD, (200, ""), |scene| {
            scene.shop.clock.advance(120);
            for _ in 0..25 {
                scene.login(OWNER, WRONG).await;
            }
            let outcome = got(&scene.shop.log_in(OWNER).await);
            scene.shop.clock.advance(120);
            outcome
        }),
        attack!(
            "forty guesses with a stolen access token are held up and told",
            LIMITED,
            PASSWORD,
            (429, "throttled"),
            |scene| {
                let mut outcome = (0, String::new());
                for _ in 0..40 {
                    scene.shop.clock.advance(13);
                    let body = json!({ "password": WRONG });
                    outcome = got(&scene.shop.delete("/users/me").bearer(&scene.stolen.access).json(body).send().await);
                }
                let path = format!("/users/{}/events?limit=100", scene.owner.id);
                let events = scene.shop.get(&path).bearer(&scene.admin.access).send().await.json;
                let told = events["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|event| event["name"] == "sign-in-failed")
                    .count();
                assert!((11..20).contains(&told), "{told} of 40 guesses were hashed");
                scene.shop.clock.advance(3_600);
                outcome
            }
        ),
        attack!(
            "a stranger asks for reset emails without end: the owner has a valid link at every moment",
            &[],
            RECOVERED,
            (200, ""),
            |scene| {
                for _ in 0..30 {
                    scene.shop.forgot(OWNER).await;
                    scene.shop.mails(OWNER).await;
                    scene.shop.clock.advance(300);
                }
                got(&scene.shop.reset(&scene.shop.mailed_link(OWNER, "reset-password").await, RECOVERED).await)
            }
        ),
        attack!(
            "in private, a sign-up with the owner's address and then a login with its password",
            PRIVATE,
            PASSWORD,
            (401, "invalid-credentials"),
            |scene| {
                let body = json!({ "email": OWNER, "password": RECOVERED });
                assert_eq!(scene.shop.post("/auth/signup").json(body).send().await.status, 201);
                got(&scene.login(OWNER, RECOVERED).await)
            }
        ),
        attack!(
            "in private, the same with an address that nobody has",
            PRIVATE,
            PASSWORD,
            (401, "invalid-credentials"),
            |scene| {
                let body = json!({ "email": "free@example.com", "password": RECOVERED });
                assert_eq!(scene.shop.post("/auth/signup").json(body).send().await.status, 201);
                got(&scene.login("free@example.com", RECOVERED).await)
            }
        ),
        attack!("in private, a change to the owner's address", PRIVATE, PASSWORD, (202, ""), |scene| {
            let outcome = got(&scene.shop.request_email(&scene.thief, OWNER).await);
            let free = got(&scene.shop.request_email(&scene.thief, "free@example.com").await);
            assert_eq!(outcome, free);
            outcome
        }),
        attack!(
            "in private, a change to the owner's address a hundred times: no mail, no lock, no other answer",
            PRIVATE,
            PASSWORD,
            (202, ""),
            |scene| {
                let before = scene.shop.mails(OWNER).await.len();
                let mut outcome = (0, String::new());
                for _ in 0..100 {
                    outcome = got(&scene.shop.request_email(&scene.thief, OWNER).await);
                }
                assert_eq!(scene.shop.mails(OWNER).await.len(), before);
                outcome
            }
        ),
    ]
}

#[tokio::test]
async fn every_other_attack_gets_what_its_row_says() {
    let attacks: Vec<_> = attacks_on_links().into_iter().chain(attacks_on_limits()).collect();
    let names: BTreeSet<_> = attacks.iter().map(|attack| attack.row).collect();
    assert_eq!(names.len(), attacks.len(), "each row once");
    for Attack { row, settings, run, gets, password } in attacks {
        let scene = Scene::new(settings).await;
        let (status, code) = run(&scene).await;
        assert_eq!((status, code.as_str()), gets, "{row}");
        scene.check(row, password).await;
    }
}
