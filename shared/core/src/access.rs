//! Access: who may do what. The whole policy is in this file.

use crate::client::Scope;
use crate::clock::Timestamp;
use crate::id::UserId;
use crate::principal::Principal;
use crate::user::Role;

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

/// Why the caller may not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The user may not.
    Forbidden,
    /// The user's client may not: its token lacks this scope (RFC 6750, 3.1).
    InsufficientScope(Scope),
    /// The authentication is too old (RFC 9470).
    StepUpRequired,
}

/// For how many seconds after an authentication the password need not be given again.
pub const FRESH_SECONDS: i64 = 300;

/// Lets the client of `caller` make calls of `scope`.
///
/// # Errors
/// [`Denied::InsufficientScope`].
pub fn within(caller: &Principal, scope: Scope) -> Result<(), Denied> {
    if caller.grant.scope.has(scope) { Ok(()) } else { Err(Denied::InsufficientScope(scope)) }
}

/// Lets `caller` do `action`.
///
/// # Errors
/// [`Denied::Forbidden`], before anything is looked up, so that it does not tell what exists.
pub fn permit(caller: &Principal, action: Action<'_>) -> Result<(), Denied> {
    match (caller.user.role, action) {
        (Role::Admin, _) => Ok(()),
        (_, Action::Read(user) | Action::Rename(user)) if *user == caller.user.id => Ok(()),
        (_, _) => Err(Denied::Forbidden),
    }
}

/// Lets `caller` make a sensitive change of its own account without the password: a new password or address, or deletion.
///
/// # Errors
/// [`Denied::StepUpRequired`] when the authentication is older than [`FRESH_SECONDS`].
pub fn fresh(caller: &Principal, now: Timestamp) -> Result<(), Denied> {
    if now.since(caller.authentication.at) <= FRESH_SECONDS { Ok(()) } else { Err(Denied::StepUpRequired) }
}
