//! What a new password must satisfy before it is hashed.

use user_config::Config;
use user_core::error::{FieldError, Refusal};
use user_core::password::{Password, Policy};
use user_core::user::User;

use crate::breach::Breaches;

/// The rules for new passwords, for the functions and for operators' commands.
pub struct NewPasswords {
    policy: Policy,
    project_name: String,
    breaches: Option<Breaches>,
}

impl NewPasswords {
    /// The configured rules.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (policy, project_name) = (config.password_policy, config.project_name.clone());
        Self { policy, project_name, breaches: Breaches::configured(config) }
    }

    /// Checks the password in `field` for this user. The breach check is done only if the policy accepts the password.
    ///
    /// # Errors
    /// Every rule of the policy that it breaks, or `breached`.
    pub async fn check(&self, field: &str, password: &Password, user: &User) -> Result<(), Vec<FieldError>> {
        self.policy.check(field, password, &user.known_words(&self.project_name))?;
        match &self.breaches {
            Some(breaches) if Box::pin(breaches.hold(password)).await => Err(vec![
                Refusal::new("breached", "this password was stolen from some service before; choose another one")
                    .of(field),
            ]),
            _ => Ok(()),
        }
    }
}
