//! `POST /auth/signup`: a new user, its login and the email that proves the address, all or nothing.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::limits::Limits;
use user_config::Enumeration;
use user_core::email::Email;
use user_core::error::{Error, Unmet};
use user_core::event::{Actor, By};
use user_core::id::UserId;
use user_core::login::Login;
use user_core::message::{Message, MessageKind};
use user_core::password::Password;
use user_core::user::{self, User};
use user_web::body::{self, Body, Fields, MessageBody};
use user_web::extract::{AcceptLanguage, RequestOrigin};
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::fields;

/// A new account.
#[derive(ToSchema)]
pub(crate) struct SignUp {
    /// The address that the account is signed in with; two that differ in case only are one. ASCII without quotes before the @; the
    /// domain in any script, as it is written in lower or upper case, and not ending in a number.
    #[schema(value_type = String, format = "email", max_length = 254, example = "ann@example.com")]
    email: Email,
    #[schema(schema_with = fields::first_password)]
    password: Password,
    #[schema(schema_with = user::described_first_name)]
    first_name: Option<String>,
    #[schema(schema_with = user::described_last_name)]
    last_name: Option<String>,
}

impl Body for SignUp {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.text("email", Email::parse);
        let password = fields.text("password", |text| Ok(Password::typed(text)));
        let first_name = fields.optional_text("first_name", user::name);
        let last_name = fields.optional_text("last_name", user::name);
        Some(Self {
            email: email?,
            password: password?,
            first_name: first_name?.value(),
            last_name: last_name?.value(),
        })
    }
}

const MESSAGE: &str = "Welcome. Follow the link in the email we sent you.";

/// Sign up
///
/// Makes an account that waits for the proof of its address, and sends an email with a link to it, in the language of
/// `Accept-Language`. An account that nobody verified is gone after 48 hours, to the second.
///
/// The password is one of `PASSWORD_POLICY`: by default at least 15 characters of any kind, or 8 with upper case, lower case, a digit
/// and a special character; in all at most 128, none that is in common use and none that is easy to guess. Each broken rule has a code
/// of its own in `errors`: `too-short`, `too-long`, `no-upper-case`, `no-lower-case`, `no-digit`, `no-special`, `control-character`,
/// `common`, `guessable`, and with `PASSWORD_BREACH_CHECK` `breached`.
///
/// An address is refused as `invalid-email`, or as `unsupported-email` when it is one that mail is not sent to from here: with a local
/// part outside ASCII. A name is refused as `too-long`, `control-character`, `line-separator`, `bidirectional-control` or `invisible`.
#[utoipa::path(
    post,
    path = "/api/v1/auth/signup",
    operation_id = "signUp",
    tag = "Registration",
    params(("accept-language" = Option<String>, Header, description = "Which language emails are to have", example = "de-CH, en;q=0.5")),
    request_body = SignUp,
    responses((
        status = 201,
        description = "The account exists. With `SIGNUP_ENUMERATION` private the answer is the same for an address that is taken.",
        body = MessageBody,
        example = json!({ "message": MESSAGE })
    )),
    extensions(("x-problems" = json!(["email-taken", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    RequestOrigin(origin): RequestOrigin,
    AcceptLanguage(language): AcceptLanguage,
    body::Json(request): body::Json<SignUp>,
) -> Result<(StatusCode, Json<MessageBody>), Problem> {
    let now = app.clock.now();
    let mut user = User::new(UserId::new(app.clock.now_millis())?, request.email, now);
    user.first_name = request.first_name;
    user.last_name = request.last_name;
    user.language = language;
    limits.auth().await?;
    app.new_passwords.check("password", &request.password, &user).await?;
    let password_hash = app.hasher.hash(request.password).await?;
    let by = By::request(Actor::User(user.id.clone()), &origin, &app.clock);
    let message = app.config.email_verification_enabled.then(|| verification(&app, &mut user, &by)).transpose()?;
    user.is_verified = message.is_none();
    let login = Login::of(&user, password_hash);
    match app.config.signup_enumeration {
        Enumeration::Reveal => app.store.create_user(&user, &login, message.as_ref(), &by).await?,
        Enumeration::Private => create_in_private(&app, &user, &login, message, &by).await?,
    }
    let message = if user.is_verified { "Welcome. You can sign in." } else { MESSAGE };
    Ok((StatusCode::CREATED, Json(MessageBody { message })))
}

/// Makes the user wait for its verification; returns the message that ends the wait.
fn verification(app: &App, user: &mut User, by: &By) -> Result<Message, Problem> {
    let message = Message::about(user, MessageKind::VerifyEmail, user.email.clone(), by, user.created_at)?;
    user.expires_at = Some(user.created_at.plus(app.config.unverified_user_ttl_seconds));
    Ok(message)
}

/// A taken address takes the same steps as a free one: a transaction, then a message to whoever reads the address' mail. A sign-up
/// that breaks off between the two is healed by trying again, which the owner's message answers.
async fn create_in_private(
    app: &App,
    user: &User,
    login: &Login,
    message: Option<Message>,
    by: &By,
) -> Result<(), Error> {
    let message = match app.store.create_user(user, login, None, by).await {
        Ok(()) => message,
        Err(Error::Unmet(Unmet::AddressTaken)) => {
            Some(Message::asked_for(MessageKind::AccountExists, user.email.clone(), by, by.at())?)
        }
        Err(error) => return Err(error),
    };
    match message {
        Some(message) => app.store.create_message(&message).await,
        None => Ok(()),
    }
}
