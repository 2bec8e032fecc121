//! Attacks on links and addresses.

use serde_json::json;

use super::{Attack, OWNER, RECOVERED, REFUSED, THIEF, attack, got};
use crate::support::PASSWORD;

/// One row each.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn attacks() -> Vec<Attack> {
    vec![
        attack!(
            "a reset link to the old address, used after the account has moved",
            &[],
            RECOVERED,
            REFUSED,
            |scene| {
                let link = scene.reset_link().await;
                scene.moved().await;
                let outcome = got(&scene.app.reset(&link, "Th1ef-chooses-this").await);
                scene.app.revert_email(&scene.app.mailed_link(OWNER, "email-changed").await).await;
                scene.app.reset(&scene.app.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
                outcome
            }
        ),
        attack!("a link used a second time", &[], RECOVERED, REFUSED, |scene| {
            let link = scene.reset_link().await;
            assert_eq!(scene.app.reset(&link, RECOVERED).await.status, 200);
            got(&scene.app.reset(&link, "Th1ef-chooses-this").await)
        }),
        attack!(
            "reset emails asked for again and again: the owner's first link is still valid",
            &[],
            RECOVERED,
            (200, ""),
            |scene| {
                let link = scene.reset_link().await;
                for _ in 0..20 {
                    scene.app.forgot(OWNER).await;
                    scene.app.mails(OWNER).await;
                }
                got(&scene.app.reset(&link, RECOVERED).await)
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
                let back = scene.app.mailed_link(OWNER, "email-changed").await;
                scene.administrator(json!({ "is_active": false })).await;
                let outcome = got(&scene.app.revert_email(&back).await);
                scene.administrator(json!({ "is_active": true })).await;
                assert_eq!(scene.app.revert_email(&back).await.status, 200, "it outlives that");
                scene.app.reset(&scene.app.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
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
                let back = scene.app.mailed_link(OWNER, "email-changed").await;
                scene.app.forgot(THIEF).await;
                let link = scene.app.mailed_link(THIEF, "reset-password").await;
                assert_eq!(scene.app.reset(&link, "Th1ef-chooses-this").await.status, 200);
                let outcome = got(&scene.app.revert_email(&back).await);
                scene.app.reset(&scene.app.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
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
                scene.app.revert_email(&scene.app.mailed_link(OWNER, "email-changed").await).await;
                let outcome = got(&scene.login(OWNER, PASSWORD).await);
                scene.app.reset(&scene.app.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
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
                let owners = scene.app.mailed_link(OWNER, "email-changed").await;
                assert_eq!(scene.app.request_email(&scene.stolen, "other@evil.example").await.status, 202);
                let link = scene.app.mailed_link("other@evil.example", "confirm-email").await;
                assert_eq!(scene.app.confirm_email(&scene.stolen.access, &link).await.status, 200);
                let thiefs = scene.app.mailed_link(THIEF, "email-changed").await;
                assert_eq!(scene.app.revert_email(&owners).await.status, 200);
                let outcome = got(&scene.app.revert_email(&thiefs).await);
                scene.app.reset(&scene.app.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
                outcome
            }
        ),
        attack!(
            "a move to the thief's mailbox and back by the owner's own click, and then the thief's way back",
            &[],
            PASSWORD,
            REFUSED,
            |scene| {
                scene.moved().await;
                assert_eq!(scene.app.request_email(&scene.stolen, OWNER).await.status, 202);
                let before = scene.app.mailed_link(THIEF, "email-change").await;
                let link = scene.app.mailed_link(OWNER, "confirm-email").await;
                assert_eq!(scene.confirm_by(&link, PASSWORD).await.status, 200, "the owner is talked into it");
                scene.app.forgot(THIEF).await;
                let told: Vec<_> = scene.app.mails(THIEF).await.into_iter().map(|mail| mail["kind"].clone()).collect();
                assert_eq!(told[..2], ["email-reverted", "email-change"], "a notice, and nothing for asking again");
                got(&scene.app.revert_email(&before).await)
            }
        ),
        attack!(
            "the owner moves a stolen account on to another own address: the oldest address has the last word",
            &[],
            RECOVERED,
            (200, ""),
            |scene| {
                scene.moved().await;
                scene.app.clock.advance(6 * 86_400);
                let owner = scene.app.signed_in(THIEF).await;
                assert_eq!(scene.app.request_email(&owner, "second@example.com").await.status, 202);
                let link = scene.app.mailed_link("second@example.com", "confirm-email").await;
                assert_eq!(scene.app.confirm_email(&owner.access, &link).await.status, 200);
                scene.app.clock.advance(6 * 86_400);
                let thiefs = scene.app.mailed_link(THIEF, "email-changed").await;
                assert_eq!(scene.app.revert_email(&thiefs).await.status, 200);
                assert_eq!(scene.app.mails("second@example.com").await[0]["kind"], "email-reverted", "it is told");
                assert_eq!(scene.app.sign_up(OWNER).await.problem(), (409, "email-taken"), "it is kept as long");
                scene.app.forgot(OWNER).await;
                let outcome = got(&scene.app.revert_email(&scene.app.mailed_link(OWNER, "email-changed").await).await);
                assert_eq!(scene.app.revert_email(&thiefs).await.status, 400);
                scene.app.reset(&scene.app.mailed_link(OWNER, "reset-password").await, RECOVERED).await;
                outcome
            }
        ),
        attack!(
            "a change of the attacker's account to the victim's address, confirmed by the victim's click alone",
            &[],
            PASSWORD,
            (401, "unauthenticated"),
            |scene| {
                scene.app.request_email(&scene.thief, "victim@example.com").await;
                let link = scene.app.mailed_link("victim@example.com", "confirm-email").await;
                got(&scene.app.post("/auth/confirm-email").json(json!({ "token": link })).send().await)
            }
        ),
        attack!("the same, by a victim who is signed in to another account", &[], PASSWORD, REFUSED, |scene| {
            scene.app.request_email(&scene.thief, "victim@example.com").await;
            let link = scene.app.mailed_link("victim@example.com", "confirm-email").await;
            got(&scene.app.confirm_email(&scene.owner.access, &link).await)
        }),
        attack!(
            "the same, by a victim who gives a password of another account",
            &[],
            PASSWORD,
            (401, "invalid-credentials"),
            |scene| {
                scene.app.request_email(&scene.thief, "victim@example.com").await;
                let link = scene.app.mailed_link("victim@example.com", "confirm-email").await;
                got(&scene.confirm_by(&link, RECOVERED).await)
            }
        ),
        attack!(
            "a mere request for somebody's address: its owner signs up and proves it all the same",
            &[],
            PASSWORD,
            (200, ""),
            |scene| {
                scene.app.request_email(&scene.thief, "victim@example.com").await;
                assert_eq!(scene.app.sign_up("victim@example.com").await.status, 201);
                got(&scene.app.verify(&scene.app.mailed_link("victim@example.com", "verify-email").await).await)
            }
        ),
        attack!(
            "a request that comes too late: the address has been proven",
            &[],
            PASSWORD,
            (409, "email-taken"),
            |scene| {
                scene.app.request_email(&scene.thief, "victim@example.com").await;
                let link = scene.app.mailed_link("victim@example.com", "confirm-email").await;
                scene.app.member("victim@example.com").await;
                got(&scene.app.confirm_email(&scene.thief.access, &link).await)
            }
        ),
        attack!(
            "a sign-up with the victim's address, verified by the victim's click: nothing of it is left after a reset",
            &[],
            PASSWORD,
            REFUSED,
            |scene| {
                let app = &scene.app;
                app.sign_up("victim@example.com").await;
                app.verify(&app.mailed_link("victim@example.com", "verify-email").await).await;
                let hijacked = app.signed_in("victim@example.com").await;
                app.request_email(&hijacked, "mallory2@evil.example").await;
                let link = app.mailed_link("mallory2@evil.example", "confirm-email").await;
                app.forgot("victim@example.com").await;
                let reset = app.mailed_link("victim@example.com", "reset-password").await;
                assert_eq!(app.reset(&reset, RECOVERED).await.status, 200);
                assert_eq!(app.me(&hijacked.access).await, 401);
                assert_eq!(scene.login("victim@example.com", PASSWORD).await.status, 401);
                got(&scene.confirm_by(&link, PASSWORD).await)
            }
        ),
        attack!(
            "an account with the owner's address as its request, taken back with the owner's data later",
            &[],
            PASSWORD,
            REFUSED,
            |scene| {
                scene.app.request_email(&scene.thief, "victim@example.com").await;
                let notice = scene.app.mailed_link("mallory@evil.example", "email-change").await;
                scene.app.member("victim@example.com").await;
                assert_eq!(scene.app.revert_email(&notice).await.status, 200, "it is the thief's own account");
                got(&scene.app.revert_email(&notice).await)
            }
        ),
        attack!("a link of one purpose, used for the others", &[], PASSWORD, REFUSED, |scene| {
            let reset = scene.reset_link().await;
            assert_eq!(got(&scene.app.verify(&reset).await), (400, "invalid-token".to_owned()));
            assert_eq!(
                got(&scene.app.confirm_email(&scene.owner.access, &reset).await),
                (400, "invalid-token".to_owned())
            );
            got(&scene.app.revert_email(&reset).await)
        }),
    ]
}
