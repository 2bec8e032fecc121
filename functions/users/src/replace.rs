//! `PUT /users/{user_id}`.

use axum::extract::State;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_core::user::{Edit, described_first_name, described_last_name, name};
use user_web::body::{Body, Fields, Json};
use user_web::extract::{IfMatch, Path};
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::OfUser;
use crate::change::{Shown, change};

/// All that can be edited of a user.
#[derive(ToSchema)]
#[schema(as = UserRecord)]
pub(crate) struct Record {
    #[schema(schema_with = described_first_name, required)]
    first_name: Option<String>,
    #[schema(schema_with = described_last_name, required)]
    last_name: Option<String>,
    /// Whether the account may be used.
    #[schema(example = true)]
    is_active: bool,
    /// Whether the address counts as proven.
    #[schema(example = true)]
    is_verified: bool,
}

impl From<Record> for Edit {
    fn from(record: Record) -> Self {
        Self {
            first_name: Some(record.first_name),
            last_name: Some(record.last_name),
            is_active: Some(record.is_active),
            is_verified: Some(record.is_verified),
            role: None,
        }
    }
}

impl Body for Record {
    fn read(fields: &mut Fields) -> Option<Self> {
        let first_name = fields.nullable_text("first_name", name);
        let last_name = fields.nullable_text("last_name", name);
        let is_active = fields.flag("is_active");
        let is_verified = fields.flag("is_verified");
        Some(Self { first_name: first_name?, last_name: last_name?, is_active: is_active?, is_verified: is_verified? })
    }
}

/// Replace a user's record
///
/// The whole editable record; for administrators.
#[utoipa::path(
    put,
    path = "/api/v1/users/{user_id}",
    operation_id = "replaceUser",
    tag = "Users",
    params(OfUser, IfMatch),
    request_body = Record,
    responses(Shown),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "last-admin", "stale"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(OfUser { user_id: id }): Path<OfUser>,
    if_match: IfMatch,
    Json(record): Json<Record>,
) -> Result<Shown, Problem> {
    permit(&caller.principal, Action::Flag)?;
    change(&app, caller, id, &if_match, &record.into()).await
}
