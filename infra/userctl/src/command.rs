//! What each command does.

use std::time::Duration;

use user_core::email::Email;
use user_core::error::Error;
use user_core::event::{Actor, By};
use user_core::id::UserId;
use user_core::login::Login;
use user_core::password::Password;
use user_core::signing::Keys;
use user_core::user::{Edit, Role, User};

use crate::stage::Stage;

/// Creates an administrator whose address needs no proof.
///
/// # Errors
/// [`Error::EmailTaken`]; [`Error::Invalid`] when the password is none that the service takes.
pub async fn create_admin(stage: &Stage, email: Email, password: Password) -> Result<User, Error> {
    let now = stage.clock.now();
    let id = UserId::new(stage.clock.now_millis())?;
    let user = User { role: Role::Admin, is_verified: true, ..User::new(id, email, now) };
    stage.new_passwords.check("password", &password, &user).await?;
    let hash = stage.hasher.hash(password).await?;
    stage.store.create_user(&user, &Login::of(&user, hash), None, (&operator(stage), now)).await?;
    Ok(user)
}

/// The user with this address.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn show(stage: &Stage, email: &Email) -> Result<User, Error> {
    let login = stage.store.read_login(&email.key()).await?.ok_or(Error::NotFound)?;
    let user = stage.store.read_user(&login.user_id).await?;
    user.filter(|user| !user.is_expired(stage.clock.now())).ok_or(Error::NotFound)
}

/// Gives the user with this address a role.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::LastAdmin`].
pub async fn set_role(stage: &Stage, email: &Email, role: Role) -> Result<User, Error> {
    edit(stage, email, &Edit { role: Some(role), ..Edit::default() }).await
}

/// Switches the user with this address on or off.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::LastAdmin`].
pub async fn set_active(stage: &Stage, email: &Email, is_active: bool) -> Result<User, Error> {
    edit(stage, email, &Edit { is_active: Some(is_active), ..Edit::default() }).await
}

/// Ends every session of the user with this address, and with them whatever was mailed to it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn sign_out(stage: &Stage, email: &Email) -> Result<User, Error> {
    let user = show(stage, email).await?;
    let (id, now) = (user.id.clone(), stage.clock.now());
    stage.store.change_user(&id, Some(user), &operator(stage), |user| Ok(user.in_new_epoch(now).into())).await
}

async fn edit(stage: &Stage, email: &Email, edit: &Edit) -> Result<User, Error> {
    let user = show(stage, email).await?;
    let id = user.id.clone();
    let decide = |user: &User| Ok(user.edited(edit, stage.clock.now()).into());
    stage.store.change_user(&id, Some(user), &operator(stage), decide).await
}

/// Removes the user with this address, its login and its sessions; who it was.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::LastAdmin`].
pub async fn delete(stage: &Stage, email: &Email) -> Result<User, Error> {
    let user = show(stage, email).await?;
    stage.store.remove_user(&user.id, &operator(stage), |_| Ok(())).await?;
    Ok(user)
}

/// Has the stack's own function rotate the signing keys, and waits for it; the keys that are in force then.
///
/// # Errors
/// [`Error::Busy`] when nothing came of it in a minute.
pub async fn rotate_keys(stage: &Stage) -> Result<Keys, Error> {
    let before = stage.store.read_keys().await?.generation();
    stage.store.ask_for_rotation().await?;
    for _ in 0..60 {
        let keys = stage.store.read_keys().await?;
        if keys.generation() > before {
            return Ok(keys);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(Error::Busy)
}

fn operator(stage: &Stage) -> By {
    By::itself(Actor::Operator, &stage.clock)
}
