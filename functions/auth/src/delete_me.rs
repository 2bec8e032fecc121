//! `DELETE /users/me`: the caller's own account, for its password.

use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::caller::Caller;
use user_app::limits::Limits;
use user_core::password::Password;
use user_web::body::{Body, Fields, Json};
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::prove::prove;

/// What proves that the owner wants it.
#[derive(ToSchema)]
#[schema(as = Deletion)]
pub(crate) struct Proof {
    /// The account's password.
    #[schema(value_type = String, format = Password, example = "Flat-Wh1te-please")]
    password: Password,
}

impl Body for Proof {
    fn read(fields: &mut Fields) -> Option<Self> {
        let password = fields.text("password", |text| Ok(Password::typed(text)));
        Some(Self { password: password? })
    }
}

/// Delete your account
///
/// For good, with every session. The address is free again at once.
#[utoipa::path(
    delete,
    path = "/api/v1/users/me",
    operation_id = "deleteMe",
    tag = "Me",
    request_body = Proof,
    responses((status = 204, description = "The account is gone.")),
    extensions(("x-problems" = json!(["unauthenticated", "invalid-credentials", "not-found", "last-admin"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    limits: Limits,
    Json(proof): Json<Proof>,
) -> Result<StatusCode, Problem> {
    prove(&app, &limits, &caller, proof.password).await?;
    // A password that changed meanwhile began a new epoch; what was proven does not count any more.
    let decide = |epoch| if epoch == caller.session.epoch { Ok(()) } else { Err(Problem::Unauthenticated) };
    app.store.remove_user(&caller.user.id, &caller.by(&app), |user| decide(user.epoch)).await?;
    Ok(StatusCode::NO_CONTENT)
}
