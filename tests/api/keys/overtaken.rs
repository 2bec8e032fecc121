//! Rotations that overtake each other, and one that has not happened yet.

use serde_json::json;
use user_app::App;
use user_app::keyring::{CONFIRM_SECONDS, KeyUse};
use user_core::error::{Error, Unmet};
use user_core::signing::{JwtAlgorithm, Keys};
use user_core::token::{AccessClaims, TokenKind};

use super::{WAIT, app, rotate};
use crate::support::{TestApp, at_length};

#[tokio::test]
async fn a_rotation_that_read_the_keys_before_an_emergency_does_not_bring_them_back() {
    let app = app("ES256").await;
    let ann = app.member("ann@example.com").await;
    let before = app.store().read_keys().await.unwrap();
    let late = before.rotated(JwtAlgorithm::Es256, app.clock.now(), WAIT, 500).unwrap();
    rotation::emergency(&app.store(), app.clock.now()).await.unwrap();
    app.store().stage_keys("late", &late).await.unwrap();
    let event = json!({ "Step": "finishSecret", "SecretId": "SigningSecret", "ClientRequestToken": "late" });
    let overtaken = app.service.invoke("RotationFunction", event).await.unwrap_err();
    assert!(matches!(overtaken.downcast_ref::<Error>(), Some(Error::Unmet(Unmet::Changed))), "{overtaken}");
    app.clock.advance(CONFIRM_SECONDS);
    assert_eq!(app.me(&ann.access).await, 401);
    let kids = |keys: &Keys| keys.iter().map(|key| key.kid.clone()).collect::<Vec<_>>();
    let after = app.store().read_keys().await.unwrap();
    assert!(kids(&before).iter().all(|void| !kids(&after).contains(void)));
}

#[tokio::test]
async fn whoever_rotates_at_the_same_time_both_secrets_end_with_the_same_keys() {
    let app = app("ES256").await;
    app.member("ann@example.com").await;
    for _ in 0..at_length(200) {
        let (store, now) = (app.store(), app.clock.now());
        let (one, two, ordinary) = tokio::join!(
            rotation::emergency(&store, now),
            rotation::emergency(&store, now),
            app.service.rotate("SigningSecret")
        );
        assert!(one.is_ok() || two.is_ok() || ordinary.is_ok());
        let (keys, verifiers) = (store.read_keys().await.unwrap(), store.read_verification_keys().await.unwrap());
        assert_eq!(verifiers.to_secret().unwrap(), keys.for_verifiers().to_secret().unwrap());
        let mark = store.read_key_mark().await.unwrap();
        assert_eq!((mark.generation, mark.emergency), (keys.generation(), keys.emergency()));
        app.clock.advance(CONFIRM_SECONDS);
        let access = app.log_in("ann@example.com").await.text("access_token");
        assert_eq!(app.me(&access).await, 200);
    }
}

#[tokio::test]
async fn without_the_second_secret_verifiers_cannot_tell_until_a_rotation_writes_it() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.aws().secrets.empty("VerificationSecret");
    let started = App::new(
        app.service.config.clone(),
        app.clock.clone(),
        app.store(),
        (KeyUse::Verify, KeyUse::Verify.read(&app.store()).await.unwrap()),
    );
    let instance = started.unwrap();
    assert!(matches!(instance.keyring_in_force().await, Err(Error::Unavailable)));
    rotate(&app).await;
    app.clock.advance(CONFIRM_SECONDS);
    let keyring = instance.keyring_in_force().await.unwrap();
    assert!(keyring.tokens.read::<AccessClaims>(TokenKind::Access, &ann.access, app.clock.now()).is_some());
}
