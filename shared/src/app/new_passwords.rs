//! What a new password has to pass before it is hashed.

use super::breach::Breaches;
use crate::config::Config;
use crate::error::{Error, Refusal};
use crate::password::{Password, Policy};
use crate::user::User;

/// The rules for new passwords, of the functions and of the operator's commands alike.
pub struct NewPasswords {
    policy: Policy,
    project_name: String,
    breaches: Option<Breaches>,
}

impl NewPasswords {
    /// The rules that are configured.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (policy, project_name) = (config.password_policy, config.project_name.clone());
        Self { policy, project_name, breaches: Breaches::configured(config) }
    }

    /// Takes or refuses the password that came in `field`, for this user. Others are asked about it only when the policy takes it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every rule of the policy that it breaks, or because it is one of a breach.
    pub async fn check(&self, field: &str, password: &Password, user: &User) -> Result<(), Error> {
        self.policy.check(field, password, &user.known_words(&self.project_name))?;
        match &self.breaches {
            Some(breaches) if Box::pin(breaches.hold(password)).await => Err(Error::invalid(
                field,
                Refusal::new("breached", "this password was stolen from some service before; choose another one"),
            )),
            _ => Ok(()),
        }
    }
}
