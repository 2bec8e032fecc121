//! `POST /auth/login`: a password for a pair of tokens (RFC 6749, 4.3, by its form).

use axum::Json;
use axum::extract::State;
use futures::future::{join, join3, try_join};
use user_core::app::App;
use user_core::clock::Timestamp;
use user_core::email::Email;
use user_core::error::Error;
use user_core::event::{Actor, By, Event, Name};
use user_core::http::body::{Body, Fields, Form, JsonOrForm};
use user_core::http::limits::Limits;
use user_core::id::{LetterId, UserId};
use user_core::letter::{Kind, Letter};
use user_core::limit::{Class, Standing, wait_after};
use user_core::login::Login;
use user_core::password::Password;
use user_core::session::{Origin, Session};
use user_core::store::limit::Failures;
use user_core::token::TokenPair;
use utoipa::ToSchema;

/// An address and its password.
#[derive(ToSchema)]
pub(crate) struct Credentials {
    /// The account's address.
    // `None` is what cannot be an address: nobody has it, and it takes as long to say so as for any other.
    #[schema(value_type = String, example = "ann@example.com")]
    email: Option<Email>,
    /// The account's password.
    #[schema(value_type = String, format = Password, example = "Flat-Wh1te-please")]
    password: Password,
}

/// The same as a form of RFC 6749's password grant.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a description only: the form is read as `Credentials`")]
struct CredentialsForm {
    /// The account's address.
    #[schema(example = "ann@example.com")]
    username: String,
    /// The account's password.
    #[schema(format = Password, example = "Flat-Wh1te-please")]
    password: String,
}

impl Body for Credentials {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.text("email", |text| Ok(Email::parse(text).ok()));
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
/// An unknown address and a wrong password are answered alike, and take as long. After ten wrong passwords in a row whoever comes from an
/// address that the account is not signed in from has to wait, longer each time.
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
    origin: Origin,
    JsonOrForm(credentials): JsonOrForm<Credentials>,
) -> Result<Json<TokenPair>, Error> {
    let now = app.clock.now();
    let key = credentials.email.as_ref().map(Email::key);
    let read = async {
        let Some(key) = &key else { return (Ok(()), Ok((None, None))) };
        join(limits.auth_account(key.as_str()), app.store.read_sign_in(key)).await
    };
    let (source, (account, read)) = join(limits.auth_source(), read).await;
    source?;
    let (login, failures) = read?;
    let login = login.filter(|login| !login.is_expired(now));
    let refusal = account.err().or_else(|| back_off(&app, failures, now));
    if let Some(refusal) = refusal
        && !is_at_home(&app, login.as_ref(), &origin, now).await?
    {
        return Err(refusal);
    }

    let stored = login.as_ref().map(|login| login.password_hash.as_str());
    let proven = app.hasher.verify(credentials.password.clone(), stored).await?;
    let (Some(email), Some(login), true) = (&credentials.email, login.as_ref(), proven) else {
        if let (Some(key), Some(email)) = (&key, &credentials.email) {
            let invited = invite(&app, email, login.as_ref(), &origin);
            let noted = note_failure(&app, login.as_ref(), &origin);
            Box::pin(join3(noted, invited, app.store.count_failure(key, now))).await.2?;
        }
        return Err(Error::InvalidCredentials);
    };
    if failures.is_some() {
        app.store.forget_failures(&email.key()).await?;
    }
    if let Err(refusal) = login.admit() {
        note_failure(&app, Some(login), &origin).await;
        return Err(refusal);
    }
    if app.hasher.outdated(&login.password_hash) {
        rehash(&app, email, login, credentials.password).await;
    }
    let by = By::request(Actor::User(login.user_id.clone()), &origin, &app.clock);
    let event = Event::new(Name::SignedIn, &login.user_id, &by)?;
    let now = app.clock.now();
    let session = Session::begin(login, origin, now, app.config.refresh_token_seconds())?;
    let session = session.within(app.config.session_max_seconds());
    // Nobody has the session's tokens before the event is written, too.
    let written = try_join(app.store.create_session(&session, now), app.store.note_event(&event));
    let (keyring, written) = Box::pin(join(app.newest_keyring(), written)).await;
    written?;
    Ok(Json(keyring.tokens.pair(&session, login.role)?))
}

/// Notes that a login was refused, as well as it goes. For an address that nobody has it takes as long.
async fn note_failure(app: &App, login: Option<&Login>, origin: &Origin) {
    let nobody = UserId::of("");
    let outcome = async {
        let user = login.map_or(&nobody, |login| &login.user_id);
        let event = Event::new(Name::SignInFailed, user, &By::request(Actor::Anonymous, origin, &app.clock))?;
        if login.is_some() { app.store.note_event(&event).await } else { app.store.note_nothing(&event).await }
    };
    if let Err(error) = outcome.await {
        tracing::warn!(request.id = origin.request_id, error.cause = %error, "a failed login was not noted");
    }
}

/// Has an account that came without a password get a letter to choose one, at most one a day; the answer tells nothing of it. The
/// write goes beside the others of a refused login, so that it takes no longer.
async fn invite(app: &App, email: &Email, login: Option<&Login>, origin: &Origin) {
    let Some(login) = login.filter(|login| !login.has_password()) else { return };
    let outcome = async {
        let (by, now) = (By::request(Actor::Anonymous, origin, &app.clock), app.clock.now());
        let letter = Letter::new(Kind::ResetPassword, email.clone(), None, &by, now)?;
        let id = LetterId::once(&format!("day-{}-{}", now.0.div_euclid(86_400), login.user_id));
        app.store.create_letter_once(&Letter { id, ..letter }).await
    };
    if let Err(error) = outcome.await {
        tracing::warn!(user.id = %login.user_id, error.cause = %error, "a letter to choose a password was not written");
    }
}

/// After many wrong passwords in a row the next try has to wait.
fn back_off(app: &App, failures: Option<Failures>, now: Timestamp) -> Option<Error> {
    let Failures { count, last_at } = failures?;
    let seconds = last_at.plus(wait_after(count, app.limiter.free_failures())).since(now);
    let standing = Standing { class: Class::Auth, limit: 1, remaining: 0, seconds, admitted: false };
    (seconds > 0).then_some(Error::Throttled(standing))
}

/// Whether the account is signed in from where this request comes from. Whoever is at home is held up by nothing that strangers can
/// bring about: neither the account's limit nor its back-off shuts an owner out.
async fn is_at_home(app: &App, login: Option<&Login>, origin: &Origin, now: Timestamp) -> Result<bool, Error> {
    let Some(login) = login else { return Ok(false) };
    let sessions = app.store.list_sessions(&login.user_id).await?;
    Ok(sessions.iter().any(|session| session.ip == origin.ip && !session.is_expired(now)))
}

/// Keeps the password under today's parameters. The old hash stays good when this fails.
async fn rehash(app: &App, email: &Email, login: &Login, password: Password) {
    let outcome = async {
        let hash = app.hasher.hash(password).await?;
        app.store.rehash(&email.key(), &login.user_id, &login.password_hash, &hash).await
    };
    if let Err(error) = outcome.await {
        tracing::warn!(user.id = %login.user_id, error.cause = %error, "a password was not rehashed");
    }
}
