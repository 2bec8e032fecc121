//! Password hashing with argon2id (RFC 9106) in the PHC string format. Stored hashes may also have a [`foreign`] format.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::oneshot;
use user_core::error::Error;
use user_core::id::random;
use user_core::password::{Password, foreign};
use user_telemetry::metric;

use crate::cores::Cores;

const OUTPUT_BYTES: usize = 32;

/// Hashes and verifies passwords, as many concurrently as there are cores, apart from the threads that answer requests.
#[derive(Clone)]
pub struct Hasher {
    params: Params,
    /// A hash with the present parameters that no password matches.
    nobody: Arc<str>,
    cores: Arc<Cores>,
}

impl Hasher {
    /// A hasher of new passwords with this much memory (KiB) and this many passes, one lane.
    ///
    /// # Errors
    /// [`Error::Internal`] when argon2 refuses the parameters.
    pub fn new(memory_kib: u32, iterations: u32) -> Result<Self, Error> {
        let params = Params::new(memory_kib, iterations, 1, Some(OUTPUT_BYTES)).map_err(words)?;
        let nobody = phc(&params, &random()?, &random()?).into();
        let cores = Arc::new(Cores::new(params.block_count()));
        Ok(Self { params, nobody, cores })
    }

    /// The PHC string of `password` with a new salt.
    ///
    /// # Errors
    /// [`Error::Internal`] when hashing fails.
    pub async fn hash(&self, password: Password) -> Result<String, Error> {
        let (params, salt) = (self.params.clone(), random::<16>()?);
        self.on_a_core(move |memory| {
            let mut output = [0; OUTPUT_BYTES];
            compute(&params, Algorithm::Argon2id, Version::V0x13, password.as_bytes(), &salt, &mut output, memory)?;
            Ok(phc(&params, &salt, &output))
        })
        .await
    }

    /// Whether `password` matches the hash `stored`. Without a hash, or with the empty one of an account without a password, the result is
    /// false and takes the same time.
    ///
    /// # Errors
    /// [`Error::Internal`] when hashing fails or the stored hash has an unknown format.
    pub async fn verify(&self, password: Password, stored: Option<&str>) -> Result<bool, Error> {
        let stored = stored.filter(|stored| !stored.is_empty());
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let ours = self.params.clone();
        let matches = self.on_a_core(move |memory| matches(&password, &stored, &ours, memory)).await?;
        Ok(known && matches)
    }

    /// Whether `stored` has another algorithm or other costs than a new hash.
    #[must_use]
    pub fn outdated(&self, stored: &str) -> bool {
        let cost = |p: &Params| (p.m_cost(), p.t_cost(), p.p_cost());
        let made_with = PasswordHash::new(stored)
            .ok()
            .filter(|hash| hash.algorithm.as_str() == Algorithm::Argon2id.as_str())
            .and_then(|hash| Params::try_from(&hash).ok());
        made_with.is_none_or(|params| cost(&params) != cost(&self.params))
    }

    /// Frees the memory of the last hash, if nothing was hashed since the previous call.
    pub fn rest(&self) {
        self.cores.rest();
    }

    /// Runs `work` when a core is free, unless nobody waits for the result any more.
    async fn on_a_core<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, outcome) = oneshot::channel();
        self.cores.take(Box::new(move |memory| {
            if !reply.is_closed() {
                let started = Instant::now();
                let outcome = work(memory);
                metric::ARGON2_SECONDS.record(&[], started.elapsed().as_secs_f64());
                let _ = reply.send(outcome);
            }
        }));
        outcome.await.map_err(Error::internal)?
    }
}

fn matches(password: &Password, stored: &str, ours: &Params, memory: &mut Vec<Block>) -> Result<bool, Error> {
    if let Some(matches) = foreign::verify(password, stored) {
        return Ok(matches);
    }
    let stored = PasswordHash::new(stored).map_err(words)?;
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Ok(false);
    };
    let algorithm = Algorithm::new(stored.algorithm.as_str()).map_err(words)?;
    let version = stored.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(words)?;
    let params = Params::try_from(&stored).map_err(words)?;
    // The operator chose our costs; a higher one came with an import or a restore.
    if params.m_cost() > ours.m_cost() && !foreign::is_affordable(&params) {
        return Ok(false);
    }
    let mut output = vec![0; expected.len()];
    for form in password.forms() {
        compute(&params, algorithm, version, form, salt, &mut output, memory)?;
        // `Output` compares in constant time.
        if Output::new(&output).map_err(words)? == *expected {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compute(
    params: &Params,
    algorithm: Algorithm,
    version: Version,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), Error> {
    memory.resize(params.block_count(), Block::new());
    Argon2::new(algorithm, version, params.clone())
        .hash_password_into_with_memory(password, salt, output, memory.as_mut_slice())
        .map_err(words)
}

/// The PHC string format of argon2id.
fn phc(params: &Params, salt: &[u8; 16], output: &[u8; OUTPUT_BYTES]) -> String {
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    format!("$argon2id$v=19$m={m},t={t},p={p}${}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output))
}

/// Errors of argon2 are about parameters, never about the password.
fn words(error: impl Display) -> Error {
    Error::internal(format!("{error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use futures::FutureExt;

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
        assert!(PasswordHash::new(&hasher.nobody).is_ok(), "an unreadable one would take no time");
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_hashed() {
        let hasher = hasher();
        let (held, holding) = channel::<()>();
        let holding = Arc::new(Mutex::new(holding));
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            let holding = holding.clone();
            hasher.cores.take(Box::new(move |_| drop(holding.lock().map(|holding| holding.recv()))));
        }
        let (hashed, hashes) = channel();
        let mut given_up = Box::pin(hasher.on_a_core(move |_| Ok(hashed.send(()))));
        assert!(given_up.as_mut().now_or_never().is_none());
        drop((given_up, held));
        hasher.hash(Password::typed("another")).await.unwrap();
        assert_eq!(hashes.try_iter().count(), 0);
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_verifies_and_is_outdated() {
        let stored = Hasher::new(128, 2).unwrap().hash(Password::typed("right")).await.unwrap();
        assert!(hasher().verify(Password::typed("right"), Some(&stored)).await.unwrap());
        assert!(hasher().outdated(&stored));
        assert!(!hasher().outdated(&hasher().hash(Password::typed("right")).await.unwrap()));
    }

    #[tokio::test]
    async fn a_foreign_hash_verifies_and_is_outdated() {
        let right = Password::typed("Flat-Wh1te-please");
        for stored in [
            "$2b$04$S..3fgVvzqpvloFYCE0xRu/GWtpyJbTQ6r990EtXPUbY.jA3eSQuC",
            "$argon2i$v=19$m=512,t=3,p=1$LOXc2/t/T0nJ2ZtTqpWyFg$rgvNHLfKyH3HWQisFHnUHYk6RxDWPsOOS9g9JBdrg4U",
            "$argon2d$v=19$m=512,t=3,p=1$c2l4dGVlbi5ieXRlcy5vaw$aRkeLquhvgPb491Qve+rrkWl3wf4YRA4bHVS0pKHUmE",
            "$argon2id$v=19$m=1024,t=2,p=4$QAghhNCak1KqFeIcA6D0Xg$fRML8yqbItwA7tAG+6Iw11W6/3ad9aWiR38W658Gtqk",
        ] {
            assert!(hasher().verify(right.clone(), Some(stored)).await.unwrap(), "{stored}");
            assert!(!hasher().verify(Password::typed("wrong"), Some(stored)).await.unwrap(), "{stored}");
            assert!(hasher().outdated(stored) && Hasher::new(512, 3).unwrap().outdated(stored), "{stored}");
        }
        assert!(!hasher().verify(right, Some("")).await.unwrap(), "an account without a password");
    }
}
