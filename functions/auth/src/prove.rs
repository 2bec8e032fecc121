//! What a password proves that is given by whoever is signed in, before what is sensitive. A wrong one, wherever it is given, counts
//! towards the wait before the next try and is an event of the account.

use futures::TryFutureExt as _;
use futures::future::{join, try_join};
use user_app::App;
use user_app::caller::Caller;
use user_app::limits::Limits;
use user_core::access;
use user_core::clock::Timestamp;
use user_core::event::{By, Event, EventName};
use user_core::id::UserId;
use user_core::limit::{Class, RateLimitState, wait_after};
use user_core::password::Password;
use user_core::proof::Proof;
use user_store::failures::{Given, Row};
use user_web::problem::Problem;

/// Goes on when the caller may make a sensitive change: the session is fresh, or `password` is right. A password that is sent counts: a
/// wrong one is refused in a fresh session, too.
///
/// # Errors
/// [`Problem::StepUpRequired`] without a password in a session that is not fresh; those of [`prove`].
pub(crate) async fn prove_unless_fresh(
    app: &App,
    limits: &Limits,
    caller: &Caller,
    password: Option<Password>,
) -> Result<(), Problem> {
    if let Some(password) = password {
        return prove(app, limits, caller, password).await.map(drop);
    }
    access::fresh(&caller.principal, app.clock.now())?;
    limits.user(Class::Auth, &caller.principal.user.id).await
}

/// The proof that the caller, who is counted, gives by its `password`. Wrong passwords of strangers at sign-in delay nobody here; those
/// that were given by signed-in callers do, from any network.
///
/// # Errors
/// [`Problem::InvalidCredentials`]; [`Problem::Throttled`], also after many wrong ones; [`Problem::Unavailable`].
pub(crate) async fn prove(app: &App, limits: &Limits, caller: &Caller, password: Password) -> Result<Proof, Problem> {
    let user = &caller.principal.user;
    let (key, network, now) = (user.email.key(), caller.origin.network(), app.clock.now());
    let counted = limits.user(Class::Auth, &user.id);
    let given = Given::SignedIn { epoch: user.epoch };
    let read = app.store.read_sign_in(&key, &network, given, now).map_err(Problem::from);
    let ((), (login, failures)) = try_join(counted, read).await?;
    wait(app, failures.from_everywhere(), 1, now)?;
    let login = login.filter(|login| login.user_id == user.id);
    let stored = login.as_ref().map(|login| login.password_hash.as_str());
    let is_right = app.hasher.verify(password, stored).await?;
    if let Some(login) = login.filter(|_| is_right) {
        // The account may have been deactivated since the caller was read.
        let proof = login.admit(now).map_err(|_| Problem::Unauthenticated)?;
        app.store.forget_failures(&key, &network, &failures).await?;
        return Ok(proof);
    }
    let by = caller.by(app);
    let noted = note(app, Some(&user.id), &by);
    let known = (&failures, app.limiter.free_failures());
    join(noted, app.store.count_failure(&key, &network, known, now)).await.1?;
    Err(Problem::InvalidCredentials)
}

/// After many wrong passwords in a row the next try has to wait; `networks` times as many are free as one network has.
///
/// # Errors
/// [`Problem::Throttled`].
pub(crate) fn wait(app: &App, Row { count, last_at }: Row, networks: u64, now: Timestamp) -> Result<(), Problem> {
    let free = app.limiter.free_failures().saturating_mul(networks);
    let seconds = last_at.plus(wait_after(count, free)).since(now);
    if seconds <= 0 { Ok(()) } else { Err(Problem::Throttled(RateLimitState::wait(seconds))) }
}

/// Notes that a sign-in, or a password, was refused, as well as it goes.
pub(crate) async fn note(app: &App, user: Option<&UserId>, by: &By) {
    let nobody = UserId::of("");
    let outcome = async {
        let event = Event::new(EventName::SignInFailed, user.unwrap_or(&nobody), by)?;
        if user.is_some() { app.store.note_event(&event).await } else { app.store.note_nothing(&event).await }
    };
    if let Err(error) = outcome.await {
        tracing::warn!(request.id = by.request_id(), error.cause = %error, "a refused password was not noted");
    }
}
