//! Imports users of another service, or of an export: many in one transaction, with their identifiers, times and hashes. Existing users
//! stay unchanged.

use std::collections::HashMap;

use user_core::clock::Timestamp;
use user_core::error::{Error, Unmet};
use user_core::login::Login;
use user_core::user::User;
use user_store::items::{Expression, Item, Transaction, at, end_of, from_item, is_reserved, login_item, s, user_item};
use user_store::key;

use super::Records;

/// How many users are imported together: a transaction takes 100 writes, two for each user and one for the count of administrators.
pub const ARRIVALS_AT_ONCE: usize = 49;

/// How often the existing users are read again while others write the same users.
const ATTEMPTS: usize = 5;

/// A user to be imported; it has no `Debug`, since it contains a hash.
#[derive(Clone)]
pub struct Arrival {
    /// The record.
    pub user: User,
    /// The hash, in any known format; [`user_core::login::NO_PASSWORD`] without one.
    pub password_hash: String,
    /// Whether the times are the user's own, and not the time of the import.
    pub dated: bool,
}

impl Arrival {
    /// Whether this is the existing user `there`. Fields that change after an import are not compared: the version, messages, and the hash,
    /// which the first sign-in replaces.
    fn is(&self, there: &User) -> bool {
        let user = &self.user;
        let same_times = user.created_at == there.created_at && user.updated_at == there.updated_at;
        user.email == there.email
            && user.first_name == there.first_name
            && user.last_name == there.last_name
            && user.language == there.language
            && user.role == there.role
            && (user.is_verified, user.is_active) == (there.is_verified, there.is_active)
            && (same_times || !self.dated)
    }
}

/// The outcome for an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// It was written as a new user.
    Written,
    /// The same user existed already.
    Known,
    /// Another user has the address.
    EmailTaken,
    /// A different user with this identifier exists.
    IdTaken,
}

impl Records<'_> {
    /// Imports up to [`ARRIVALS_AT_ONCE`] users with different addresses and identifiers, each completely or not at all. With `look` the
    /// existing users are read first, which saves a transaction that would fail.
    ///
    /// # Errors
    /// [`Error::Busy`] if others keep writing the same users; [`Error::Unavailable`]. Some users may have been imported in that case.
    pub async fn take_in(&self, arrivals: &[Arrival], look: bool, now: Timestamp) -> Result<Vec<Landing>, Error> {
        let mut landings: Vec<Option<Landing>> = vec![None; arrivals.len()];
        let mut look = look;
        for _ in 0..ATTEMPTS {
            if look {
                landings = self.look_for(arrivals, now).await?;
            }
            let outcome = self.write_arrivals(arrivals, &landings, now).await;
            match outcome {
                Ok(()) => return Ok(landings.into_iter().map(|landing| landing.unwrap_or(Landing::Written)).collect()),
                Err(Error::Unmet(Unmet::Changed) | Error::Busy) => look = true,
                Err(error) => return Err(error),
            }
        }
        Err(Error::Busy)
    }

    /// Which arrivals exist already or cannot be imported; `None` for those that can. Nothing is written.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`].
    pub async fn look_for(&self, arrivals: &[Arrival], now: Timestamp) -> Result<Vec<Option<Landing>>, Error> {
        let keys = arrivals.iter().flat_map(|one| [key::user(&one.user.id), key::login(&one.user.email.key())]);
        let items = self.0.read_many(keys.collect()).await?.into_iter();
        let there: HashMap<String, Item> =
            items.filter_map(|item| Some((item.get("pk")?.as_s().ok()?.clone(), item))).collect();
        arrivals
            .iter()
            .map(|one| {
                let user = there.get(&key::user_partition(&one.user.id));
                judge(one, user, there.get(&key::address(&one.user.email.key())), now)
            })
            .collect()
    }

    /// Writes the arrivals without a landing, all or none.
    async fn write_arrivals(
        &self,
        arrivals: &[Arrival],
        landings: &[Option<Landing>],
        now: Timestamp,
    ) -> Result<(), Error> {
        let (mut writes, mut some, mut admins) = (Transaction::default(), false, 0);
        for (arrival, _) in arrivals.iter().zip(landings).filter(|(_, landing)| landing.is_none()) {
            let user = &arrival.user;
            let login = Login::of(user, arrival.password_hash.clone());
            let free = Expression::new("attribute_not_exists(pk) OR expires_at <= :now", [(":now", at(now))]);
            writes = writes.put(self.0.users_table(), login_item(user, &login)?, free.clone(), Unmet::Changed)?.put(
                self.0.users_table(),
                user_item(user)?,
                free,
                Unmet::Changed,
            )?;
            admins += u64::from(user.is_working_admin());
            some = true;
        }
        if admins > 0 {
            writes = self.0.admins_more(writes, admins)?;
        }
        if some { writes.commit(self.0.client()).await } else { Ok(()) }
    }
}

fn judge(
    arrival: &Arrival,
    user: Option<&Item>,
    login: Option<&Item>,
    now: Timestamp,
) -> Result<Option<Landing>, Error> {
    let there: Option<User> = user.map(|item| from_item(item.clone())).transpose()?;
    // An expired user does not count, whether or not cleanup has removed it.
    if let Some(there) = there.filter(|there| !there.is_expired(now)) {
        let own = |login: &Item| !is_reserved(login) && login.get("user_id") == Some(&s(arrival.user.id.as_str()));
        let same = login.is_some_and(own) && arrival.is(&there);
        return Ok(Some(if same { Landing::Known } else { Landing::IdTaken }));
    }
    let taken = login.is_some_and(|item| end_of(item).is_none_or(|end| end > now));
    Ok(taken.then_some(Landing::EmailTaken))
}
