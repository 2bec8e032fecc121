//! Two conflicting requests at the same moment, a thousand times each in CI: one defined outcome, and never a fault of the service.

use std::future::Future;

use futures::future::{join, join_all};
use serde_json::json;
use tokio::task::JoinSet;
use user_core::id::random_below;

use crate::support::{Answer, Member, PASSWORD, TestApp, at_length};

const ROUNDS: usize = 1_000;
const SERVICES: usize = 4;
const NEW: &str = "Sh0rt-black-now";

/// Runs `round` repeatedly, on several services concurrently, each time with another user.
async fn again_and_again<F: Future<Output = ()> + Send>(
    round: impl Fn(&'static TestApp, String) -> F + Send + Sync + Copy + 'static,
) {
    let mut running = JoinSet::new();
    for _ in 0..SERVICES {
        running.spawn(async move {
            // The test's process ends soon; leaking is the simplest way to share.
            let app: &'static TestApp = Box::leak(Box::new(TestApp::open()));
            for turn in 0..at_length(ROUNDS) / SERVICES {
                round(app, format!("user{turn}@example.com")).await;
            }
        });
    }
    running.join_all().await;
}

/// Starts both after short random delays.
async fn at_once<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (a, b) = (Box::pin(a), Box::pin(b));
    join(
        async {
            pause().await;
            a.await
        },
        async {
            pause().await;
            b.await
        },
    )
    .await
}

async fn pause() {
    for _ in 0..random_below(12) {
        tokio::task::yield_now().await;
    }
}

fn statuses(answers: [&Answer; 2]) -> [u16; 2] {
    let mut statuses = answers.map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    statuses
}

async fn reset_message(app: &TestApp, email: &str) -> String {
    app.forgot(email).await;
    app.mailed_token(email).await
}

async fn log_in_with(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/auth/login").json(json!({ "email": email, "password": password })).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_new_address_that_is_followed_twice_at_once_works_once() {
    again_and_again(async |app, email| {
        let member = app.member(&email).await;
        let new = format!("new-{email}");
        assert_eq!(app.request_email(&member, &new).await.status, 202);
        let token = app.mailed_token(&new).await;
        let confirm = || app.confirm_email(&member.access, &token);
        let (one, other) = at_once(confirm(), confirm()).await;
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        // The second request finds the link void, or its session ended by the new epoch.
        assert!(statuses[0] == 200 && [400, 401].contains(&statuses[1]), "{statuses:?} {} {}", one.json, other.json);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_resets_with_one_link_one_wins() {
    again_and_again(|app, email| async move {
        app.member(&email).await;
        let message = reset_message(app, &email).await;
        let (a, b) = at_once(app.reset(&message, NEW), app.reset(&message, "Fl4t-white-now-please")).await;
        assert_eq!(statuses([&a, &b]), [200, 400]);
        let winner = if a.status == 200 { NEW } else { "Fl4t-white-now-please" };
        assert_eq!(log_in_with(app, &email, winner).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_during_a_reset_leaves_no_session_of_the_old_password() {
    again_and_again(|app, email| async move {
        app.member(&email).await;
        let message = reset_message(app, &email).await;
        let (reset, login) = at_once(app.reset(&message, NEW), app.log_in(&email)).await;
        assert_eq!(reset.status, 200);
        match login.status.as_u16() {
            200 => assert_eq!(app.me(&login.text("access_token")).await, 401, "it was proven by the old password"),
            _ => assert_eq!(login.problem(), (401, "invalid-credentials")),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_during_a_logout_leaves_nothing_that_opens() {
    again_and_again(|app, email| async move {
        let member = app.member(&email).await;
        let logout = app.post("/auth/logout").json(json!({ "refresh_token": member.refresh })).send();
        let (logout, refresh) = at_once(logout, app.refresh(&member.refresh)).await;
        assert_eq!(logout.status, 204);
        match refresh.status.as_u16() {
            200 => assert_eq!(app.me(&refresh.text("access_token")).await, 401),
            _ => assert_eq!(refresh.problem(), (401, "invalid-refresh-token")),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_change_of_address_and_a_sign_up_of_it_whoever_proves_it_first_has_it() {
    again_and_again(|app, email| async move {
        let member = app.member(&email).await;
        let new = format!("new-{email}");
        let (request, sign_up) = at_once(app.request_email(&member, &new), app.sign_up(&new)).await;
        assert_eq!([request.status.as_u16(), sign_up.status.as_u16()], [202, 201], "neither holds the other up");
        let confirm = app.mailed_link(&new, "confirm-email").await;
        let verify = app.mailed_link(&new, "verify-email").await;
        let (confirm, verify) = at_once(app.confirm_email(&member.access, &confirm), app.verify(&verify)).await;
        match (confirm.status.as_u16(), verify.status.as_u16()) {
            (200, _) => assert_eq!(verify.problem(), (400, "invalid-token")),
            (_, status) => assert_eq!((confirm.problem(), status), ((409, "email-taken"), 200)),
        }
        assert_eq!(app.log_in(&new).await.status, 200);
        let old = app.log_in(&email).await.status.as_u16();
        assert_eq!(old, if confirm.status == 200 { 401 } else { 200 });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_accounts_that_confirm_one_address_one_has_it() {
    again_and_again(|app, email| async move {
        let (a, b, new) = (app.member(&email).await, app.member(&format!("b-{email}")).await, format!("new-{email}"));
        let mut links = Vec::new();
        for member in [&a, &b] {
            assert_eq!(app.request_email(member, &new).await.status, 202);
            links.push(app.mailed_link(&new, "confirm-email").await);
        }
        let both = at_once(app.confirm_email(&a.access, &links[0]), app.confirm_email(&b.access, &links[1])).await;
        assert_eq!(statuses([&both.0, &both.1]), [200, 409]);
        assert_eq!(app.log_in(&new).await.status, 200);
        let still = [app.log_in(&email).await, app.log_in(&format!("b-{email}")).await];
        assert_eq!(statuses([&still[0], &still[1]]), [200, 401], "the other one is where it was");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_reset_and_a_thiefs_confirmation_at_one_moment_the_owner_has_the_last_word() {
    again_and_again(|app, email| async move {
        let stolen = app.member(&email).await;
        let (new, reset) = (format!("thief-{email}"), reset_message(app, &email).await);
        assert_eq!(app.request_email(&stolen, &new).await.status, 202);
        let link = app.mailed_link(&new, "confirm-email").await;
        let (reset, moved) = at_once(app.reset(&reset, NEW), app.confirm_email(&stolen.access, &link)).await;
        if moved.status == 200 {
            assert_eq!(reset.problem(), (400, "invalid-token"));
            let back = app.mailed_link(&email, "email-changed").await;
            assert_eq!(app.revert_email(&back).await.status, 200);
            let link = app.mailed_link(&email, "reset-password").await;
            assert_eq!(app.reset(&link, NEW).await.status, 200);
        } else {
            assert_eq!(reset.status, 200);
            assert!([400, 401].contains(&moved.status.as_u16()), "{}", moved.json);
        }
        assert_eq!(log_in_with(app, &email, NEW).await.status, 200);
        assert_eq!(app.me(&stolen.access).await, 401);
        assert_eq!(app.log_in(&new).await.status, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_demote_each_other_leave_one() {
    again_and_again(|_, email| async move {
        let app = TestApp::open();
        let (a, b) = (app.admin(&email).await, app.admin(&format!("b-{email}")).await);
        let demote = |actor: &Member, victim: &Member| {
            let body = json!({ "role": "user" });
            app.put(&format!("/users/{}/role", victim.id)).bearer(&actor.access).json(body).send()
        };
        let (first, second) = at_once(demote(&a, &b), demote(&b, &a)).await;
        let outcome = statuses([&first, &second]);
        assert!([[200, 403], [200, 409]].contains(&outcome), "{outcome:?}");
        let admins = [&a, &b].map(|member| app.get("/users?limit=1").bearer(&member.access).send());
        let left = join_all(admins).await;
        assert_eq!(left.iter().filter(|answer| answer.status == 200).count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_during_a_deletion_leaves_nothing_that_opens() {
    again_and_again(|app, email| async move {
        let member = app.member(&email).await;
        let delete = app.delete("/users/me").bearer(&member.access).json(json!({ "password": PASSWORD })).send();
        let (deleted, refreshed) = at_once(delete, app.refresh(&member.refresh)).await;
        assert_eq!(deleted.status, 204);
        match refreshed.status.as_u16() {
            200 => assert_eq!(app.me(&refreshed.text("access_token")).await, 401),
            _ => assert_eq!(refreshed.problem(), (401, "invalid-refresh-token")),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_during_a_deletion_leaves_nothing_that_opens_and_nothing_for_long() {
    let mut running = JoinSet::new();
    for _ in 0..SERVICES {
        running.spawn(async {
            let app = TestApp::open();
            for turn in 0..at_length(ROUNDS) / SERVICES {
                let email = format!("user{turn}@example.com");
                let member = app.member(&email).await;
                let delete =
                    app.delete("/users/me").bearer(&member.access).json(json!({ "password": PASSWORD })).send();
                let (deleted, login) = at_once(delete, app.log_in(&email)).await;
                assert_eq!(deleted.status, 204);
                match login.status.as_u16() {
                    200 => assert_eq!(app.me(&login.text("access_token")).await, 401),
                    _ => assert_eq!(login.problem(), (401, "invalid-credentials")),
                }
            }
            let report = Box::pin(userctl::check::check(&app.stage())).await.unwrap();
            assert!(report.is_clean(), "{}", report.text());
            app.clock.advance(60);
            let cleaned = app.service.invoke("CleanupFunction", json!({})).await.unwrap();
            assert_eq!(cleaned["swept"], at_length(ROUNDS) / SERVICES);
            assert_eq!(app.session_count().await, 0);
        });
    }
    running.join_all().await;
}
