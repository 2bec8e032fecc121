//! `POST /auth/login`: a password for a pair of tokens (RFC 6749, 4.3, by its form).

use axum::Json;
use axum::extract::State;
use user_core::app::App;
use user_core::email::Email;
use user_core::error::Error;
use user_core::http::body::{Body, Fields, Form, JsonOrForm};
use user_core::login::Login;
use user_core::password::Password;
use user_core::session::{Origin, Session};
use user_core::token::TokenPair;

pub(crate) struct Credentials {
    /// `None` is what cannot be an address: nobody has it, and it takes as long to say so as for any other.
    email: Option<Email>,
    password: Password,
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

pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    JsonOrForm(credentials): JsonOrForm<Credentials>,
) -> Result<Json<TokenPair>, Error> {
    let now = app.clock.now();
    let login = match &credentials.email {
        Some(email) => app.store.read_login(&email.key()).await?.filter(|login| !login.is_expired(now)),
        None => None,
    };
    let stored = login.as_ref().map(|login| login.password_hash.as_str());
    let proven = app.hasher.verify(credentials.password.clone(), stored).await?;
    let (Some(email), Some(login), true) = (credentials.email, login, proven) else {
        return Err(Error::InvalidCredentials);
    };
    login.admit()?;
    if app.hasher.outdated(&login.password_hash) {
        rehash(&app, &email, &login, credentials.password).await;
    }
    let now = app.clock.now();
    let session = Session::begin(&login, origin, now, app.config.refresh_token_seconds())?;
    app.store.create_session(&session).await?;
    Ok(Json(app.tokens.pair(&session, login.role)?))
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
