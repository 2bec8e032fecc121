//! `DELETE /users/me`: the caller's own account.

use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::caller::Caller;
use user_app::limits::Limits;
use user_core::password::Password;
use user_web::body::{Body, Fields, Json};
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::fields;
use crate::prove::prove_unless_fresh;

/// What proves that the owner wants it.
#[derive(ToSchema)]
pub(crate) struct Deletion {
    #[schema(schema_with = fields::password_unless_fresh, required = false)]
    password: Option<Password>,
}

impl Body for Deletion {
    fn read(fields: &mut Fields) -> Option<Self> {
        let password = fields.optional_text("password", |text| Ok(Some(Password::typed(text))));
        Some(Self { password: password?.value() })
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
    request_body = Option<Deletion>,
    responses((status = 204, description = "The account is gone.")),
    extensions(("x-problems" = json!(["unauthenticated", "step-up-required", "invalid-credentials", "not-found", "last-admin"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    limits: Limits,
    deletion: Option<Json<Deletion>>,
) -> Result<StatusCode, Problem> {
    let password = deletion.and_then(|Json(deletion)| deletion.password);
    prove_unless_fresh(&app, &limits, &caller, password).await?;
    // A password that changed meanwhile began a new epoch; what was proven does not count any more.
    let decide = |epoch| if epoch == caller.principal.session.epoch { Ok(()) } else { Err(Problem::Unauthenticated) };
    app.store.remove_user(&caller.principal.user.id, &caller.by(&app), |user| decide(user.epoch)).await?;
    Ok(StatusCode::NO_CONTENT)
}
