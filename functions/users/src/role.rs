//! `PATCH` and `PUT /users/{user_id}/role`.

use std::str::FromStr;

use axum::extract::{Path, State};
use axum::response::Response;
use user_core::access::{Action, permit};
use user_core::app::App;
use user_core::error::Error;
use user_core::http::body::{Body, Fields, Json};
use user_core::http::extract::{Caller, IfMatch};
use user_core::id::UserId;
use user_core::user::{Edit, Role};

use crate::update::change;

pub(crate) struct NewRole(Role);

impl Body for NewRole {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.text("role", Role::from_str).map(Self)
    }
}

pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Json(NewRole(role)): Json<NewRole>,
) -> Result<Response, Error> {
    permit(&caller.user, Action::ChangeRole)?;
    change(&app, caller, id, &if_match, &Edit { role: Some(role), ..Edit::default() }).await
}
