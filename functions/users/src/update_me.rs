//! `PATCH /users/me`.

use axum::extract::State;
use user_app::App;
use user_app::caller::Caller;
use user_web::body::Json;
use user_web::extract::IfMatch;
use user_web::problem::Problem;

use crate::change::Shown;
use crate::update::{Patch, merge};

/// Change your names
///
/// As a merge (RFC 7396): what is not there stays, `null` takes a name away. The flags are an administrator's to change, here too.
#[utoipa::path(
    patch,
    path = "/api/v1/users/me",
    operation_id = "changeMe",
    tag = "Me",
    params(IfMatch),
    request_body(content = Patch, example = json!({ "first_name": "Ann", "last_name": null })),
    responses(Shown),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "last-admin", "stale"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    if_match: IfMatch,
    Json(request): Json<Patch>,
) -> Result<Shown, Problem> {
    let id = caller.principal.user.id.clone();
    merge(&app, caller, id, &if_match, request).await
}
