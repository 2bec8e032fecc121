//! A successful call of any route, with all its preconditions.

use http::Method;
use serde_json::{Value, json};

use super::{Call, Member, PASSWORD, TestApp};

/// A user who is signed in.
pub(crate) const ANN: &str = "ann@example.com";
/// An address without an account.
pub(crate) const NEW: &str = "new@example.com";

/// The body of a successful call of this route, after its preconditions are met.
async fn body(app: &TestApp, route: &str, ann: &Member) -> Value {
    let token = |token: String| json!({ "token": token });
    match route {
        "POST /api/v1/auth/signup" => json!({ "email": NEW, "password": PASSWORD }),
        "POST /api/v1/auth/verify" => {
            assert_eq!(app.sign_up(NEW).await.status, 201);
            token(app.mailed_token(NEW).await)
        }
        "POST /api/v1/auth/resend-verification" => {
            assert_eq!(app.sign_up(NEW).await.status, 201);
            json!({ "email": NEW })
        }
        "POST /api/v1/auth/login" => json!({ "email": ANN, "password": PASSWORD }),
        "POST /api/v1/auth/refresh" | "POST /api/v1/auth/logout" => json!({ "refresh_token": ann.refresh }),
        "POST /api/v1/auth/forgot-password" => json!({ "email": ANN }),
        "POST /api/v1/auth/reset-password" => {
            app.forgot(ANN).await;
            json!({ "token": app.mailed_token(ANN).await, "new_password": "Sh0rt-black-now" })
        }
        "POST /api/v1/users/me/email" => json!({ "new_email": NEW, "password": PASSWORD }),
        "POST /api/v1/auth/confirm-email" => {
            want(app, ann).await;
            token(app.mailed_token(NEW).await)
        }
        "POST /api/v1/auth/revert-email" => {
            want(app, ann).await;
            assert_eq!(app.confirm_email(&ann.access, &app.mailed_token(NEW).await).await.status, 200);
            token(app.mailed_token(ANN).await)
        }
        "PUT /api/v1/users/me/password" => json!({ "current_password": PASSWORD, "new_password": "Sh0rt-black-now" }),
        "POST /api/v1/auth/step-up" | "DELETE /api/v1/users/me" => json!({ "password": PASSWORD }),
        "PATCH /api/v1/users/me" | "PATCH /api/v1/users/{user_id}" => json!({ "first_name": "Ann" }),
        "PUT /api/v1/users/{user_id}" => {
            json!({ "first_name": "Ann", "last_name": "Bean", "is_active": true, "is_verified": true })
        }
        "PATCH /api/v1/users/{user_id}/role" | "PUT /api/v1/users/{user_id}/role" => json!({ "role": "admin" }),
        _ => Value::Null,
    }
}

/// Ann requests a change of address.
async fn want(app: &TestApp, ann: &Member) {
    assert_eq!(app.request_email(ann, NEW).await.status, 202);
}

/// The path with Ann as the user and another session of hers as the session.
async fn path(app: &TestApp, path: &str, ann: &Member) -> String {
    if !path.contains("{session_id}") {
        return path.replace("{user_id}", &ann.id).replace("{asset}", "page.css");
    }
    app.log_in(ANN).await;
    let sessions = app.get("/users/me/sessions").bearer(&ann.access).send().await.json;
    let other = sessions.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    path.replace("{session_id}", other["id"].as_str().unwrap())
}

/// A call of this route by Ann or, for others' records, by an administrator; for `$default` a call of a path that does not exist.
pub(crate) async fn errand<'a>(app: &'a TestApp, route: &str) -> Call<'a> {
    let admin = app.admin("admin@example.com").await;
    let ann = app.member(ANN).await;
    let (method, template) = route.split_once(' ').unwrap_or(("GET", "/api/v1/nowhere"));
    let (body, path) = (body(app, route, &ann).await, path(app, template, &ann).await);
    let others = template.starts_with("/api/v1/users") && !template.starts_with("/api/v1/users/me");
    let call = app.call(method.parse::<Method>().unwrap(), &path);
    let call = call.bearer(if others { &admin.access } else { &ann.access });
    if body.is_null() { call } else { call.json(body) }
}
