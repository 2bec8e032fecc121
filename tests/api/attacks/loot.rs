//! What a thief took before a recovery, and its use after it.

use futures::future::BoxFuture;
use serde_json::json;

use super::{Got, OWNER, RECOVERED, Scene, got};
use crate::support::PASSWORD;

/// How an owner, or somebody for the owner, recovers; each way ends every session.
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
    /// Recovers, and returns the owner's password after it.
    async fn by(self, scene: &Scene) -> &'static str {
        let app = &scene.app;
        match self {
            Self::Reset => {
                assert_eq!(app.reset(&scene.reset_link().await, RECOVERED).await.status, 200);
                RECOVERED
            }
            Self::NewPassword => {
                let body = json!({ "current_password": PASSWORD, "new_password": RECOVERED });
                let call = app.put("/users/me/password").bearer(&scene.owner.access).json(body);
                assert_eq!(call.send().await.status, 204);
                RECOVERED
            }
            Self::SignOutEverywhere => {
                assert_eq!(app.post("/auth/logout-all").bearer(&scene.owner.access).send().await.status, 204);
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
                assert_eq!(app.revert_email(&app.mailed_link(OWNER, "email-changed").await).await.status, 200);
                assert_eq!(app.reset(&app.mailed_link(OWNER, "reset-password").await, RECOVERED).await.status, 200);
                RECOVERED
            }
        }
    }
}

/// What a thief took before a recovery, how it is used afterwards, and the result.
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
                Box::pin(async move { got(&scene.app.confirm_email(&scene.stolen.access, link).await) })
            },
            gets: (401, "unauthenticated"),
        },
        Loot {
            has: "a reset link that lay in the owner's mailbox",
            take: |scene| Box::pin(scene.reset_link()),
            using: |scene, link| Box::pin(async move { got(&scene.app.reset(link, "Th1ef-chooses-this").await) }),
            gets: (400, "invalid-token"),
        },
        Loot {
            has: "a notice of a change that lay in the owner's mailbox",
            take: |scene| {
                Box::pin(async move {
                    scene.pending().await;
                    scene.app.mailed_link(OWNER, "email-change").await
                })
            },
            using: |scene, link| Box::pin(async move { got(&scene.app.revert_email(link).await) }),
            gets: (400, "invalid-token"),
        },
        Loot {
            has: "an access token",
            take: |scene| Box::pin(async move { scene.stolen.access.clone() }),
            using: |scene, token| Box::pin(async move { got(&scene.app.get("/users/me").bearer(token).send().await) }),
            gets: (401, "unauthenticated"),
        },
        Loot {
            has: "a refresh token",
            take: |scene| Box::pin(async move { scene.stolen.refresh.clone() }),
            using: |scene, token| Box::pin(async move { got(&scene.app.refresh(token).await) }),
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
