//! `PATCH /users/{user_id}` (RFC 7396).

use axum::extract::State;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_core::id::UserId;
use user_core::user::{Edit, described_first_name, described_last_name, name};
use user_web::body::{Body, Fields, Json};
use user_web::extract::{IfMatch, Path};
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::OfUser;
use crate::change::{Shown, change};

/// What to change of a user.
#[derive(ToSchema)]
#[schema(as = UserPatch)]
pub(crate) struct Patch {
    #[schema(schema_with = described_first_name)]
    first_name: Option<Option<String>>,
    #[schema(schema_with = described_last_name)]
    last_name: Option<Option<String>>,
    /// Whether the account may be used; an administrator's to change.
    #[schema(value_type = bool, required = false)]
    is_active: Option<bool>,
    /// Whether the address counts as proven; an administrator's to change.
    #[schema(value_type = bool, required = false)]
    is_verified: Option<bool>,
}

impl From<Patch> for Edit {
    fn from(patch: Patch) -> Self {
        let Patch { first_name, last_name, is_active, is_verified } = patch;
        Self { first_name, last_name, is_active, is_verified, role: None }
    }
}

impl Body for Patch {
    fn read(fields: &mut Fields) -> Option<Self> {
        let first_name = fields.optional_text("first_name", name);
        let last_name = fields.optional_text("last_name", name);
        let is_active = fields.optional_flag("is_active");
        let is_verified = fields.optional_flag("is_verified");
        Some(Self {
            first_name: first_name?.change(),
            last_name: last_name?.change(),
            is_active: is_active?,
            is_verified: is_verified?,
        })
    }
}

/// Change a user
///
/// As a merge (RFC 7396): what is not there stays, `null` takes a name away. Users change their own names; administrators everybody's
/// names and flags. Who is switched off or no longer verified is signed out at once; the last administrator who can sign in is neither.
#[utoipa::path(
    patch,
    path = "/api/v1/users/{user_id}",
    operation_id = "changeUser",
    tag = "Users",
    params(OfUser, IfMatch),
    request_body(content = Patch, example = json!({ "first_name": "Ann", "last_name": null })),
    responses(Shown),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "last-admin", "stale"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(OfUser { user_id: id }): Path<OfUser>,
    if_match: IfMatch,
    Json(request): Json<Patch>,
) -> Result<Shown, Problem> {
    merge(&app, caller, id, &if_match, request).await
}

/// Applies `request` to the user `id`, as far as the caller may.
pub(crate) async fn merge<C>(
    app: &App,
    caller: Caller<C>,
    id: UserId,
    if_match: &IfMatch,
    request: Patch,
) -> Result<Shown, Problem> {
    let edit = Edit::from(request);
    permit(&caller.principal, Action::Rename(&id))?;
    if edit.is_active.is_some() || edit.is_verified.is_some() {
        permit(&caller.principal, Action::Flag)?;
    }
    change(app, caller, id, if_match, &edit).await
}
