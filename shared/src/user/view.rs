//! The view in which a user leaves the service.

use serde::Serialize;

use super::{Role, User};
use crate::email::Email;
use crate::id::UserId;

/// The only form in which a user leaves the service.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each field is the user's of its name; times are RFC 3339")]
pub struct UserView {
    pub id: UserId,
    pub email: Email,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub role: Role,
    pub is_verified: bool,
    pub is_active: bool,
    pub created_at: String,
    pub updated_at: String,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
            role: user.role,
            is_verified: user.is_verified,
            is_active: user.is_active,
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.to_string(),
        }
    }
}
