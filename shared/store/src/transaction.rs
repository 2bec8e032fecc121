//! Transactions: all writes or none, and an error that says which condition did not hold.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use user_core::error::{Error, Unmet};
use user_core::id::{self, random_below};

use super::Item;
use super::failure::failed;

/// A condition or update expression with its values.
#[derive(Clone)]
pub struct Expression {
    text: Cow<'static, str>,
    values: HashMap<String, AttributeValue>,
    /// The placeholders of attribute names, which can be reserved words.
    names: HashMap<String, String>,
}

impl Expression {
    /// An expression with the values of its placeholders.
    pub fn new<'a>(
        text: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = (&'a str, AttributeValue)>,
    ) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { text: text.into(), values, names: HashMap::new() }
    }

    /// The update of `old` to `new`, both as this release writes them: sets attributes that differ, and removes those that `new` lacks.
    /// Attributes that this release does not know stay. `None` when both are the same.
    pub(crate) fn from_to(old: &Item, new: &Item) -> Option<Self> {
        let mut sets: Vec<_> = new.iter().filter(|(name, value)| old.get(*name) != Some(value)).collect();
        let mut removes: Vec<_> = old.keys().filter(|name| !new.contains_key(*name)).collect();
        if sets.is_empty() && removes.is_empty() {
            return None;
        }
        // Sorted, so that the same change is the same request.
        sets.sort_by_key(|(name, _)| *name);
        removes.sort();
        let (mut values, mut names) = (HashMap::new(), HashMap::new());
        let mut set = Vec::new();
        for (index, (name, value)) in sets.into_iter().enumerate() {
            names.insert(format!("#set{index}"), name.clone());
            values.insert(format!(":set{index}"), value.clone());
            set.push(format!("#set{index} = :set{index}"));
        }
        let remove = removes.into_iter().enumerate().map(|(index, name)| {
            names.insert(format!("#remove{index}"), name.clone());
            format!("#remove{index}")
        });
        let remove: Vec<_> = remove.collect();
        let part = |word: &str, list: &[String]| {
            if list.is_empty() { String::new() } else { format!("{word} {} ", list.join(", ")) }
        };
        let text = part("SET", &set) + &part("REMOVE", &remove);
        Some(Self { text: text.trim_end().to_owned().into(), values, names })
    }

    /// The same with the values and names of a condition, and the text of the condition.
    pub(crate) fn with(mut self, condition: Self) -> (Self, Cow<'static, str>) {
        self.values.extend(condition.values);
        self.names.extend(condition.names);
        (self, condition.text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        self.clone().into_values()
    }

    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    fn into_values(self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then_some(self.values)
    }
}

/// Up to 100 writes, each with the error that it means when its condition does not hold.
#[derive(Default)]
pub struct Transaction {
    writes: Vec<TransactWriteItem>,
    unmet: Vec<Unmet>,
}

impl Transaction {
    fn with(mut self, write: TransactWriteItem, unmet: Unmet) -> Self {
        self.writes.push(write);
        self.unmet.push(unmet);
        self
    }

    /// Adds a put of an item, on a condition for the item at its key.
    ///
    /// # Errors
    /// [`Error::Internal`] when the write cannot be built.
    pub fn put(self, table: &str, item: Item, condition: Expression, unmet: Unmet) -> Result<Self, Error> {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression(condition.text.clone())
            .set_expression_attribute_values(condition.into_values())
            .build()
            .map_err(Error::internal)?;
        Ok(self.with(TransactWriteItem::builder().put(put).build(), unmet))
    }

    /// Adds an update of an item; `update` has the values of both expressions.
    pub(crate) fn update(
        self,
        table: &str,
        key: Item,
        update: Expression,
        condition: impl Into<String>,
        unmet: Unmet,
    ) -> Result<Self, Error> {
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key))
            .update_expression(update.text.clone())
            .condition_expression(condition)
            .set_expression_attribute_names(update.names())
            .set_expression_attribute_values(update.into_values())
            .build()
            .map_err(Error::internal)?;
        Ok(self.with(TransactWriteItem::builder().update(update).build(), unmet))
    }

    pub(crate) fn delete(self, table: &str, key: Item, condition: Expression, unmet: Unmet) -> Result<Self, Error> {
        let delete = Delete::builder()
            .table_name(table)
            .set_key(Some(key))
            .condition_expression(condition.text.clone())
            .set_expression_attribute_values(condition.into_values())
            .build()
            .map_err(Error::internal)?;
        Ok(self.with(TransactWriteItem::builder().delete(delete).build(), unmet))
    }

    /// Adds a put of an item that replaces whatever is at its key.
    pub(crate) fn overwrite(self, table: &str, item: Item) -> Result<Self, Error> {
        let put = Put::builder().table_name(table).set_item(Some(item)).build().map_err(Error::internal)?;
        let write = TransactWriteItem::builder().put(put).build();
        Ok(self.with(write, Unmet::Impossible("a write without a condition was refused")))
    }

    /// Writes everything, once: every retry, by the SDK after a lost reply or by us after a conflict, has the same request token.
    ///
    /// # Errors
    /// [`Error::Unmet`] of the first write whose condition does not hold; [`Error::Busy`] when others keep writing the same items.
    pub async fn commit(self, client: &Client) -> Result<(), Error> {
        let token = id::version()?;
        let outcome = unless_contended(|| {
            let write = client.transact_write_items().client_request_token(&token);
            write.set_transact_items(Some(self.writes.clone())).send()
        });
        match outcome.await {
            Ok(_) => Ok(()),
            Err(error) => {
                let unmet = failed_condition(&error).and_then(|index| self.unmet.get(index));
                Err(match unmet {
                    Some(Unmet::Impossible(what)) => Error::internal(*what),
                    Some(unmet) => Error::Unmet(*unmet),
                    None => failure(error),
                })
            }
        }
    }
}

fn failed_condition(error: &SdkError<TransactWriteItemsError>) -> Option<usize> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return None;
    };
    cancelled.cancellation_reasons().iter().position(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

/// An error of requests that a competing transaction or a moment without capacity can make fail.
pub trait Contended {
    /// Whether another transaction held the item, or there was no capacity for a moment.
    fn is_conflict(&self) -> bool;
}

impl Contended for TransactWriteItemsError {
    fn is_conflict(&self) -> bool {
        let Self::TransactionCanceledException(cancelled) = self else {
            return self.code() == Some("TransactionInProgressException");
        };
        let codes: Vec<_> = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
        let passes =
            |code: &&str| matches!(*code, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded");
        codes.iter().any(passes) && codes.iter().all(|code| *code == "None" || passes(code))
    }
}

macro_rules! contended {
    ($($error:path),+) => {$(
        impl Contended for $error {
            fn is_conflict(&self) -> bool {
                self.code() == Some("TransactionConflictException")
            }
        }
    )+};
}
contended!(
    aws_sdk_dynamodb::operation::put_item::PutItemError,
    aws_sdk_dynamodb::operation::update_item::UpdateItemError,
    aws_sdk_dynamodb::operation::delete_item::DeleteItemError
);

const ATTEMPTS: u32 = 8;

/// Retries a write while another transaction holds its items, with random pauses that double (about a second in all).
///
/// # Errors
/// The last one.
pub async fn unless_contended<T, E, F>(attempt: impl Fn() -> F) -> Result<T, SdkError<E>>
where
    E: Contended,
    F: Future<Output = Result<T, SdkError<E>>>,
{
    let mut turn = 1;
    loop {
        match attempt().await {
            Err(error) if turn < ATTEMPTS && error.as_service_error().is_some_and(Contended::is_conflict) => {
                tokio::time::sleep(Duration::from_millis(1 + random_below(8 << turn))).await;
                turn += 1;
            }
            outcome => return outcome,
        }
    }
}

/// The error of a failed call that no unmet condition explains.
pub(crate) fn failure<E>(error: SdkError<E>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + Contended + 'static,
{
    if error.as_service_error().is_some_and(Contended::is_conflict) { Error::Busy } else { failed(error) }
}

/// The response to a write of one item; `None` when its condition did not hold.
///
/// # Errors
/// [`Error::Busy`] when others keep writing the item; [`Error::Unavailable`].
pub fn if_met<T, E>(outcome: Result<T, SdkError<E>>) -> Result<Option<T>, Error>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + Contended + 'static,
{
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
        Err(error) => Err(failure(error)),
    }
}
