use futures::future::join_all;
use user_core::id::UserId;

use crate::support::{Call, Member, PASSWORD, TestApp};

#[tokio::test]
async fn every_session_ends_at_once_and_a_new_one_can_begin() {
    let app = TestApp::open();
    let (ann, bob) = (app.member("ann@example.com").await, app.member("bob@example.com").await);
    let other = app.log_in("ann@example.com").await;
    assert_eq!(app.post("/auth/logout-all").bearer(&ann.access).send().await.status, 204);
    for access in [&ann.access, &other.text("access_token")] {
        assert_eq!(app.me(access).await, 401);
    }
    for refresh in [&ann.refresh, &other.text("refresh_token")] {
        assert_eq!(app.refresh(refresh).await.problem(), (401, "invalid-refresh-token"));
    }
    assert_eq!(app.me(&app.log_in("ann@example.com").await.text("access_token")).await, 200, "in the same second");
    assert_eq!(app.me(&bob.access).await, 200);
}

#[tokio::test]
async fn a_crowd_of_calls_with_one_token_ends_all_sessions_once() {
    for path in ["/auth/logout-all", "/users/{id}/sessions"] {
        let app = TestApp::open();
        let admin = app.admin("admin@example.com").await;
        let calls = (0..24).map(|_| ending(&app, path, &admin).send());
        let mut statuses: Vec<_> = join_all(calls).await.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[1], statuses[23]), (204, 401, 401), "{statuses:?}");
        let user = app.store().read_user(&UserId::of(admin.id)).await.unwrap().unwrap();
        assert_eq!(user.epoch, 2);
    }
}

fn ending<'a>(app: &'a TestApp, path: &str, member: &Member) -> Call<'a> {
    let path = path.replace("{id}", &member.id);
    let call = if path.contains("users") { app.delete(&path) } else { app.post(&path) };
    call.bearer(&member.access)
}

#[tokio::test]
async fn a_confirmed_change_of_address_is_one_of_the_five() {
    let app = TestApp::open();
    let mut ann = app.member("ann@example.com").await;
    for _ in 0..5 {
        assert_eq!(app.post("/auth/logout-all").bearer(&ann.access).send().await.status, 204);
        ann = app.signed_in("ann@example.com").await;
    }
    app.request_email(&ann, "new@example.com").await;
    let link = app.mailed_link("new@example.com", "confirm-email").await;
    assert_eq!(app.confirm_email(&ann.access, &link).await.problem(), (429, "throttled"));
    app.clock.advance(4_200);
    let ann = app.signed_in("ann@example.com").await;
    assert_eq!(app.confirm_email(&ann.access, &link).await.status, 200);
}

#[tokio::test]
async fn all_sessions_are_ended_five_times_at_once_by_whoever_is_signed_in_an_administrator_too() {
    for path in ["/auth/logout-all", "/users/{id}/sessions"] {
        let app = TestApp::open();
        app.admin("admin@example.com").await;
        let end = async || ending(&app, path, &app.signed_in("admin@example.com").await).send().await;
        for _ in 0..5 {
            assert_eq!(end().await.status, 204, "{path}");
        }
        let refused = end().await;
        assert_eq!((refused.problem(), refused.header("retry-after")), ((429, "throttled"), "4200"), "{path}");
        app.forgot("admin@example.com").await;
        let link = app.mailed_link("admin@example.com", "reset-password").await;
        assert_eq!(app.reset(&link, PASSWORD).await.status, 200, "{path}");
        assert_eq!(end().await.status, 204, "{path}: a recovery gives the whole allowance back");
    }
}
