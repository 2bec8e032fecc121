//! `PATCH` (RFC 7396) and `PUT` of users, and the one way in which any of their fields changes.

use axum::extract::{Path, State};
use axum::response::Response;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_core::id::UserId;
use user_core::user::{Edit, User, UserView, name};
use user_web::body::{Body, Fields, Json};
use user_web::extract::IfMatch;
use user_web::problem::Problem;
use utoipa::ToSchema;

/// What to change of a user.
#[derive(ToSchema)]
#[schema(as = UserPatch)]
pub(crate) struct Patch {
    /// Given name, by the rules of sign-up; `null` takes it away.
    #[schema(value_type = Option<String>, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$", example = "Ann")]
    first_name: Option<Option<String>>,
    /// Family name, by the rules of sign-up; `null` takes it away.
    #[schema(value_type = Option<String>, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$", example = "Bean")]
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

/// All that can be edited of a user.
#[derive(ToSchema)]
#[schema(as = UserRecord)]
pub(crate) struct Record {
    /// Given name, by the rules of sign-up.
    #[schema(
        required,
        max_length = 100,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$",
        example = "Ann"
    )]
    first_name: Option<String>,
    /// Family name, by the rules of sign-up.
    #[schema(
        required,
        max_length = 100,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$",
        example = "Bean"
    )]
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

/// Change your names
///
/// As a merge (RFC 7396): what is not there stays, `null` takes a name away. The flags are an administrator's to change, here too.
#[utoipa::path(
    patch,
    path = "/api/v1/users/me",
    operation_id = "changeMe",
    tag = "Me",
    params(("if-match" = Option<String>, Header, description = "The `ETag` that the record must still have", example = "\"3\"")),
    request_body(content = Patch, example = json!({ "first_name": "Ann", "last_name": null })),
    responses((status = 200, description = "The caller after the change.", body = UserView, headers(("etag" = String, description = "The version of the record, for `If-Match`")))),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "last-admin", "stale"]))),
)]
pub(crate) async fn patch_me(
    State(app): State<App>,
    caller: Caller,
    if_match: IfMatch,
    Json(request): Json<Patch>,
) -> Result<Response, Problem> {
    let id = caller.principal.user.id.clone();
    merge(&app, caller, id, &if_match, request).await
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
    params(("user_id" = String, Path, description = "The user's id", example = "0193a5b2-7c1e-7d4a-9f3b-2a6c8e0d4f51"), ("if-match" = Option<String>, Header, description = "The `ETag` that the record must still have", example = "\"3\"")),
    request_body(content = Patch, example = json!({ "first_name": "Ann", "last_name": null })),
    responses((status = 200, description = "The user after the change.", body = UserView, headers(("etag" = String, description = "The version of the record, for `If-Match`")))),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "last-admin", "stale"]))),
)]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Json(request): Json<Patch>,
) -> Result<Response, Problem> {
    merge(&app, caller, id, &if_match, request).await
}

async fn merge<C>(
    app: &App,
    caller: Caller<C>,
    id: UserId,
    if_match: &IfMatch,
    request: Patch,
) -> Result<Response, Problem> {
    let edit = Edit::from(request);
    permit(&caller.principal, Action::Rename(&id))?;
    if edit.is_active.is_some() || edit.is_verified.is_some() {
        permit(&caller.principal, Action::Flag)?;
    }
    change(app, caller, id, if_match, &edit).await
}

/// Replace a user's record
///
/// The whole editable record; for administrators.
#[utoipa::path(
    put,
    path = "/api/v1/users/{user_id}",
    operation_id = "replaceUser",
    tag = "Users",
    params(("user_id" = String, Path, description = "The user's id", example = "0193a5b2-7c1e-7d4a-9f3b-2a6c8e0d4f51"), ("if-match" = Option<String>, Header, description = "The `ETag` that the record must still have", example = "\"3\"")),
    request_body = Record,
    responses((status = 200, description = "The user after the change.", body = UserView, headers(("etag" = String, description = "The version of the record, for `If-Match`")))),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "last-admin", "stale"]))),
)]
pub(crate) async fn replace(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Json(record): Json<Record>,
) -> Result<Response, Problem> {
    permit(&caller.principal, Action::Flag)?;
    change(&app, caller, id, &if_match, &record.into()).await
}

/// Applies `edit` to the user `id` and shows the outcome.
pub(crate) async fn change<C>(
    app: &App,
    caller: Caller<C>,
    id: UserId,
    if_match: &IfMatch,
    edit: &Edit,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let by = caller.by(app);
    let known = (id == caller.principal.user.id).then_some(caller.principal.user);
    let decide = |user: &User| {
        crate::existing(user, now)?;
        if_match.check(user)?;
        Ok(user.edited(edit, now).into())
    };
    app.store.change_user(&id, known, &by, decide).await.map(crate::show)
}
