//! Access: who may do what, all of it in one match.

use crate::id::UserId;
use crate::user::{Role, User};

/// What a caller wants to do.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// See one user.
    Read(&'a UserId),
    /// See all users.
    List,
    /// See what happened to a user.
    ReadEvents,
    /// See where a user is signed in.
    ReadSessions,
    /// Sign a user out everywhere.
    EndSessions,
    /// Change a user's names.
    Rename(&'a UserId),
    /// Change whether a user is active or verified.
    Flag,
    /// Change what a user may do.
    ChangeRole,
    /// Remove a user.
    Delete,
}

/// The caller may not do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forbidden;

/// Lets `caller` do `action`.
///
/// # Errors
/// [`Forbidden`], before anything is looked up, so that it does not tell what exists.
pub fn permit(caller: &User, action: Action<'_>) -> Result<(), Forbidden> {
    match (caller.role, action) {
        (Role::Admin, _) => Ok(()),
        (_, Action::Read(user) | Action::Rename(user)) if *user == caller.id => Ok(()),
        (_, _) => Err(Forbidden),
    }
}
