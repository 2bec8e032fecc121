//! Signing keys: a rotation voids no token, an emergency voids all of them, and other services can verify access tokens.

mod emergency;
mod overtaken;
mod under_way;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::aws::Aws;
use serde_json::{Value, json};
use user_app::App;
use user_app::keyring::{CONFIRM_SECONDS, KeyUse};
use user_core::error::{Error, Unmet};
use user_store::Store;

use crate::support::{Member, TestApp};

const ALGORITHMS: [&str; 4] = ["HS256", "ES256", "RS256", "EdDSA"];
/// How long a new key waits in these tests before it signs, in seconds: the cache time and the slack.
pub(crate) const WAIT: i64 = 60 + 5;

/// A service whose keys are of this algorithm.
pub(crate) async fn app(algorithm: &str) -> TestApp {
    let app = TestApp::with(&[("JWT_ALGORITHM", algorithm), ("JWKS_CACHE_SECONDS", "60")]);
    app.service.rotate_what_is_due().await.unwrap();
    app.clock.advance(CONFIRM_SECONDS);
    app
}

pub(crate) async fn rotate(app: &TestApp) {
    app.service.rotate("SigningSecret").await.unwrap();
}

async fn emergency(app: &TestApp) {
    rotation::emergency(&app.store(), app.clock.now()).await.unwrap();
}

pub(crate) fn header(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

pub(crate) async fn jwks(app: &TestApp) -> Vec<Value> {
    app.get("/.well-known/jwks.json").send().await.json["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_rotation_costs_nobody_a_token() {
    for algorithm in ALGORITHMS {
        let app = app(algorithm).await;
        let old = app.member("ann@example.com").await;
        app.sign_up("bob@example.com").await;
        let message = app.mailed_token("bob@example.com").await;
        assert_eq!(header(&old.access)["alg"], algorithm);
        rotate(&app).await;
        app.clock.advance(WAIT - 1);
        let waiting = app.log_in("ann@example.com").await.text("access_token");
        assert_eq!(header(&waiting)["kid"], header(&old.access)["kid"], "{algorithm}: the new key is not known yet");
        app.clock.advance(1);
        let new = app.log_in("ann@example.com").await.text("access_token");
        assert_ne!(header(&new)["kid"], header(&old.access)["kid"], "{algorithm}");
        for access in [&old.access, &waiting, &new] {
            assert_eq!(app.me(access).await, 200, "{algorithm}");
        }
        let next = app.refresh(&old.refresh).await;
        assert_eq!(next.status, 200, "{algorithm}");
        assert_eq!(app.refresh(&old.refresh).await.text("refresh_token"), next.text("refresh_token"));
        assert_eq!(app.verify(&message).await.status, 200, "{algorithm}");
    }
}

#[tokio::test]
async fn a_session_in_use_outlives_any_number_of_rotations() {
    let app = app("ES256").await;
    let mut refresh = app.member("ann@example.com").await.refresh;
    for _ in 0..5 {
        rotate(&app).await;
        // The last second at which the refresh token is valid.
        app.clock.advance(7 * 86_400 - 1);
        let pair = app.refresh(&refresh).await;
        assert_eq!((pair.status.as_u16(), app.me(&pair.text("access_token")).await), (200, 200));
        refresh = pair.text("refresh_token");
    }
    assert!(app.store().read_keys().await.unwrap().iter().count() <= 3, "old keys go");
}

#[tokio::test]
async fn an_emergency_voids_whatever_was_signed_before() {
    for algorithm in ALGORITHMS {
        let app = app(algorithm).await;
        let admin = app.admin("admin@example.com").await;
        for n in 0..3 {
            app.sign_up(&format!("user{n}@example.com")).await;
        }
        let cursor = app.get("/users?limit=1").bearer(&admin.access).send().await.text("next_cursor");
        let message = app.mailed_token("user1@example.com").await;
        emergency(&app).await;
        app.clock.advance(CONFIRM_SECONDS);
        assert_eq!(app.get("/users/me").bearer(&admin.access).send().await.problem(), (401, "unauthenticated"));
        assert_eq!(app.refresh(&admin.refresh).await.problem(), (401, "invalid-refresh-token"));
        assert_eq!(app.verify(&message).await.problem(), (400, "invalid-token"));
        let again = app.log_in("admin@example.com").await.text("access_token");
        let path = format!("/users?limit=1&cursor={cursor}");
        assert_eq!(app.get(&path).bearer(&again).send().await.problem(), (422, "invalid"));
        assert_eq!(app.me(&again).await, 200, "{algorithm}");
        if algorithm != "HS256" {
            assert_eq!(jwks(&app).await.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_key_whose_time_is_over_opens_nothing_even_for_who_has_it() {
    let app = app("HS256").await;
    let ann = app.member("ann@example.com").await;
    let stolen = app.store().read_keys().await.unwrap().iter().last().unwrap().clone();
    rotate(&app).await;
    let fresh = |member: &Member| {
        let claims = member.access.split('.').nth(1).unwrap();
        let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let now = app.clock.now();
        claims["iat"] = json!(now);
        claims["exp"] = json!(now.plus(60));
        let head = ann.access.split('.').next().unwrap();
        let message = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let tag = user_core::signing::mac(&stolen.derive("access").unwrap(), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    app.clock.advance(7 * 86_400 + WAIT - 1);
    let later = app.member("bob@example.com").await;
    assert_eq!(app.me(&fresh(&later)).await, 200, "what it signed before may still be under way");
    app.clock.advance(1);
    assert_eq!(app.me(&fresh(&later)).await, 401);
    assert_eq!(app.me(&later.access).await, 200);
}

#[tokio::test]
async fn steps_of_a_rotation_can_be_repeated_and_one_that_was_overtaken_changes_nothing() {
    let app = app("ES256").await;
    let step = async |name: &str, version: &str| {
        let event = json!({ "Step": name, "SecretId": "SigningSecret", "ClientRequestToken": version });
        app.service.invoke("RotationFunction", event).await
    };
    for name in ["createSecret", "createSecret", "setSecret", "testSecret", "testSecret"] {
        step(name, "first").await.unwrap();
    }
    for name in ["createSecret", "testSecret", "finishSecret", "finishSecret"] {
        step(name, "second").await.unwrap();
    }
    let keys = app.store().read_keys().await.unwrap();
    let overtaken = step("finishSecret", "first").await.unwrap_err();
    assert!(matches!(overtaken.downcast_ref::<Error>(), Some(Error::Unmet(Unmet::Changed))), "{overtaken}");
    assert!(step("finishSecret", "unknown").await.is_err());
    assert!(step("dropSecret", "second").await.is_err());
    let other = json!({ "Step": "testSecret", "SecretId": "Other", "ClientRequestToken": "second" });
    assert!(app.service.invoke("RotationFunction", other).await.is_err());
    let after = app.store().read_keys().await.unwrap();
    assert_eq!(after.to_secret().unwrap(), keys.to_secret().unwrap());
    let verifiers = app.store().read_verification_keys().await.unwrap();
    assert_eq!(verifiers.to_secret().unwrap(), keys.for_verifiers().to_secret().unwrap());
    assert_eq!(after.generation(), 2);
}

#[tokio::test]
async fn a_secret_is_rotated_when_the_template_says_so() {
    let app = TestApp::with(&[("KEY_ROTATION_DAYS", "10")]);
    let generation = async || {
        app.service.rotate_what_is_due().await.unwrap();
        app.store().read_keys().await.unwrap().generation()
    };
    assert_eq!([generation().await, generation().await], [1, 1], "a new stack rotates at once, and once");
    app.clock.advance(10 * 86_400 - 1);
    assert_eq!(generation().await, 1);
    app.clock.advance(1);
    assert_eq!(generation().await, 2);
}

#[tokio::test]
async fn keys_are_followed_within_the_second_in_which_they_change() {
    let app = TestApp::with(&[("JWT_ALGORITHM", "ES256")]);
    let before = app.member("ann@example.com").await;
    app.service.rotate_what_is_due().await.unwrap();
    for urgent in [false, true] {
        if urgent {
            emergency(&app).await;
        }
        let new = app.log_in("ann@example.com").await.text("access_token");
        assert_ne!(header(&new)["kid"], header(&before.access)["kid"]);
        assert_eq!(app.me(&new).await, 200, "{urgent}: an unknown key is looked for at once");
        app.clock.advance(1);
    }
}

/// The services, and how often the secret was read.
#[derive(Debug, Clone)]
struct Counted(Aws, Arc<AtomicUsize>);

impl HttpConnector for Counted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        self.1.fetch_add(usize::from(target == "secretsmanager.GetSecretValue"), Ordering::SeqCst);
        self.0.call(request)
    }
}

#[tokio::test]
async fn an_instance_reads_the_secret_only_when_it_has_to() {
    let app = app("ES256").await;
    let reads = Arc::new(AtomicUsize::new(0));
    let connector = SharedHttpConnector::new(Counted(app.aws().clone(), reads.clone()));
    let client = http_client_fn(move |_, _| connector.clone());
    let sdk = app.aws().sdk_config().into_builder().http_client(client).build();
    let store = Store::connect(&sdk, &app.service.config);
    let keys = app.store().read_keys().await.unwrap();
    let instance = App::new(app.service.config.clone(), app.clock.clone(), store, (KeyUse::Sign, keys)).unwrap();
    let read = || reads.swap(0, Ordering::SeqCst);
    let unknown = |n: i32| {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": format!("unknown{n}") });
        format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    for n in 0..100 {
        assert!(!instance.knows_key_of(&unknown(n)));
        instance.seek_keys().await;
    }
    assert_eq!(read(), 1, "strangers' keys cost one read a second");
    app.clock.advance(1);
    instance.seek_keys().await;
    assert_eq!(read(), 1);
    emergency(&app).await;
    app.clock.advance(CONFIRM_SECONDS);
    let (old, new) = (instance.keyring().unwrap(), instance.keyring_in_force().await.unwrap());
    assert_eq!((read(), old.public_keys(app.clock.now()) == new.public_keys(app.clock.now())), (1, false));
    for _ in 0..100 {
        instance.keyring_in_force().await.unwrap();
        instance.refresh_keys().await;
        app.clock.advance(CONFIRM_SECONDS);
    }
    assert_eq!(read(), 0, "what the database does not call for is not read");
    app.clock.advance(300 - 100 * CONFIRM_SECONDS);
    instance.refresh_keys().await;
    instance.refresh_keys().await;
    assert_eq!(read(), 1, "five minutes are over");
}
