//! The view in which a user leaves the service.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Role, User};
use crate::email::Email;
use crate::id::UserId;

/// The only form in which a user leaves the service.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "each field is the user's of its name; times are RFC 3339")]
pub struct UserView {
    #[schema(value_type = String, example = "0193a5b2-7c1e-7d4a-9f3b-2a6c8e0d4f51")]
    pub id: UserId,
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: Email,
    #[schema(required, example = "Ann")]
    pub first_name: Option<String>,
    #[schema(required, example = "Bean")]
    pub last_name: Option<String>,
    #[schema(value_type = String, example = "user")]
    pub role: Role,
    #[schema(example = true)]
    pub is_verified: bool,
    #[schema(example = true)]
    pub is_active: bool,
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    pub created_at: String,
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
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
