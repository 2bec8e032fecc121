//! Proofs: that somebody is a certain user, by which methods and when. Sessions begin with one, and access tokens carry it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::UserId;
use crate::words::words;

words! {
    /// How a user was authenticated: a value of the claim `amr` (RFC 8176, 2).
    Method {
        /// By the account's password.
        Password = "pwd",
        /// By more than one factor; the others are listed with it.
        SeveralFactors = "mfa",
    }
}

words! {
    /// How strong an authentication was: the claim `acr` (OpenID Connect Core 1.0, 2), by the levels of NIST SP 800-63B.
    Assurance {
        /// By one factor.
        OneFactor = "aal1",
        /// By several factors.
        SeveralFactors = "aal2",
    }
}

/// An authentication: when it happened and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// When the user proved it (`auth_time`).
    pub at: Timestamp,
    /// By what (`amr`).
    pub methods: Vec<Method>,
}

impl Authentication {
    /// How strong it was (`acr`).
    #[must_use]
    pub fn assurance(&self) -> Assurance {
        let several = self.methods.contains(&Method::SeveralFactors);
        if several { Assurance::SeveralFactors } else { Assurance::OneFactor }
    }
}

/// The proof that whoever makes a request is the user `user_id`, who may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whose account it is.
    pub user_id: UserId,
    /// The account's epoch when it was proven; the proof is void in any other.
    pub epoch: u64,
    /// When and how.
    pub authentication: Authentication,
}

/// The methods of a session or a token that a release without `amr` wrote.
#[must_use]
pub fn by_password() -> Vec<Method> {
    vec![Method::Password]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_factors_are_a_higher_level_than_one_also_with_methods_of_a_later_release() {
        let level = |json: &str| {
            Authentication { at: Timestamp(1), methods: serde_json::from_str(json).unwrap() }
                .assurance()
                .as_str()
                .to_owned()
        };
        assert_eq!(level(r#"["pwd"]"#), "aal1");
        assert_eq!(level(r#"["otp"]"#), "aal1");
        assert_eq!(level(r#"["pwd","otp","mfa"]"#), "aal2");
    }
}
