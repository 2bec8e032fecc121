//! `PUT /users/me/password`: a new password. This session goes on, the others end.

use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::caller::Caller;
use user_app::limits::Limits;
use user_core::message::{Message, MessageKind};
use user_core::password::Password;
use user_core::principal::Principal;
use user_core::user::User;
use user_store::user::Change;
use user_web::body::{Body, Fields, Json};
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::fields;
use crate::prove::prove_unless_fresh;

/// The current password and the next.
#[derive(ToSchema)]
#[schema(as = PasswordChange)]
pub(crate) struct Passwords {
    #[schema(rename = "current_password", schema_with = fields::password_unless_fresh, required = false)]
    current: Option<Password>,
    #[schema(rename = "new_password", schema_with = fields::new_password)]
    new: Password,
}

impl Body for Passwords {
    fn read(fields: &mut Fields) -> Option<Self> {
        let current = fields.optional_text("current_password", |text| Ok(Some(Password::typed(text))));
        let new = fields.text("new_password", |text| Ok(Password::typed(text)));
        Some(Self { current: current?.value(), new: new? })
    }
}

/// Change your password
///
/// This session goes on, the others end; the owner gets an email. For the rules of passwords see sign-up.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/password",
    operation_id = "changeMyPassword",
    tag = "Passwords",
    request_body = Passwords,
    responses((status = 204, description = "The password is changed.")),
    extensions(("x-problems" = json!(["unauthenticated", "step-up-required", "invalid-credentials", "not-found"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    limits: Limits,
    Json(request): Json<Passwords>,
) -> Result<StatusCode, Problem> {
    let by = caller.by(&app);
    prove_unless_fresh(&app, &limits, &caller, request.current).await?;
    let Principal { user, session, .. } = caller.principal;
    app.new_passwords.check("new_password", &request.new, &user).await?;
    let hash = app.hasher.hash(request.new).await?;
    let now = app.clock.now();
    let notice = Message::about(&user, MessageKind::PasswordChanged, user.email.clone(), &by, now)?;
    let decide = |user: &User| -> Result<Change, Problem> {
        // Another change of the password began a new epoch: the one proven above is not the current one any more.
        let change = Change::from(user.ending_sessions(session.epoch, now)?);
        Ok(Change {
            password_hash: Some(hash.clone()),
            messages: vec![notice.clone()],
            stays: Some(session.id.clone()),
            ..change
        })
    };
    app.store.change_user(&user.id, Some(user.clone()), &by, decide).await?;
    Ok(StatusCode::NO_CONTENT)
}
