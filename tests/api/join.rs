//! A second instance, as in a separate process: it reaches the data of the first one over HTTP.

use user_core::signing::JwtAlgorithm;
use userctl::command::rotate_keys;

use crate::support::TestApp;

#[tokio::test]
async fn what_one_instance_does_the_other_sees() {
    let first = TestApp::open();
    let second = first.joined(&[]).await;
    assert_eq!(second.sign_up("ann@example.com").await.status, 201);
    assert_eq!(first.verify(&first.mailed_token("ann@example.com").await).await.status, 200);
    let pair = second.log_in("ann@example.com").await;
    assert_eq!(first.me(&pair.text("access_token")).await, 200);
    assert_eq!(first.refresh(&pair.text("refresh_token")).await.status, 200);
    assert_eq!(first.post("/auth/logout-all").bearer(&pair.text("access_token")).send().await.status, 204);
    assert_eq!(second.me(&pair.text("access_token")).await, 401);
    assert_eq!(second.get("/health/full").send().await.status, 200);
}

#[tokio::test]
async fn both_admit_together_what_one_would() {
    let limit = [("RATE_LIMIT", "40")];
    let first = TestApp::with(&limit);
    let second = first.joined(&limit).await;
    let ann = first.member("ann@example.com").await;
    first.clock.advance(120);
    let mut admitted = 0;
    for turn in 0..100 {
        let app = if turn % 2 == 0 { &first } else { &second };
        admitted += usize::from(app.me(&ann.access).await == 200);
    }
    assert_eq!(admitted, 40);
}

#[tokio::test]
async fn both_follow_a_rotation_and_an_emergency() {
    let settings = [("JWT_ALGORITHM", "ES256"), ("JWKS_CACHE_SECONDS", "60")];
    let first = TestApp::with(&settings);
    let second = first.joined(&settings).await;
    let old = first.member("ann@example.com").await;
    let stage = second.stage();
    for urgent in [false, false, true] {
        if urgent {
            rotation::emergency(&stage.store, stage.clock.now()).await.unwrap();
        } else {
            rotate_keys(&stage).await.unwrap();
        }
        first.clock.advance(65);
        let new = second.log_in("ann@example.com").await.text("access_token");
        assert_eq!([first.me(&new).await, second.me(&new).await], [200, 200], "{urgent}");
        let expected = if urgent { 401 } else { 200 };
        assert_eq!([first.me(&old.access).await, second.me(&old.access).await], [expected; 2], "{urgent}");
    }
    let algorithms: Vec<_> = stage.store.read_keys().await.unwrap().iter().map(|key| key.algorithm).collect();
    assert_eq!(algorithms, [JwtAlgorithm::Es256], "an emergency keeps the algorithm, whatever the operator's settings");
}
