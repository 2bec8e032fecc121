//! Roles.

use std::str::FromStr;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::error::Refusal;
use crate::words::words;

words! {
    /// What a user may do. A role that this release does not know may do what [`Role::User`] may.
    Role {
        /// Its own account.
        User = "user",
        /// All accounts.
        Admin = "admin",
    }
}

/// The roles that can be given; answers may contain others.
impl PartialSchema for Role {
    fn schema() -> RefOr<Schema> {
        let known = Self::ALL.iter().map(Self::as_str);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What a user may do."))
            .enum_values(Some(known))
            .into()
    }
}

impl ToSchema for Role {}

impl FromStr for Role {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let known = Self::known(&text.to_ascii_lowercase());
        known.ok_or_else(|| Refusal::new("unknown-role", "a role is user or admin"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_in_any_case() {
        assert_eq!("ADMIN".parse(), Ok(Role::Admin));
        assert!("barista".parse::<Role>().is_err());
    }
}
