//! How many emails that anybody can request a mailbox may still get, in the ephemeral table.

use serde::{Deserialize, Serialize};
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::id::{MessageId, UserId};
use user_core::limit::allowance::{AT_ONCE, after_one_more};
use user_core::limit::mailbox::{Asked, REFILL_SECONDS};
use user_core::message::Message;

use super::failure::failed;
use super::transaction::{if_met, unless_contended};
use super::{Store, from_item, key, s, to_item};

/// The epoch of an account, which voids the links of earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// The account.
    pub user_id: UserId,
    /// Its epoch.
    pub epoch: u64,
}

/// The item for a mailbox and a purpose.
#[derive(Serialize, Deserialize)]
struct Allowance {
    /// When the allowance is full again; TTL may remove the item then.
    expires_at: Timestamp,
    /// The message that was counted last.
    #[serde(rename = "letter")]
    message: MessageId,
    /// The epoch that renewed the allowance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<Epoch>,
}

impl Allowance {
    /// Whether the counted links are void by now, so that the allowance starts again.
    fn is_over_in(&self, present: &Epoch) -> bool {
        let later = |of: &Epoch| of.user_id != present.user_id || of.epoch < present.epoch;
        self.of.as_ref().is_none_or(later)
    }
}

impl Store {
    /// Counts a message against the allowance of its mailbox; returns whether it may be sent. The message that was counted last is not
    /// counted again, so that a lost reply does not cost the mailbox an email.
    ///
    /// `epoch` is given for links that a later epoch voids: in a later one, and for another account, the mailbox has its full allowance
    /// again, so that nobody can leave the owner without a valid link by ending an epoch.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn count_message(
        &self,
        message: &Message,
        asked: Asked,
        epoch: Option<Epoch>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let account = message.user_id.as_ref().map_or("", |id| id.as_str());
        let key = key::messages(&message.to.key(), asked.as_str(), account);
        for _ in 0..AT_ONCE {
            let read = self.client.get_item().table_name(&self.ephemeral).set_key(Some(key.clone()));
            let item = read.consistent_read(true).send().await.map_err(failed)?.item;
            let before = item.map(from_item::<Allowance>).transpose()?;
            if before.as_ref().is_some_and(|before| before.message == message.id) {
                return Ok(true);
            }
            let is_over = |before: &&Allowance| epoch.as_ref().is_some_and(|epoch| before.is_over_in(epoch));
            let counted = before.as_ref().filter(|before| !is_over(before));
            let full_again_at = counted.map(|counted| counted.expires_at);
            let Ok(expires_at) = after_one_more(full_again_at, REFILL_SECONDS, now) else { return Ok(false) };
            let of = counted.map_or_else(|| epoch.clone(), |counted| counted.of.clone());
            let item = to_item(&Allowance { expires_at, message: message.id.clone(), of }, key.clone())?;
            let put = unless_contended(|| {
                let put = self.client.put_item().table_name(&self.ephemeral).set_item(Some(item.clone()));
                match &before {
                    None => put.condition_expression("attribute_not_exists(pk)"),
                    Some(before) => put
                        .condition_expression("letter = :last")
                        .expression_attribute_values(":last", s(before.message.as_str())),
                }
                .send()
            });
            if if_met(put.await)?.is_some() {
                return Ok(true);
            }
        }
        // Another message was counted each time, so that nothing is left by now.
        Ok(false)
    }
}
