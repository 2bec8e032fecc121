//! What a password proves that is given by whoever names an address.

use futures::future::{join, join3};
use user_app::App;
use user_app::limits::Limits;
use user_config::Enumeration;
use user_core::clock::Timestamp;
use user_core::email::Email;
use user_core::event::{Actor, By};
use user_core::id::{MessageId, UserId};
use user_core::limit::NETWORKS;
use user_core::login::Login;
use user_core::message::{Message, MessageKind};
use user_core::password::Password;
use user_core::session::Origin;
use user_store::failures::{Failures, Given};
use user_web::problem::Problem;

use crate::prove::{note, wait};

/// The login that `password` is of, for whoever names an address. Wrong passwords hold up the network that they come from. What comes from
/// many networks together holds up all that the account does not know: one in which it is signed in, or from which its password was
/// reset, is held up by nothing that others can bring about.
///
/// An address that nobody has takes the same steps. So does, where sign-up does not tell which addresses are taken, an account that
/// never proved its address: its password may be a stranger's choice, so the right one is answered like a wrong one, and whoever reads
/// the address' mail gets another link.
///
/// # Errors
/// [`Problem::InvalidCredentials`]; [`Problem::Throttled`]; [`Problem::Unavailable`].
pub(crate) async fn login_by_password(
    app: &App,
    limits: &Limits,
    origin: &Origin,
    email: &Email,
    password: Password,
) -> Result<Login, Problem> {
    let (key, network, now) = (email.key(), origin.network(), app.clock.now());
    let read = app.store.read_sign_in(&key, &network, Given::AtSignIn, now);
    let (admitted, read) = join(limits.sign_in(&key), read).await;
    let (login, failures) = read?;
    let login = login.filter(|login| !login.is_expired(now));
    wait(app, failures.from_here(), 1, now)?;
    let refused = match admitted.and_then(|()| wait(app, failures.from_everywhere(), NETWORKS, now)) {
        Ok(()) => None,
        Err(refusal @ Problem::Throttled(_)) => Some(refusal),
        Err(error) => return Err(error),
    };
    let known = refused.is_none() || is_known(app, login.as_ref(), &failures, origin, now).await?;
    let stored = login.as_ref().filter(|_| known).map(|login| login.password_hash.as_str());
    let proven = app.hasher.verify(password, stored).await?;
    if let Some(login) = login.as_ref().filter(|login| proven && !is_hidden(app, login)) {
        app.store.forget_failures(&key, &network, &failures).await?;
        return Ok(login.clone());
    }
    let by = By::request(Actor::Anonymous, origin, &app.clock);
    let noted = note(app, login.as_ref().map(|login| &login.user_id), &by);
    // Nothing tells that a network is known but the right password.
    if let Some(refusal) = refused {
        Box::pin(join(noted, app.store.count_failure_here(&key, &network, now))).await.1?;
        return Err(refusal);
    }
    let written = write_to_owner(app, email, login.as_ref(), proven, &by);
    let counted = app.store.count_failure(&key, &network, (&failures, app.limiter.free_failures()), now);
    Box::pin(join3(noted, written, counted)).await.2?;
    Err(Problem::InvalidCredentials)
}

/// Whether the answers must not tell that there is an account.
fn is_hidden(app: &App, login: &Login) -> bool {
    app.config.signup_enumeration == Enumeration::Private && !login.is_verified
}

/// Whether the account knows the network that this request comes from. It is looked up for an address that nobody has, too.
async fn is_known(
    app: &App,
    login: Option<&Login>,
    failures: &Failures,
    origin: &Origin,
    now: Timestamp,
) -> Result<bool, Problem> {
    let nobody = UserId::of("nobody");
    let sessions = app.store.list_sessions(login.map_or(&nobody, |login| &login.user_id)).await?;
    Ok(login.is_some_and(|Login { epoch, .. }| {
        failures.is_reset_from_here(*epoch, now)
            || sessions.iter().any(|session| session.knows_network(*epoch, origin, now))
    }))
}

/// Writes to the owner of an account that cannot be signed in to, as well as it goes: how to choose a password, for an account that came
/// without, at most once a day; how to verify the address, for a right password that the answer must not confirm. Where nothing may tell
/// which accounts there are, a message that is never sent takes its place for all others.
async fn write_to_owner(app: &App, email: &Email, login: Option<&Login>, proven: bool, by: &By) {
    let now = app.clock.now();
    let outcome = async {
        let message = |kind| Message::asked_for(kind, email.clone(), by, now);
        match login {
            Some(_) if proven => app.store.create_message(&message(MessageKind::VerifyEmail)?).await,
            Some(login) if !login.has_password() => {
                let id = MessageId::once(&format!("day-{}-{}", now.0.div_euclid(86_400), login.user_id));
                app.store.create_message_once(&Message { id, ..message(MessageKind::ResetPassword)? }).await
            }
            _ if app.config.signup_enumeration == Enumeration::Private => {
                app.store.create_message(&message(MessageKind::VerifyEmail)?.dropped()).await
            }
            _ => Ok(()),
        }
    };
    if let Err(error) = outcome.await {
        tracing::warn!(request.id = by.request_id(), error.cause = %error, "a message to an owner was not written");
    }
}
