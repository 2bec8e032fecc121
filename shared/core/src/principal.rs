//! The principal of a request: who makes it, proven how and when, by which client, within which scopes.

use crate::client::Grant;
use crate::proof::Authentication;
use crate::session::Session;
use crate::token::AccessClaims;
use crate::user::User;

/// The authenticated user of a request, with everything that [`crate::access`] decides by.
#[derive(Debug, Clone)]
pub struct Principal {
    /// As the record stands now, whatever the token says.
    pub user: User,
    /// The session that the access token belongs to, as it stands now.
    pub session: Session,
    /// When and how the user was authenticated, by the token: a step-up makes only the token fresh that it issues.
    pub authentication: Authentication,
    /// Which client makes the request, and how far it may go.
    pub grant: Grant,
}

impl Principal {
    /// The principal of an access token with these claims, whose user and session were read.
    #[must_use]
    pub fn new(user: User, session: Session, claims: AccessClaims) -> Self {
        let AccessClaims { auth_time, amr, client_id, scope, .. } = claims;
        let authentication = Authentication { at: auth_time.unwrap_or(session.created_at), methods: amr };
        Self { user, session, authentication, grant: Grant { client_id, scope } }
    }
}
