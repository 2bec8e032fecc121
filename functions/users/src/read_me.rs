//! `GET /users/me`.

use user_app::caller::Caller;

use crate::change::Shown;

/// See yourself
///
/// The signed-in user, as the record stands now.
#[utoipa::path(
    get,
    path = "/api/v1/users/me",
    operation_id = "readMe",
    tag = "Me",
    responses(Shown),
    extensions(("x-problems" = json!(["unauthenticated"]))),
)]
pub(crate) async fn handle(caller: Caller) -> Shown {
    Shown(caller.principal.user)
}
