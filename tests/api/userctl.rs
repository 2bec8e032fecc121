//! The operator's commands keep the rules of the API.

use user_core::error::Error;
use user_core::password::Password;
use user_core::user::Role;
use userctl::command::{create_admin, set_role, show};

use crate::support::{PASSWORD, Shop};

#[tokio::test]
async fn an_admin_is_created_ready_to_work_and_only_once() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    assert_eq!(shop.get("/users").bearer(&admin.access).send().await.status, 200);
    let again = create_admin(&shop.stage(), "ADMIN@example.com".parse().unwrap(), Password::typed(PASSWORD)).await;
    assert!(matches!(again, Err(Error::EmailTaken)));
    for (password, code) in [("Second1", "too-short"), ("Second1!", "common"), ("secondsecondsecond", "guessable")] {
        let weak = create_admin(&shop.stage(), "second@example.com".parse().unwrap(), Password::typed(password)).await;
        assert!(matches!(&weak, Err(Error::Invalid(errors)) if errors[0].code == code), "{weak:?}");
    }
}

#[tokio::test]
async fn roles_are_given_and_taken_and_the_last_admin_stays() {
    let shop = Shop::open();
    let (email, ann) = ("ann@example.com".parse().unwrap(), shop.member("ann@example.com").await);
    assert_eq!(set_role(&shop.stage(), &email, Role::Admin).await.unwrap().role, Role::Admin);
    assert_eq!(shop.get("/users").bearer(&ann.access).send().await.status, 200, "felt at once");
    assert!(matches!(set_role(&shop.stage(), &email, Role::User).await, Err(Error::LastAdmin)));
    shop.admin("admin@example.com").await;
    assert_eq!(set_role(&shop.stage(), &email, Role::User).await.unwrap().role, Role::User);
    let nobody = "nobody@example.com".parse().unwrap();
    assert!(matches!(set_role(&shop.stage(), &nobody, Role::Admin).await, Err(Error::NotFound)));
    assert!(matches!(show(&shop.stage(), &nobody).await, Err(Error::NotFound)));
    assert_eq!(show(&shop.stage(), &email).await.unwrap().id.as_str(), ann.id);
}
