use std::time::Duration;

use futures::future::join;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use user_core::email::Email;
use user_core::error::{Error, Unmet};
use user_core::event::{Actor, By};
use user_core::id::{UserId, random_below};
use user_core::login::Login;
use user_core::user::{Edit, User};
use user_store::expiry::{Overdue, Removal};

use crate::support::{TestApp, at_length};

async fn clean(app: &TestApp) -> Value {
    app.service.invoke("CleanupFunction", json!({})).await.unwrap()
}

#[tokio::test]
async fn overdue_users_go_with_their_logins_and_nobody_else_does() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "100")]);
    app.member("ann@example.com").await;
    for i in 0..30 {
        app.sign_up(&format!("late{i}@example.com")).await;
    }
    app.clock.advance(159);
    app.sign_up("young@example.com").await;
    assert_eq!(clean(&app).await["removed"], 0, "a minute of slack");
    app.clock.advance(1);
    let report = clean(&app).await;
    assert_eq!(report, json!({ "removed": 30, "spared": 0, "swept": 0, "failed": 0, "overdue": 0, "complete": true }));
    // Ann and the young user, a user item and a login each, and the note of the cleanup.
    assert_eq!(app.items("UsersTable").await.len(), 5);
    let full = app.get("/health/full").send().await;
    assert_eq!(full.json["checks"]["cleanup"]["removed"], 30);
}

#[tokio::test]
async fn the_login_of_a_newer_sign_up_stays() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "100")]);
    app.sign_up("ann@example.com").await;
    app.clock.advance(100);
    app.sign_up("ann@example.com").await;
    app.clock.advance(60);
    assert_eq!(clean(&app).await["removed"], 1);
    app.verify(&app.mailed_token("ann@example.com").await).await;
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
    assert_eq!(app.items("UsersTable").await.len(), 3);
}

#[tokio::test]
async fn a_run_without_time_stops_itself_and_says_what_is_left() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "1")]);
    for i in 0..40 {
        app.sign_up(&format!("late{i}@example.com")).await;
    }
    app.clock.advance(61);
    let instance = user_app::App::new(
        app.service.config.clone(),
        app.clock.clone(),
        app.store(),
        (cleanup::KEY_USE, app.store().read_verification_keys().await.unwrap()),
    );
    let report = cleanup::handle(&instance.unwrap(), Duration::ZERO).await.unwrap();
    assert!(!report.complete && report.overdue > 0, "{report:?}");
    assert_eq!(report.removed + report.overdue, 40);
    assert_eq!(clean(&app).await["complete"], true, "the next run goes on");
    assert_eq!(app.items("UsersTable").await.len(), 1);
}

/// Verifies and removes the same user concurrently, at times around its expiry. Whichever wins, a verified user is never removed, and no
/// half of a user remains.
#[tokio::test(flavor = "multi_thread")]
async fn cleanup_never_removes_a_verified_user_however_the_two_race() {
    const SHOPS: usize = 8;
    let races = at_length(10_000);
    let mut running = JoinSet::new();
    for _ in 0..SHOPS {
        running.spawn(async move {
            let app = TestApp::open();
            let mut verified = 0;
            for _ in 0..races / SHOPS {
                verified += usize::from(race(&app).await);
            }
            verified
        });
    }
    let verified: usize = running.join_all().await.into_iter().sum();
    assert!((races / 10..races * 9 / 10).contains(&verified), "both won often: {verified}");
}

/// One race; returns whether the verification won.
async fn race(app: &TestApp) -> bool {
    let (store, now) = (app.store(), app.clock.now());
    let by = By::itself(Actor::Service, &app.clock);
    let id = UserId::new(app.clock.now_millis()).unwrap();
    let email = Email::parse(&format!("{id}@example.com")).unwrap();
    let user = User { expires_at: Some(now.plus(100)), ..User::new(id, email.clone(), now) };
    store.create_user(&user, &Login::of(&user, "hash".to_owned()), None, &by).await.unwrap();
    // The two clocks may differ by more than the slack here, so only the conditions protect the user.
    let random = |low: i64, span| low + i64::try_from(random_below(span)).unwrap();
    let (verify_at, cutoff) = (now.plus(random(95, 10)), now.plus(random(97, 6)));
    let verify = async {
        pause().await;
        let decide = |user: &User| {
            let proof = Edit { is_verified: Some(true), ..Edit::default() };
            if user.is_expired(verify_at) {
                Err(Error::Unmet(Unmet::AddressLeft))
            } else {
                Ok(user.edited(&proof, verify_at).into())
            }
        };
        store.change_user(&user.id, None, &by, decide).await
    };
    let remove = async {
        pause().await;
        store.remove_overdue(&Overdue { id: user.id.clone(), email: email.clone() }, cutoff).await.unwrap()
    };
    let (outcome, removal) = join(verify, remove).await;
    let (left, login) = (store.read_user(&user.id).await.unwrap(), store.read_login(&email.key()).await.unwrap());
    assert_eq!(left.is_some(), login.is_some(), "no half of a user");
    match (outcome, removal) {
        (Ok(_), Removal::Spared) => assert!(left.unwrap().is_verified && login.unwrap().is_verified),
        (Err(Error::Unmet(Unmet::Absent | Unmet::AddressLeft)), Removal::Removed) => {
            assert!(left.is_none());
        }
        (Err(Error::Unmet(Unmet::AddressLeft)), Removal::Spared) => assert!(!left.unwrap().is_verified),
        other => panic!("{other:?}"),
    }
    removal == Removal::Spared
}

async fn pause() {
    for _ in 0..random_below(4) {
        tokio::task::yield_now().await;
    }
}
