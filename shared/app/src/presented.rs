//! Tokens that a client presents: read by the keys that this instance holds, and valid while one of the keys in force signed them.

use std::sync::Arc;

use user_core::error::Error;
use user_core::token::{AccessClaims, Claims, TokenKind};
use user_web::problem::Problem;

use crate::App;
use crate::keyring::Keyring;
use crate::limits::Limits;

/// A token whose signature, kind and times are right by the keys that this instance holds. An emergency may have made them void
/// meanwhile: what it asks for is done only after [`Presented::keyring`].
pub struct Presented<'t, C> {
    /// What it says.
    pub claims: C,
    token: &'t str,
    read_by: Arc<Keyring>,
}

impl<C> Presented<'_, C> {
    /// The keys in force as far as this instance knows, if one of them signed the token. How recent that is, the caller decides before: by
    /// [`App::keyring_in_force`] or [`App::newest_keyring`].
    ///
    /// # Errors
    /// As [`App::keyring`].
    pub fn keyring(&self, app: &App) -> Result<Option<Arc<Keyring>>, Error> {
        let present = app.keyring()?;
        let is_signed = Arc::ptr_eq(&self.read_by, &present) || present.tokens.knows(self.token);
        Ok(is_signed.then_some(present))
    }
}

impl Limits {
    /// Reads an access token, as [`Limits::read`] does.
    ///
    /// # Errors
    /// As [`Limits::read`].
    pub async fn read_access<'t>(&self, token: &'t str) -> Result<Option<Presented<'t, AccessClaims>>, Problem> {
        let read_by = self.keyring_for(token).await?;
        let claims = read_by.read_access(token, self.now());
        Ok(claims.map(|claims| Presented { claims, token, read_by }))
    }

    /// Reads a token of one kind; none of anything else. The secret is read again for a key that is not known, and not before the source
    /// is admitted.
    ///
    /// # Errors
    /// [`Problem::Throttled`]; as [`App::keyring`].
    pub async fn read<'t, C: Claims>(
        &self,
        kind: TokenKind,
        token: &'t str,
    ) -> Result<Option<Presented<'t, C>>, Problem> {
        let read_by = self.keyring_for(token).await?;
        let claims = read_by.tokens.read(kind, token, self.now());
        Ok(claims.map(|claims| Presented { claims, token, read_by }))
    }
}
