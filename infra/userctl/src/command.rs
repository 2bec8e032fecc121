//! What each command does.

use std::fmt;
use std::time::Duration;

use user_core::email::Email;
use user_core::error::{Error, FieldError, Unmet};
use user_core::event::{Actor, By};
use user_core::id::UserId;
use user_core::login::Login;
use user_core::password::Password;
use user_core::signing::Keys;
use user_core::user::{Edit, Role, User};

use crate::stage::Stage;

/// Why an administrator was not created.
#[derive(Debug)]
pub enum NotCreated {
    /// The password violates these rules.
    Password(Vec<FieldError>),
    /// The user was not written, in most cases because of [`Unmet::AddressTaken`].
    Failed(Error),
}

impl From<Error> for NotCreated {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for NotCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password(broken) => {
                let broken = broken.iter().map(|rule| format!("{}: {}", rule.field, rule.detail));
                f.write_str(&broken.collect::<Vec<_>>().join("; "))
            }
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NotCreated {}

/// Creates an administrator whose address counts as verified.
///
/// # Errors
/// [`NotCreated`].
pub async fn create_admin(stage: &Stage, email: Email, password: Password) -> Result<User, NotCreated> {
    let now = stage.clock.now();
    let id = UserId::new(stage.clock.now_millis())?;
    let user = User { role: Role::Admin, is_verified: true, ..User::new(id, email, now) };
    stage.new_passwords.check("password", &password, &user).await.map_err(NotCreated::Password)?;
    let hash = stage.hasher.hash(password).await?;
    stage.store.create_user(&user, &Login::of(&user, hash), None, &operator(stage)).await?;
    Ok(user)
}

/// The user with this address.
///
/// # Errors
/// [`Unmet::Absent`].
pub async fn show(stage: &Stage, email: &Email) -> Result<User, Error> {
    let login = stage.store.read_login(&email.key()).await?.ok_or(Error::Unmet(Unmet::Absent))?;
    let user = stage.store.read_user(&login.user_id).await?;
    user.filter(|user| !user.is_expired(stage.clock.now())).ok_or(Error::Unmet(Unmet::Absent))
}

/// Gives the user with this address a role.
///
/// # Errors
/// [`Unmet::Absent`]; [`Unmet::LastAdmin`].
pub async fn set_role(stage: &Stage, email: &Email, role: Role) -> Result<User, Error> {
    edit(stage, email, &Edit { role: Some(role), ..Edit::default() }).await
}

/// Activates or deactivates the user with this address.
///
/// # Errors
/// [`Unmet::Absent`]; [`Unmet::LastAdmin`].
pub async fn set_active(stage: &Stage, email: &Email, is_active: bool) -> Result<User, Error> {
    edit(stage, email, &Edit { is_active: Some(is_active), ..Edit::default() }).await
}

/// Ends every session of the user with this address, and voids all links in emails to it.
///
/// # Errors
/// [`Unmet::Absent`].
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

/// Removes the user with this address, its login and its sessions; returns the removed user.
///
/// # Errors
/// [`Unmet::Absent`]; [`Unmet::LastAdmin`].
pub async fn delete(stage: &Stage, email: &Email) -> Result<User, Error> {
    let user = show(stage, email).await?;
    stage.store.remove_user(&user.id, &operator(stage), |_| Ok::<_, Error>(())).await?;
    Ok(user)
}

/// Has the stack's own function rotate the signing keys, waits for it, and returns the keys that are then in force.
///
/// # Errors
/// [`Error::Busy`] if there is no new key within a minute.
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
