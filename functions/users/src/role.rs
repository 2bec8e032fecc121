//! `PATCH` and `PUT /users/{user_id}/role`.

use std::str::FromStr;

use axum::extract::State;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_core::user::{Edit, Role};
use user_web::body::{Body, Fields, Json};
use user_web::extract::{IfMatch, Path};
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::OfUser;
use crate::change::{Shown, change};

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
    params(OfUser, IfMatch),
    request_body = NewRole,
    responses(Shown),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "last-admin", "stale"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(OfUser { user_id: id }): Path<OfUser>,
    if_match: IfMatch,
    Json(NewRole { role }): Json<NewRole>,
) -> Result<Shown, Problem> {
    permit(&caller.principal, Action::ChangeRole)?;
    change(&app, caller, id, &if_match, &Edit { role: Some(role), ..Edit::default() }).await
}
