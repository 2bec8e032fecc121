//! Attacks that try to delay somebody, or to use up somebody's rate limit.

use serde_json::json;

use super::{Attack, LIMITED, OWNER, PRIVATE, RECOVERED, WRONG, attack, got};
use crate::support::PASSWORD;

/// One row each.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn attacks() -> Vec<Attack> {
    vec![
        attack!(
            "a source that is refused names the owner twenty times: the owner's reset email comes",
            LIMITED,
            PASSWORD,
            (202, ""),
            |scene| {
                scene.flood().await;
                let outcome = got(&scene.app.forgot(OWNER).await);
                assert_eq!(scene.app.mails(OWNER).await[0]["kind"], "reset-password");
                scene.app.clock.advance(120);
                outcome
            }
        ),
        attack!("the same: the owner changes the password", LIMITED, RECOVERED, (204, ""), |scene| {
            scene.flood().await;
            let body = json!({ "current_password": PASSWORD, "new_password": RECOVERED });
            let outcome = got(&scene.app.put("/users/me/password").bearer(&scene.owner.access).json(body).send().await);
            scene.app.clock.advance(120);
            outcome
        }),
        attack!("the same: the owner signs in from elsewhere", LIMITED, PASSWORD, (200, ""), |scene| {
            scene.flood().await;
            let outcome = got(&scene.app.log_in(OWNER).await);
            scene.app.clock.advance(120);
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
                    scene.app.clock.advance(13);
                    let body = json!({ "password": WRONG });
                    outcome = got(&scene.app.delete("/users/me").bearer(&scene.stolen.access).json(body).send().await);
                }
                let path = format!("/users/{}/events?limit=100", scene.owner.id);
                let events = scene.app.get(&path).bearer(&scene.admin.access).send().await.json;
                let told = events["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|event| event["name"] == "sign-in-failed")
                    .count();
                assert!((11..20).contains(&told), "{told} of 40 guesses were hashed");
                scene.app.clock.advance(3_600);
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
                    scene.app.forgot(OWNER).await;
                    scene.app.mails(OWNER).await;
                    scene.app.clock.advance(300);
                }
                got(&scene.app.reset(&scene.app.mailed_link(OWNER, "reset-password").await, RECOVERED).await)
            }
        ),
        attack!(
            "a thief who knows the password changes it each time the owner has asked: soon the owner's link outlives it",
            &[],
            RECOVERED,
            (200, ""),
            |scene| {
                let (app, mut passwords) = (&scene.app, [PASSWORD, "Th1ef-chooses-this"]);
                for n in 0..8 {
                    let session = scene.login(OWNER, passwords[0]).await.text("access_token");
                    app.forgot(OWNER).await;
                    let link = app.mailed_link(OWNER, "reset-password").await;
                    let body = json!({ "current_password": passwords[0], "new_password": passwords[1] });
                    let changed = app.put("/users/me/password").bearer(&session).json(body).send().await;
                    let everywhere = app.post("/auth/logout-all").bearer(&session).send().await;
                    if changed.status == 429 && everywhere.status == 429 {
                        assert_eq!(n, 3, "two at a time, of five");
                        return got(&app.reset(&link, RECOVERED).await);
                    }
                    assert_eq!(app.reset(&link, RECOVERED).await.status, 400);
                    passwords.reverse();
                }
                (0, "the thief voids every link".to_owned())
            }
        ),
        attack!(
            "in private, a sign-up with the owner's address and then a login with its password",
            PRIVATE,
            PASSWORD,
            (401, "invalid-credentials"),
            |scene| {
                let body = json!({ "email": OWNER, "password": RECOVERED });
                assert_eq!(scene.app.post("/auth/signup").json(body).send().await.status, 201);
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
                assert_eq!(scene.app.post("/auth/signup").json(body).send().await.status, 201);
                got(&scene.login("free@example.com", RECOVERED).await)
            }
        ),
        attack!("in private, a change to the owner's address", PRIVATE, PASSWORD, (202, ""), |scene| {
            let outcome = got(&scene.app.request_email(&scene.thief, OWNER).await);
            let free = got(&scene.app.request_email(&scene.thief, "free@example.com").await);
            assert_eq!(outcome, free);
            outcome
        }),
        attack!(
            "in private, a change to the owner's address a hundred times: no mail, no lock, no other answer",
            PRIVATE,
            PASSWORD,
            (202, ""),
            |scene| {
                let before = scene.app.mails(OWNER).await.len();
                let mut outcome = (0, String::new());
                for _ in 0..100 {
                    outcome = got(&scene.app.request_email(&scene.thief, OWNER).await);
                }
                assert_eq!(scene.app.mails(OWNER).await.len(), before);
                outcome
            }
        ),
    ]
}
