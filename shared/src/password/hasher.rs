//! Password hashing with argon2id (RFC 9106) in the PHC string format.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::Semaphore;

use super::Password;
use crate::error::Error;
use crate::id::random;

/// Hashes and verifies passwords, as many at a time as there are cores, beside the threads that answer requests.
#[derive(Clone)]
pub struct Hasher {
    argon2: Argon2<'static>,
    /// A hash of today's parameters that no password has.
    nobody: Arc<str>,
    cores: Arc<Semaphore>,
}

impl Hasher {
    /// A hasher of new passwords with this much memory (KiB) and this many passes, one lane.
    ///
    /// # Errors
    /// [`Error::Internal`] when argon2 does not take the parameters.
    pub fn new(memory_kib: u32, iterations: u32) -> Result<Self, Error> {
        let params = Params::new(memory_kib, iterations, 1, None).map_err(|e| Error::internal(e.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        let (salt, output) = (text(&random::<16>()?), text(&random::<32>()?));
        let nobody = format!("$argon2id$v=19$m={memory_kib},t={iterations},p=1${salt}${output}").into();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            argon2,
            nobody,
            cores: Arc::new(Semaphore::new(cores)),
        })
    }

    /// The PHC string of `password` with a new salt.
    ///
    /// # Errors
    /// [`Error::Internal`] when hashing fails.
    pub async fn hash(&self, password: Password) -> Result<String, Error> {
        let argon2 = self.argon2.clone();
        self.on_a_core(move || hash(&argon2, &password)).await?
    }

    /// Whether `password` is the one in `stored` (a PHC string). Without a stored one it takes the same time and says no.
    ///
    /// # Errors
    /// [`Error::Internal`] when hashing fails.
    pub async fn verify(&self, password: Password, stored: Option<&str>) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let argon2 = self.argon2.clone();
        let matches = self
            .on_a_core(move || argon2.verify_password(password.as_bytes(), stored.as_str()).is_ok())
            .await?;
        Ok(known && matches)
    }

    /// Whether `stored` was made with other parameters than today's.
    #[must_use]
    pub fn outdated(&self, stored: &str) -> bool {
        let made_with = PasswordHash::new(stored)
            .ok()
            .and_then(|hash| Params::try_from(&hash).ok());
        let today = self.argon2.params();
        made_with
            .is_none_or(|p| (p.m_cost(), p.t_cost(), p.p_cost()) != (today.m_cost(), today.t_cost(), today.p_cost()))
    }

    async fn on_a_core<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _core = self.cores.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

fn hash(argon2: &Argon2<'_>, password: &Password) -> Result<String, Error> {
    argon2
        .hash_password_with_salt(password.as_bytes(), &random::<16>()?)
        .map(|hash| hash.to_string())
        .map_err(|e| Error::internal(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> Hasher {
        Hasher::new(64, 1).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let hasher = hasher();
        let stored = hasher.hash(Password::typed("right")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(hasher.verify(Password::typed("right"), Some(&stored)).await.unwrap());
        assert!(!hasher.verify(Password::typed("wrong"), Some(&stored)).await.unwrap());
        assert!(!hasher.verify(Password::typed("right"), None).await.unwrap());
        assert!(
            PasswordHash::new(&hasher.nobody).is_ok(),
            "an unreadable one would take no time"
        );
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_verifies_and_is_outdated() {
        let stored = Hasher::new(128, 2)
            .unwrap()
            .hash(Password::typed("right"))
            .await
            .unwrap();
        assert!(hasher().verify(Password::typed("right"), Some(&stored)).await.unwrap());
        assert!(hasher().outdated(&stored));
        assert!(!hasher().outdated(&hasher().hash(Password::typed("right")).await.unwrap()));
    }
}
