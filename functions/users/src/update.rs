//! `PATCH` (RFC 7396) and `PUT` of users, and the one way in which any of their fields changes.

use axum::extract::{Path, State};
use axum::response::Response;
use user_core::access::{Action, permit};
use user_core::app::App;
use user_core::error::Error;
use user_core::http::body::{Body, Fields, Json};
use user_core::http::extract::{Caller, IfMatch};
use user_core::id::UserId;
use user_core::user::{Edit, User, name};

pub(crate) struct Patch(Edit);

impl Body for Patch {
    fn read(fields: &mut Fields) -> Option<Self> {
        let first_name = fields.optional_text("first_name", name);
        let last_name = fields.optional_text("last_name", name);
        let is_active = fields.optional_flag("is_active");
        let is_verified = fields.optional_flag("is_verified");
        Some(Self(Edit {
            first_name: first_name?,
            last_name: last_name?,
            is_active: is_active?,
            is_verified: is_verified?,
            role: None,
        }))
    }
}

pub(crate) struct Record(Edit);

impl Body for Record {
    fn read(fields: &mut Fields) -> Option<Self> {
        let first_name = fields.nullable_text("first_name", name);
        let last_name = fields.nullable_text("last_name", name);
        let is_active = fields.flag("is_active");
        let is_verified = fields.flag("is_verified");
        Some(Self(Edit {
            first_name: Some(first_name?),
            last_name: Some(last_name?),
            is_active: Some(is_active?),
            is_verified: Some(is_verified?),
            role: None,
        }))
    }
}

pub(crate) async fn patch_me(
    state: State<App>,
    caller: Caller,
    if_match: IfMatch,
    body: Json<Patch>,
) -> Result<Response, Error> {
    let id = caller.user.id.clone();
    patch(state, caller, Path(id), if_match, body).await
}

pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Json(Patch(edit)): Json<Patch>,
) -> Result<Response, Error> {
    permit(&caller.user, Action::Rename(&id))?;
    if edit.is_active.is_some() || edit.is_verified.is_some() {
        permit(&caller.user, Action::Flag)?;
    }
    change(&app, caller, id, &if_match, &edit).await
}

pub(crate) async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Json(Record(edit)): Json<Record>,
) -> Result<Response, Error> {
    permit(&caller.user, Action::Flag)?;
    change(&app, caller, id, &if_match, &edit).await
}

/// Applies `edit` to the user `id` and shows the outcome.
pub(crate) async fn change(
    app: &App,
    caller: Caller,
    id: UserId,
    if_match: &IfMatch,
    edit: &Edit,
) -> Result<Response, Error> {
    let now = app.clock.now();
    let by = caller.by(app);
    let known = (id == caller.user.id).then_some(caller.user);
    let decide = |user: &User| {
        crate::existing(user, now)?;
        if_match.check(user)?;
        Ok(user.edited(edit, now).into())
    };
    app.store.change_user(&id, known, &by, decide).await.map(crate::show)
}
