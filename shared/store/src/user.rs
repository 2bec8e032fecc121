//! User items, and the transactions that keep user, login and the count of administrators consistent.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use user_core::error::{Error, Unmet};
use user_core::event::{By, Event, EventName};
use user_core::id::{SessionId, UserId};
use user_core::login::Login;
use user_core::message::Message;
use user_core::user::User;

use super::failure::failed;
use super::sweep::Sweep;
use super::transaction::{Expression, Transaction, if_met, unless_contended};
use super::{Item, MAX_ID_BYTES, Store, at, from_item, key, n, s, to_item};

/// The schema version of the user items that this release writes; only migrations compare it.
pub const SCHEMA: u32 = 1;

/// How long a removal may spend on ending the user's sessions. Sessions that are left then are swept later.
const SWEEP_TIME: Duration = Duration::from_secs(5);

/// How many times a change is tried, when the record keeps changing meanwhile, before it ends with [`Error::Busy`].
const ATTEMPTS: usize = 5;

/// The item of a user, with its key, the attributes for the indices and for TTL, and the schema version.
///
/// # Errors
/// [`Error::Internal`] when the user cannot be serialised.
pub fn user_item(user: &User) -> Result<Item, Error> {
    let mut item = to_item(user, key::user(&user.id))?;
    item.insert("schema".to_owned(), n(SCHEMA));
    item.insert("dir_shard".to_owned(), s(key::directory_shard(key::shard(&user.id))));
    item.insert("created_key".to_owned(), s(key::created(user.created_at, &user.id)));
    if let Some(purge_after) = user.purge_after() {
        item.insert("expiry_shard".to_owned(), s(key::expiry_shard(key::shard(&user.id))));
        item.insert("purge_after".to_owned(), at(purge_after));
    }
    Ok(item)
}

/// The item of a login, with its key and the attribute for TTL.
///
/// # Errors
/// [`Error::Internal`] when the login cannot be serialised.
pub fn login_item(user: &User, login: &Login) -> Result<Item, Error> {
    let mut item = to_item(login, key::login(&user.email.key()))?;
    if let Some(purge_after) = user.purge_after() {
        item.insert("purge_after".to_owned(), at(purge_after));
    }
    Ok(item)
}

/// The update that turns the item of `before` into that of `after`, and its condition. Every change increments at least the version.
fn user_update(before: &User, after: &User) -> Result<(Expression, String), Error> {
    let update = Expression::from_to(&user_item(before)?, &user_item(after)?);
    let update = update.ok_or_else(|| Error::internal("a change of a user changes nothing"))?;
    let (update, condition) = update.with(is_version(before));
    Ok((update, condition.into_owned()))
}

/// A change of a user, and what is written with it in one transaction.
#[derive(Debug)]
pub struct Change {
    /// The user after the change.
    pub user: User,
    /// The hash of a new password, if there is one.
    pub password_hash: Option<String>,
    /// The messages about the change.
    pub messages: Vec<Message>,
    /// The session that is moved into the new epoch instead of being ended.
    pub stays: Option<SessionId>,
}

impl From<User> for Change {
    fn from(user: User) -> Self {
        Self { user, password_hash: None, messages: Vec::new(), stays: None }
    }
}

impl Store {
    /// Writes a new user with its login and, if given, a message, in one transaction. An address is free if its unverified holder has
    /// expired.
    ///
    /// # Errors
    /// [`Unmet::AddressTaken`] when another account has the address.
    pub async fn create_user(
        &self,
        user: &User,
        login: &Login,
        message: Option<&Message>,
        by: &By,
    ) -> Result<(), Error> {
        let free = Expression::new("attribute_not_exists(pk) OR expires_at <= :now", [(":now", at(by.at()))]);
        let new = || Expression::new("attribute_not_exists(pk)", []);
        let mut writes = Transaction::default()
            .put(&self.users, login_item(user, login)?, free, Unmet::AddressTaken)?
            .put(&self.users, user_item(user)?, new(), Unmet::Impossible("a new user id was taken"))?;
        if let Some(message) = message {
            writes = self.put_message(writes, message)?;
        }
        if user.is_working_admin() {
            writes = self.admins_more(writes, 1)?;
        }
        self.commit(writes, &[Event::new(EventName::SignedUp, &user.id, by)?]).await
    }

    /// The user with this identifier, expired or not, by a strongly consistent read.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_user(&self, id: &UserId) -> Result<Option<User>, Error> {
        if id.as_str().len() > MAX_ID_BYTES {
            return Ok(None);
        }
        let answer =
            self.client.get_item().table_name(&self.users).set_key(Some(key::user(id))).consistent_read(true).send();
        answer.await.map_err(failed)?.item.map(from_item).transpose()
    }

    /// Changes a user to what `decide` makes of the present record, and tries again if the record changed meanwhile. `known` is the record
    /// if the caller has just read it. Nothing is written when nothing changes.
    ///
    /// # Errors
    /// The error of `decide`; [`Unmet::Absent`]; [`Unmet::LastAdmin`] when no administrator would remain; [`Error::Busy`].
    pub async fn change_user<E: From<Error>>(
        &self,
        id: &UserId,
        known: Option<User>,
        by: &By,
        decide: impl Fn(&User) -> Result<Change, E>,
    ) -> Result<User, E> {
        let mut known = known;
        for _ in 0..ATTEMPTS {
            let before = match known.take() {
                Some(user) => user,
                None => self.read_user(id).await?.ok_or(Error::Unmet(Unmet::Absent))?,
            };
            let change = decide(&before)?;
            match self.replace_user(&before, &change, by).await {
                Err(Error::Unmet(Unmet::Changed)) => {}
                outcome => return Ok(outcome.map(|()| change.user)?),
            }
        }
        Err(Error::Busy.into())
    }

    /// Runs `attempt`, which makes several writes of its own, again from the start when a record changed meanwhile. It returns its own
    /// error, or the outcome of its writes.
    ///
    /// # Errors
    /// The error of `attempt`; [`Error::Busy`].
    pub async fn again_when_changed<E: From<Error>, F: Future<Output = Result<Result<(), Error>, E>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<(), E> {
        for _ in 0..ATTEMPTS {
            match attempt().await? {
                Err(Error::Unmet(Unmet::Changed)) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(Error::Busy.into())
    }

    /// Removes a user with its login if `decide` allows it, and then all its sessions; the address is free at once. Sessions that remain
    /// are void, and are left to cleanup by a [`Sweep`] that the removal writes.
    ///
    /// # Errors
    /// As [`Store::change_user`].
    pub async fn remove_user<E: From<Error>>(
        &self,
        id: &UserId,
        by: &By,
        decide: impl Fn(&User) -> Result<(), E>,
    ) -> Result<(), E> {
        for _ in 0..ATTEMPTS {
            let user = self.read_user(id).await?.ok_or(Error::Unmet(Unmet::Absent))?;
            decide(&user)?;
            match self.delete_user(&user, by).await {
                Err(Error::Unmet(Unmet::Changed)) => {}
                Ok(sweep) => {
                    let swept = tokio::time::timeout(SWEEP_TIME, self.sweep(&sweep)).await;
                    if !matches!(swept, Ok(Ok(()))) {
                        tracing::warn!(user.id = id.as_str(), "sessions of a removed user are left to cleanup");
                    }
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Busy.into())
    }

    /// Writes a change of `before`. Updates the login's copies of attributes and the count of administrators if they change.
    async fn replace_user(&self, before: &User, change: &Change, by: &By) -> Result<(), Error> {
        let after = &change.user;
        if before == after {
            return Ok(());
        }
        let copies = |user: &User| (user.role, user.is_verified, user.is_active, user.epoch, user.expires_at);
        let login_changes = change.password_hash.is_some() || copies(before) != copies(after);
        if !login_changes && change.messages.is_empty() {
            return self.update_user(before, after).await;
        }
        let mut writes = self.change_item(Transaction::default(), before, after)?;
        if login_changes {
            let login = key::login(&after.email.key());
            writes = writes.update(&self.users, login, login_update(change), "user_id = :id", Unmet::Changed)?;
        }
        for message in &change.messages {
            writes = self.put_message(writes, message)?;
        }
        if let Some(session) = &change.stays {
            writes = self.move_session(writes, after, session)?;
        }
        match (before.is_working_admin(), after.is_working_admin()) {
            (true, false) => writes = self.one_admin_less(writes)?,
            (false, true) => writes = self.admins_more(writes, 1)?,
            _ => {}
        }
        let events = Event::of_change(before, after, change.password_hash.is_some(), by)?;
        self.commit(writes, &events).await
    }

    /// Adds a change of the user's item, on condition that it is still `before`.
    pub(super) fn change_item(&self, writes: Transaction, before: &User, after: &User) -> Result<Transaction, Error> {
        let (update, condition) = user_update(before, after)?;
        writes.update(&self.users, key::user(&after.id), update, condition, Unmet::Changed)
    }

    async fn update_user(&self, before: &User, after: &User) -> Result<(), Error> {
        let (update, condition) = user_update(before, after)?;
        let outcome = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.users)
                .set_key(Some(key::user(&after.id)))
                .update_expression(update.text())
                .condition_expression(condition.clone())
                .set_expression_attribute_names(update.names())
                .set_expression_attribute_values(update.values())
                .send()
        });
        if_met(outcome.await)?.map(|_| ()).ok_or_else(|| Unmet::Changed.into())
    }

    /// Removes a user without its sessions, and returns the sweep that ends them.
    async fn delete_user(&self, user: &User, by: &By) -> Result<Sweep, Error> {
        let event = Event::new(EventName::Deleted, &user.id, by)?;
        let mut writes = Transaction::default()
            .delete(&self.users, key::user(&user.id), is_version(user), Unmet::Changed)?
            .delete(&self.users, key::login(&user.email.key()), is_of(&user.id), Unmet::Changed)?;
        if user.is_working_admin() {
            writes = self.one_admin_less(writes)?;
        }
        let sweep = Sweep { user_id: user.id.clone(), removed_at: event.created_at };
        let writes = self.note_sweep(writes, &sweep)?;
        let writes = self.free_left_over(writes, user, None).await?;
        self.commit(writes, &[event]).await.map(|()| sweep)
    }
}

/// The condition that a login item belongs to this user.
pub(super) fn is_of(id: &UserId) -> Expression {
    Expression::new("user_id = :id", [(":id", s(id.as_str()))])
}

pub(super) fn is_version(user: &User) -> Expression {
    Expression::new("version = :version", [(":version", n(user.version))])
}

fn login_update(change: &Change) -> Expression {
    let user = &change.user;
    let mut update =
        "SET user_role = :role, is_verified = :is_verified, is_active = :is_active, epoch = :epoch".to_owned();
    let mut values = vec![
        (":id", s(user.id.as_str())),
        (":role", s(user.role.as_str())),
        (":is_verified", AttributeValue::Bool(user.is_verified)),
        (":is_active", AttributeValue::Bool(user.is_active)),
        (":epoch", n(user.epoch)),
    ];
    if let Some(hash) = &change.password_hash {
        update.push_str(", password_hash = :hash");
        values.push((":hash", s(hash)));
    }
    if user.expires_at.is_none() {
        update.push_str(" REMOVE expires_at, purge_after");
    }
    Expression::new(update, values)
}
