//! `POST /auth/login`: a password for a pair of tokens (RFC 6749, 4.3, by its form).

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures::future::{join, try_join};
use tokio::time::Instant;
use user_app::App;
use user_app::limits::Limits;
use user_core::email::Email;
use user_core::event::{Actor, By, Event, EventName};
use user_core::login::Login;
use user_core::password::Password;
use user_core::session::{Origin, Session};
use user_core::token::TokenPair;
use user_web::body::{Body, Fields, Form, JsonOrForm};
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::fields;
use crate::prove::note;
use crate::sign_in::login_by_password;

/// An address and its password.
#[derive(ToSchema)]
pub(crate) struct Credentials {
    /// The account's address.
    // `None` is what cannot be an address: nobody has it, and it takes as long to say so as for any other.
    #[schema(value_type = String, example = "ann@example.com")]
    email: Option<Email>,
    #[schema(schema_with = fields::password)]
    password: Password,
}

/// The same as a form of RFC 6749's password grant.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a description only: the form is read as `Credentials`")]
struct CredentialsForm {
    /// The account's address.
    #[schema(example = "ann@example.com")]
    username: String,
    #[schema(schema_with = fields::password)]
    password: String,
}

impl Body for Credentials {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.text("email", |text| Ok(Email::known(text).ok()));
        let password = fields.text("password", |text| Ok(Password::typed(text)));
        Some(Self { email: email?, password: password? })
    }
}

impl Form for Credentials {
    fn rename(field: &str) -> Option<&'static str> {
        match field {
            "username" => Some("email"),
            "password" => Some("password"),
            _ => None,
        }
    }
}

/// Sign in
///
/// An address and its password for a pair of tokens. The form is that of OAuth 2.0's password grant (RFC 6749, 4.3), as the "Authorize"
/// button of Swagger UI sends it; fields of the form that are not listed are dropped.
///
/// A session ends `SESSION_MAX_DAYS` (90) after its sign-in, whatever is refreshed. A user has at most 50: one more ends the one that was
/// unused longest.
///
/// An unknown address and a wrong password are answered alike. They take as long, too, as long as all passwords are hashed in the way that
/// new ones are: an imported hash, or one of former settings, can be told by its time until its owner signs in, unless the operator sets
/// `FAILED_SIGN_IN_MIN_MS`. After more than ten wrong passwords in a row from a network (an IPv4 address, an IPv6 /64) the next try from
/// there has to wait, longer each time; after more than a hundred from everywhere also from networks that the account is not signed in
/// from. With `SIGNUP_ENUMERATION` private, the right password of an account that never proved its address is answered like a wrong one,
/// and its owner gets another verification email.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login",
    operation_id = "logIn",
    tag = "Sessions",
    request_body(content((Credentials = "application/json"), (CredentialsForm = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "A new session.", body = TokenPair)),
    extensions(("x-problems" = json!(["invalid-credentials", "email-not-verified", "account-disabled", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    RequestOrigin(origin): RequestOrigin,
    JsonOrForm(credentials): JsonOrForm<Credentials>,
) -> Result<Json<TokenPair>, Problem> {
    let begun = Instant::now();
    let outcome = begin(&app, &limits, origin, credentials).await;
    if matches!(outcome, Err(Problem::InvalidCredentials)) {
        tokio::time::sleep_until(begun + Duration::from_millis(app.config.failed_sign_in_min_ms)).await;
    }
    outcome.map(Json)
}

async fn begin(app: &App, limits: &Limits, origin: Origin, credentials: Credentials) -> Result<TokenPair, Problem> {
    limits.auth().await?;
    let Credentials { email, password } = credentials;
    let Some(email) = email else {
        app.hasher.verify(password, None).await?;
        return Err(Problem::InvalidCredentials);
    };
    let login = Box::pin(login_by_password(app, limits, &origin, &email, password.clone())).await?;
    let now = app.clock.now();
    let proof = match login.admit(now) {
        Ok(proof) => proof,
        Err(refusal) => {
            note(app, Some(&login.user_id), &By::request(Actor::Anonymous, &origin, &app.clock)).await;
            return Err(refusal.into());
        }
    };
    if app.hasher.outdated(&login.password_hash) {
        rehash(app, &email, &login, password).await;
    }
    let by = By::request(Actor::User(login.user_id.clone()), &origin, &app.clock);
    let event = Event::new(EventName::SignedIn, &login.user_id, &by)?;
    let session = Session::begin(proof, origin, app.config.refresh_token_seconds())?;
    let session = session.within(app.config.session_max_seconds());
    // Nobody has the session's tokens before the event is written, too.
    let written = try_join(app.store.create_session(&session, now), app.store.note_event(&event));
    let (_, written) = Box::pin(join(app.newest_keyring(), written)).await;
    written?;
    Ok(app.keyring()?.tokens.pair(&session, login.role)?)
}

/// Keeps the password under today's parameters. The old hash stays valid when this fails.
async fn rehash(app: &App, email: &Email, login: &Login, password: Password) {
    let outcome = async {
        let hash = app.hasher.hash(password).await?;
        app.store.rehash(&email.key(), &login.user_id, &login.password_hash, &hash).await
    };
    if let Err(error) = outcome.await {
        tracing::warn!(user.id = %login.user_id, error.cause = %error, "a password was not rehashed");
    }
}
