//! `PATCH` and `PUT /users/{user_id}/role`.

use std::str::FromStr;

use axum::extract::{Path, State};
use axum::response::Response;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_core::id::UserId;
use user_core::user::{Edit, Role, UserView};
use user_web::body::{Body, Fields, Json};
use user_web::extract::IfMatch;
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::update::change;

/// A role.
#[derive(ToSchema)]
pub(crate) struct NewRole {
    /// In any letter case.
    role: Role,
}

impl Body for NewRole {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.text("role", Role::from_str).map(|role| Self { role })
    }
}

/// Change a role
///
/// For administrators. The user's next request has the new role, with the old token in hand. The last administrator who can sign in keeps
/// the role.
#[utoipa::path(
    method(patch, put),
    path = "/api/v1/users/{user_id}/role",
    operation_id = "changeRole",
    tag = "Users",
    params(("user_id" = String, Path, description = "The user's id", example = "0193a5b2-7c1e-7d4a-9f3b-2a6c8e0d4f51"), ("if-match" = Option<String>, Header, description = "The `ETag` that the record must still have", example = "\"3\"")),
    request_body = NewRole,
    responses((status = 200, description = "The user with the new role.", body = UserView, headers(("etag" = String, description = "The version of the record, for `If-Match`")))),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "last-admin", "stale"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Json(NewRole { role }): Json<NewRole>,
) -> Result<Response, Problem> {
    permit(&caller.principal, Action::ChangeRole)?;
    change(&app, caller, id, &if_match, &Edit { role: Some(role), ..Edit::default() }).await
}
