use aws_sdk_dynamodb::types::AttributeValue;
use user_core::error::{Error, Unmet};
use user_core::user::Role;
use user_store::directory::Filter;
use userctl::command::{delete, set_active};
use userctl::directory::{list, stats, users_table};
use userctl::migrate::{status, up};
use userctl::transfer::Format;
use userctl::transfer::import::Source;

use super::{import_text, lines};
use crate::support::TestApp;

#[tokio::test]
async fn users_are_listed_counted_switched_off_and_removed() {
    let app = TestApp::open();
    import_text(&app, &lines(120), Source::Export(Format::Jsonl)).await;
    let member = app.member("ann@example.com").await;
    let everybody = list(&app.stage(), &Filter::default(), 1_000).await.unwrap();
    assert_eq!((everybody.len(), everybody[0].email.as_str()), (121, "ann@example.com"));
    assert_eq!(users_table(&everybody).lines().count(), 122);
    let admins = Filter { role: Some(Role::Admin), verified: None };
    assert_eq!(list(&app.stage(), &admins, 1_000).await.unwrap().len(), 3);
    let found = stats(&app.stage()).await.unwrap();
    assert_eq!((found.users, found.verified, found.waiting, found.sessions), (121, 97, 0, 1));

    let ann = "ann@example.com".parse().unwrap();
    assert!(!set_active(&app.stage(), &ann, false).await.unwrap().is_active);
    assert_eq!(app.me(&member.access).await, 401);
    assert!(set_active(&app.stage(), &ann, true).await.unwrap().is_active);
    assert_eq!(delete(&app.stage(), &ann).await.unwrap().id.as_str(), member.id);
    assert!(matches!(delete(&app.stage(), &ann).await, Err(Error::Unmet(Unmet::Absent))));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = TestApp::open();
    app.admin("admin@example.com").await;
    let admin = "admin@example.com".parse().unwrap();
    assert!(matches!(delete(&app.stage(), &admin).await, Err(Error::Unmet(Unmet::LastAdmin))));
    assert!(matches!(set_active(&app.stage(), &admin, false).await, Err(Error::Unmet(Unmet::LastAdmin))));
}

#[tokio::test]
async fn items_without_the_mark_of_a_form_are_brought_to_the_present_one() {
    let app = TestApp::open();
    import_text(&app, &lines(30), Source::Export(Format::Jsonl)).await;
    let before = app.items("UsersTable").await;
    for n in 0..10 {
        let update = app.database_client().update_item().table_name("UsersTable");
        let update = update
            .key("pk", AttributeValue::S(format!("USER#old-{n}")))
            .key("sk", AttributeValue::S("PROFILE".to_owned()));
        let update = update
            .update_expression("REMOVE #schema, dir_shard, created_key")
            .expression_attribute_names("#schema", "schema");
        update.send().await.unwrap();
    }
    let found = status(&app.stage()).await.unwrap();
    assert_eq!((found.forms, found.last), ([(0, 10), (1, 20)].into(), None));
    let done = up(&app.stage()).await.unwrap();
    assert!(
        done.is_current() && done.last.as_ref().is_some_and(|last| last.done && last.changed == 10),
        "{}",
        done.text()
    );
    let listed = userctl::directory::list(&app.stage(), &Filter::default(), 100).await.unwrap();
    assert_eq!(listed.len(), 30, "whose index keys were missing is in the list again");
    let after = app.items("UsersTable").await;
    assert_eq!(after.iter().filter(|item| !item["pk"].to_string().contains("META#MIGRATION")).count(), before.len());
    assert_eq!(up(&app.stage()).await.unwrap().last.unwrap().changed, 0);
}
