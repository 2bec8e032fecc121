//! `DELETE /users/me`: the caller's own account, for its password.

use axum::extract::State;
use http::StatusCode;
use user_core::app::App;
use user_core::error::Error;
use user_core::http::body::{Body, Fields, Json};
use user_core::http::extract::Caller;
use user_core::http::limits::Limits;
use user_core::password::Password;

pub(crate) struct Proof {
    password: Password,
}

impl Body for Proof {
    fn read(fields: &mut Fields) -> Option<Self> {
        let password = fields.text("password", |text| Ok(Password::typed(text)));
        Some(Self { password: password? })
    }
}

pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    limits: Limits,
    Json(proof): Json<Proof>,
) -> Result<StatusCode, Error> {
    limits.auth(caller.user.email.key().as_str()).await?;
    crate::prove(&app, &caller.user, proof.password).await?;
    // A password that changed meanwhile began a new epoch; what was proven does not count any more.
    let decide = |epoch| if epoch == caller.session.epoch { Ok(()) } else { Err(Error::Unauthenticated) };
    app.store.remove_user(&caller.user.id, &caller.by(&app), |user| decide(user.epoch)).await?;
    Ok(StatusCode::NO_CONTENT)
}
