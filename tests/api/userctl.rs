//! The operator's commands apply the rules of the API.

use user_core::error::{Error, Unmet};
use user_core::password::Password;
use user_core::user::Role;
use userctl::command::{NotCreated, create_admin, set_role, show, sign_out};

use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn an_admin_is_created_ready_to_work_and_only_once() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    assert_eq!(app.get("/users").bearer(&admin.access).send().await.status, 200);
    let again = create_admin(&app.stage(), "ADMIN@example.com".parse().unwrap(), Password::typed(PASSWORD)).await;
    assert!(matches!(again, Err(NotCreated::Failed(Error::Unmet(Unmet::AddressTaken)))));
    for (password, code) in [("Second1", "too-short"), ("Second1!", "common"), ("secondsecondsecond", "guessable")] {
        let weak = create_admin(&app.stage(), "second@example.com".parse().unwrap(), Password::typed(password)).await;
        assert!(matches!(&weak, Err(NotCreated::Password(errors)) if errors[0].code == code), "{weak:?}");
    }
}

#[tokio::test]
async fn roles_are_given_and_taken_and_the_last_admin_stays() {
    let app = TestApp::open();
    let (email, ann) = ("ann@example.com".parse().unwrap(), app.member("ann@example.com").await);
    assert_eq!(set_role(&app.stage(), &email, Role::Admin).await.unwrap().role, Role::Admin);
    assert_eq!(app.get("/users").bearer(&ann.access).send().await.status, 200, "felt at once");
    assert!(matches!(set_role(&app.stage(), &email, Role::User).await, Err(Error::Unmet(Unmet::LastAdmin))));
    app.admin("admin@example.com").await;
    assert_eq!(set_role(&app.stage(), &email, Role::User).await.unwrap().role, Role::User);
    let nobody = "nobody@example.com".parse().unwrap();
    assert!(matches!(set_role(&app.stage(), &nobody, Role::Admin).await, Err(Error::Unmet(Unmet::Absent))));
    assert!(matches!(show(&app.stage(), &nobody).await, Err(Error::Unmet(Unmet::Absent))));
    assert_eq!(show(&app.stage(), &email).await.unwrap().id.as_str(), ann.id);
}

#[tokio::test]
async fn an_operator_signs_a_user_out_everywhere_and_voids_what_was_mailed() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    app.forgot("ann@example.com").await;
    let message = app.mailed_token("ann@example.com").await;
    app.clock.advance(1);
    sign_out(&app.stage(), &"Ann@example.com".parse().unwrap()).await.unwrap();
    assert_eq!((app.me(&ann.access).await, app.me(&admin.access).await), (401, 200));
    assert_eq!(app.reset(&message, "Sh0rt-black-now").await.problem(), (400, "invalid-token"));
    let events = app.get(&format!("/users/{}/events?limit=1", ann.id)).bearer(&admin.access).send().await;
    let event = &events.json["items"][0];
    assert_eq!((&event["name"], &event["actor"]["type"]), (&"signed-out-everywhere".into(), &"operator".into()));
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
    let nobody = sign_out(&app.stage(), &"nobody@example.com".parse().unwrap()).await;
    assert!(matches!(nobody, Err(Error::Unmet(Unmet::Absent))));
}
