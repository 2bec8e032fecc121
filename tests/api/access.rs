//! The permissions of callers: every route of the template, called by every kind of caller. A route without a row fails.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use template::Template;
use user_core::access::FRESH_SECONDS;

use crate::forgeries::Forge;
use crate::support::{PASSWORD, TestApp};

/// Callers, in the order of the columns below. The path's `{user_id}` is the owner's.
const CALLERS: [&str; 12] = [
    "anonymous",
    "garbage",
    "expired",
    "other user",
    "owner",
    "disabled owner",
    "admin",
    "demoted admin",
    "owner long after signing in",
    "owner by a token of another audience",
    "admin by a token for the own account",
    "admin by a token for all users",
];

const OPEN: [u16; 12] = [0; 12];

/// Open to anybody, like the corresponding `GET`.
const HEADS: [&str; 10] = [
    "HEAD /.well-known/jwks.json",
    "HEAD /.well-known/openid-configuration",
    "HEAD /openapi.json",
    "HEAD /docs",
    "HEAD /docs/{asset}",
    "HEAD /redoc",
    "HEAD /api/v1/health",
    "HEAD /api/v1/health/db",
    "HEAD /api/v1/health/cache",
    "HEAD /api/v1/health/full",
];

/// Route, body, statuses by caller; 0 stands for any status, as long as it is the same for all.
type Row = (&'static str, Value, [u16; 12]);

/// Sensitive calls, each with the password and without it.
fn sensitive() -> [Row; 6] {
    let passwords = json!({ "current_password": PASSWORD, "new_password": "Sh0rt-black-now" });
    let request = json!({ "new_email": "new@example.com", "password": PASSWORD });
    let gone = [401, 401, 401, 204, 204, 401, 204, 204, 204, 401, 204, 403];
    let gone_if_fresh = [401, 401, 401, 204, 204, 401, 204, 204, 401, 401, 204, 403];
    [
        ("POST /api/v1/users/me/email", request, gone.map(asked)),
        ("POST /api/v1/users/me/email", json!({ "new_email": "new@example.com" }), gone_if_fresh.map(asked)),
        ("DELETE /api/v1/users/me", json!({ "password": PASSWORD }), gone),
        ("DELETE /api/v1/users/me", Value::Null, gone_if_fresh),
        ("PUT /api/v1/users/me/password", passwords, gone),
        ("PUT /api/v1/users/me/password", json!({ "new_password": "Sh0rt-black-now" }), gone_if_fresh),
    ]
}

/// A change of address is only asked for.
fn asked(status: u16) -> u16 {
    if status == 204 { 202 } else { status }
}

fn table() -> Vec<Row> {
    let record = json!({ "first_name": "A", "last_name": null, "is_active": true, "is_verified": true });
    let own_gone = [401, 401, 401, 204, 204, 401, 204, 204, 204, 401, 204, 403];
    let own = [401, 401, 401, 200, 200, 401, 200, 200, 200, 401, 200, 403];
    let owner_or_admin = [401, 401, 401, 403, 200, 401, 200, 403, 200, 401, 403, 200];
    let admin = [401, 401, 401, 403, 403, 401, 200, 403, 403, 401, 403, 200];
    let admin_deletes = [401, 401, 401, 403, 403, 401, 204, 403, 403, 401, 403, 204];
    let rows = vec![
        ("POST /api/v1/auth/signup", json!({}), OPEN),
        ("POST /api/v1/auth/verify", json!({}), OPEN),
        ("POST /api/v1/auth/resend-verification", json!({}), OPEN),
        ("POST /api/v1/auth/login", json!({}), OPEN),
        ("POST /api/v1/auth/refresh", json!({}), OPEN),
        ("POST /api/v1/auth/step-up", json!({ "password": PASSWORD }), own),
        ("POST /api/v1/auth/logout", json!({}), OPEN),
        ("POST /api/v1/auth/logout-all", Value::Null, own_gone),
        ("POST /api/v1/auth/forgot-password", json!({}), OPEN),
        ("POST /api/v1/auth/reset-password", json!({}), OPEN),
        ("GET /.well-known/jwks.json", Value::Null, OPEN),
        ("GET /.well-known/openid-configuration", Value::Null, OPEN),
        ("GET /metrics", Value::Null, OPEN),
        ("GET /openapi.json", Value::Null, OPEN),
        ("GET /docs", Value::Null, OPEN),
        ("GET /docs/{asset}", Value::Null, OPEN),
        ("GET /redoc", Value::Null, OPEN),
        ("GET /api/v1/health", Value::Null, OPEN),
        ("GET /api/v1/health/db", Value::Null, OPEN),
        ("GET /api/v1/health/cache", Value::Null, OPEN),
        ("GET /api/v1/health/full", Value::Null, OPEN),
        ("$default", Value::Null, [404; 12]),
        ("GET /api/v1/me", Value::Null, own),
        ("GET /api/v1/users/me", Value::Null, own),
        ("PATCH /api/v1/users/me", json!({ "first_name": "A" }), own),
        ("POST /api/v1/auth/confirm-email", json!({}), [422, 401, 401, 422, 422, 401, 422, 422, 422, 401, 422, 403]),
        ("POST /api/v1/auth/revert-email", json!({}), OPEN),
        ("GET /api/v1/users/me/sessions", Value::Null, own),
        (
            "DELETE /api/v1/users/me/sessions/{session_id}",
            Value::Null,
            [401, 401, 401, 404, 404, 401, 404, 404, 404, 401, 404, 403],
        ),
        ("GET /api/v1/users", Value::Null, admin),
        ("GET /api/v1/users/{user_id}", Value::Null, owner_or_admin),
        ("PATCH /api/v1/users/{user_id}", json!({ "first_name": "A" }), owner_or_admin),
        ("PUT /api/v1/users/{user_id}", record, admin),
        ("DELETE /api/v1/users/{user_id}", Value::Null, admin_deletes),
        ("GET /api/v1/users/{user_id}/events", Value::Null, admin),
        ("GET /api/v1/users/{user_id}/sessions", Value::Null, admin),
        ("DELETE /api/v1/users/{user_id}/sessions", Value::Null, admin_deletes),
        ("PATCH /api/v1/users/{user_id}/role", json!({ "role": "user" }), admin),
        ("PUT /api/v1/users/{user_id}/role", json!({ "role": "user" }), admin),
    ];
    rows.into_iter().chain(sensitive()).chain(HEADS.map(|route| (route, Value::Null, OPEN))).collect()
}

#[test]
fn the_table_has_a_row_for_every_route_and_no_other() {
    let template = Template::evaluate(|_| None).unwrap();
    let routes: BTreeSet<_> = template.routes().map(|(_, route)| route.key()).collect();
    let rows: BTreeSet<_> = table().into_iter().map(|(route, ..)| route.to_owned()).collect();
    assert_eq!(rows, routes);
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    // A call that only reads leaves the service unchanged for the next call.
    let mut readers = Vec::new();
    for caller in CALLERS {
        readers.push(Visit::of(caller).await);
    }
    for (route, body, expected) in table() {
        let reads = route.starts_with("GET ") || route.starts_with("HEAD ");
        let mut seen = Vec::new();
        for (caller, reader) in CALLERS.into_iter().zip(&readers) {
            let status = if reads {
                reader.status(route, &body).await
            } else {
                Visit::of(caller).await.status(route, &body).await
            };
            seen.push(status);
        }
        if expected == OPEN {
            assert!(
                seen.iter().all(|status| *status == seen[0] && *status != 401 && *status != 404),
                "{route} {seen:?}"
            );
        } else {
            assert_eq!(seen, expected, "{route} by {CALLERS:?}");
        }
    }
}

/// The path with a value for each of its parameters.
fn filled(path: &str, owner: &str) -> String {
    path.replace("{user_id}", owner).replace("{asset}", "swagger.js")
}

/// A service with some users, one of whom owns the called record, and the caller's token.
struct Visit {
    app: TestApp,
    owner: String,
    token: Option<String>,
}

impl Visit {
    async fn of(caller: &str) -> Self {
        let app = TestApp::open();
        let admin = app.admin("admin@example.com").await;
        app.admin("third@example.com").await;
        let owner = app.member("ann@example.com").await;
        let token = match caller {
            "anonymous" => None,
            "garbage" => Some("a.b.c".to_owned()),
            "expired" => {
                app.clock.advance(1_800);
                Some(owner.access.clone())
            }
            "other user" => Some(app.member("bob@example.com").await.access),
            "owner" => Some(owner.access.clone()),
            "disabled owner" => {
                let path = format!("/users/{}", owner.id);
                app.patch(&path).bearer(&admin.access).json(json!({ "is_active": false })).send().await;
                Some(owner.access.clone())
            }
            "admin" => Some(admin.access.clone()),
            "owner long after signing in" => {
                app.clock.advance(FRESH_SECONDS + 1);
                Some(owner.access.clone())
            }
            "owner by a token of another audience" => {
                Some(Forge::new(&app, &owner).await.with_claim("aud", json!("https://orders.example")))
            }
            "admin by a token for the own account" => {
                Some(Forge::new(&app, &admin).await.with_claim("scope", json!("openid account")))
            }
            "admin by a token for all users" => {
                Some(Forge::new(&app, &admin).await.with_claim("scope", json!("users openid")))
            }
            _ => {
                let second = app.admin("second@example.com").await;
                let path = format!("/users/{}/role", second.id);
                app.put(&path).bearer(&admin.access).json(json!({ "role": "user" })).send().await;
                Some(second.access)
            }
        };
        Self { app, owner: owner.id, token }
    }

    async fn status(&self, route: &str, body: &Value) -> u16 {
        let (method, path) = route.split_once(' ').unwrap_or(("GET", "/api/v1/nowhere"));
        let mut call = self.app.call(method.parse::<Method>().unwrap(), &filled(path, &self.owner));
        if let Some(token) = &self.token {
            call = call.bearer(token);
        }
        if !body.is_null() {
            call = call.json(body.clone());
        }
        let answer = call.send().await;
        if answer.status.as_u16() >= 400 {
            answer.problem();
        }
        answer.status.as_u16()
    }
}
