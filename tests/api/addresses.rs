//! Every call and command serves addresses that former rules accepted; whatever accepts a new address refuses them.

use serde_json::json;
use user_core::email::Email;
use user_core::error::{Error, Unmet};
use user_core::user::Role;
use userctl::check::check;
use userctl::command::{delete, set_active, set_role, show};
use userctl::transfer::Format;
use userctl::transfer::backup::{backup, restore};
use userctl::transfer::export::export;
use userctl::transfer::import::{Plan, Source, import};

use crate::support::{Folder, Member, PASSWORD, TestApp};

/// Each address with the code of its refusal today.
const FORMER: [(&str, &str); 4] = [
    ("\"a..b\"@example.com", "invalid-email"),
    ("Ann@\u{ff45}xample.com", "invalid-email"),
    ("ann@example.123", "invalid-email"),
    ("Zo\u{eb}@b\u{fc}cher.example", "unsupported-email"),
];

const NEW: &str = "Sh0rt-black-now";

/// A service with an account whose address is `former`, and an administrator.
async fn with(former: &str) -> (TestApp, Member, Member) {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.org").await, app.member("ann@example.org").await);
    app.stored_as("ann@example.org", &ann.id, former).await;
    (app, admin, ann)
}

#[tokio::test]
async fn their_owners_sign_in_see_them_and_choose_a_new_password() {
    for (former, _) in FORMER {
        let (app, _, ann) = with(former).await;
        for spelling in [former.to_owned(), former.to_uppercase(), format!(" {former} ")] {
            assert_eq!(app.log_in(&spelling).await.status, 200, "{spelling}");
        }
        assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.text("email"), former);
        let wrong = json!({ "email": former, "password": "Wr0ng!password" });
        assert_eq!(app.post("/auth/login").json(wrong).send().await.problem(), (401, "invalid-credentials"));
        assert_eq!(app.forgot(former).await.status, 202);
        assert_eq!(app.mails(former).await[0]["kind"], "reset-password", "{former}");
        assert_eq!(app.reset(&app.mailed_token(former).await, NEW).await.status, 200);
        let body = json!({ "email": former, "password": NEW });
        assert_eq!(app.post("/auth/login").json(body).send().await.status, 200, "{former}");
        let ask = app.post("/auth/resend-verification").json(json!({ "email": former }));
        assert_eq!(ask.send().await.status, 202, "{former}");
    }
}

#[tokio::test]
async fn their_owners_leave_them_or_the_service() {
    for (former, _) in FORMER {
        let (app, _, ann) = with(former).await;
        let change = json!({ "new_email": "new@example.org", "password": PASSWORD });
        let asked = app.post("/users/me/email").bearer(&ann.access).json(change).send().await;
        assert_eq!((asked.status.as_u16(), app.mails("new@example.org").await.len()), (202, 1), "{former}");
        let gone = app.delete("/users/me").bearer(&ann.access).json(json!({ "password": PASSWORD })).send().await;
        assert_eq!(gone.status, 204, "{former}");
        assert_eq!(app.log_in(former).await.problem(), (401, "invalid-credentials"));
        assert!(Box::pin(check(&app.stage())).await.unwrap().is_clean());
    }
}

#[tokio::test]
async fn administrators_find_and_manage_them() {
    for (former, _) in FORMER {
        let (app, admin, ann) = with(former).await;
        let query: String = form_urlencoded::byte_serialize(former.as_bytes()).collect();
        let found = app.get(&format!("/users?email={query}")).bearer(&admin.access).send().await;
        assert_eq!(found.json["items"][0]["id"], ann.id.as_str(), "{former}");
        let path = format!("/users/{}", ann.id);
        assert_eq!(app.get(&path).bearer(&admin.access).send().await.text("email"), former);
        let named = app.patch(&path).bearer(&admin.access).json(json!({ "first_name": "Ann" })).send().await;
        assert_eq!((named.status.as_u16(), named.text("email")), (200, former.to_owned()));
        let record = json!({ "first_name": null, "last_name": null, "is_active": true, "is_verified": true });
        assert_eq!(app.put(&path).bearer(&admin.access).json(record).send().await.status, 200);
        assert_eq!(app.delete(&path).bearer(&admin.access).send().await.status, 204, "{former}");
    }
}

#[tokio::test]
async fn operators_commands_work_on_them() {
    for (former, _) in FORMER {
        let (app, _, ann) = with(former).await;
        let (stage, email) = (app.stage(), Email::known(former).unwrap());
        assert_eq!(show(&stage, &email).await.unwrap().id.as_str(), ann.id, "{former}");
        assert_eq!(set_role(&stage, &email, Role::Admin).await.unwrap().role, Role::Admin);
        assert!(!set_active(&stage, &email, false).await.unwrap().is_active);
        assert!(set_active(&stage, &email, true).await.unwrap().is_active);
        app.forgot(former).await;
        app.mails(former).await;
        let status = userctl::mail::status(&stage, &email).await.unwrap();
        assert_eq!((status.user.unwrap().id.as_str(), status.messages.len()), (ann.id.as_str(), 1), "{former}");
        assert_eq!(delete(&stage, &email).await.unwrap().id.as_str(), ann.id);
        assert!(matches!(show(&stage, &email).await, Err(Error::Unmet(Unmet::Absent))));
    }
}

#[tokio::test]
async fn they_are_exported_and_backed_up_and_an_import_names_them() {
    for (former, code) in FORMER {
        let (app, _, _) = with(former).await;
        let (second, folder) = (TestApp::open(), Folder::new());
        let (items, users) = (folder.path().join("items"), folder.path().join("users"));
        Box::pin(backup(&app.stage(), &items, true)).await.unwrap();
        Box::pin(restore(&second.stage(), &items, false, true)).await.unwrap();
        assert_eq!(second.log_in(former).await.status, 200, "{former}");

        Box::pin(export(&app.stage(), &users, Format::Jsonl, true)).await.unwrap();
        let text = std::fs::read_to_string(&users).unwrap();
        let emails: Vec<_> =
            text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
        assert!(emails.iter().any(|row| row["email"] == former), "{former}");
        let rejects = folder.path().join("rejects");
        let source = Source::Export(Format::Jsonl);
        let plan =
            Plan { file: users, source, rejects, dry_run: false, expire_unverified: false, drop_unknown_hashes: false };
        let third = TestApp::open();
        let summary = Box::pin(import(&third.stage(), &plan, true)).await.unwrap();
        assert_eq!((summary.written, summary.rejected), (1, [(code, 1)].into()), "{former}");
        let reject = std::fs::read_to_string(&plan.rejects).unwrap();
        let reject: serde_json::Value = serde_json::from_str(&reject).unwrap();
        assert_eq!((&reject["email"], &reject["code"]), (&json!(former), &json!(code)));
    }
}

#[tokio::test]
async fn nobody_signs_up_with_them_or_changes_to_them() {
    let app = TestApp::open();
    let ann = app.member("ann@example.org").await;
    let before = (app.items("UsersTable").await.len(), app.items("OutboxTable").await.len());
    for (former, code) in FORMER {
        let answer = app.sign_up(former).await;
        assert_eq!((answer.problem(), answer.errors()), ((422, "invalid"), vec![("email", code)]), "{former}");
        let change = json!({ "new_email": former, "password": PASSWORD });
        let answer = app.post("/users/me/email").bearer(&ann.access).json(change).send().await;
        assert_eq!((answer.problem(), answer.errors()), ((422, "invalid"), vec![("new_email", code)]), "{former}");
        assert!(!String::from_utf8_lossy(&answer.raw).contains(former));
    }
    assert_eq!((app.items("UsersTable").await.len(), app.items("OutboxTable").await.len()), before);
}

#[tokio::test]
async fn a_spelling_of_former_rules_still_holds_its_address() {
    let (app, ..) = with("Ann@\u{ff45}xample.com").await;
    assert_eq!(app.sign_up("ann@example.com").await.problem(), (409, "email-taken"));
    assert_eq!(app.log_in("ann@example.com").await.status, 200, "both spellings are one address");
}
