//! The queue of events that functions gave up: the part of Amazon SQS that operators' commands use, kept in the data folder. Receiving a
//! message hides it for a while; the receiver has to delete it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use folder::write_private;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use template::{Fault, Template};
use user_core::clock::Timestamp;

/// How long a message is kept, in seconds, as the template says for AWS.
const KEPT_SECONDS: i64 = 14 * 86_400;

/// For how long a received message is hidden if the call does not say, in seconds (SQS's default).
const HIDDEN_SECONDS: i64 = 30;

/// The queue.
pub struct DeadLetters {
    name: String,
    file: Option<PathBuf>,
    messages: Mutex<Vec<Message>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Message {
    id: String,
    body: String,
    attributes: BTreeMap<String, String>,
    sent_at: Timestamp,
    received: u32,
    visible_at: Timestamp,
    receipt: String,
}

/// The call of any operation.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Call {
    queue_url: String,
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<i64>,
    receipt_handle: String,
    message_body: String,
    message_attributes: BTreeMap<String, Attribute>,
}

/// An attribute of a message; all attributes here are strings.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Attribute {
    string_value: String,
}

/// The type and message of an error.
type Refusal = (&'static str, &'static str);

impl DeadLetters {
    /// The template's queue, with the messages in `folder`, or empty.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn open(folder: Option<&Path>, template: &Template) -> Result<Self, Fault> {
        let name = template.queues().next().unwrap_or("DeadLetters").to_owned();
        let file = folder.map(|folder| folder.join(format!("{name}.json")));
        let kept = file.as_ref().filter(|file| file.exists()).map(fs::read_to_string).transpose()?;
        let messages = kept.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default();
        Ok(Self { name, file, messages: Mutex::new(messages) })
    }

    /// Puts a message into the queue.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn send(&self, body: &Value, attributes: &[(&str, &str)], now: Timestamp) -> Result<(), Fault> {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.put(body.to_string(), attributes, now)?;
        Ok(())
    }

    fn put(&self, body: String, attributes: BTreeMap<String, String>, now: Timestamp) -> Result<String, Fault> {
        let id = user_core::id::version()?;
        let (sent_at, visible_at, receipt) = (now, now, String::new());
        let mut messages = self.lock();
        messages.push(Message { id: id.clone(), body, attributes, sent_at, received: 0, visible_at, receipt });
        self.keep(&messages)?;
        Ok(id)
    }

    /// Answers a call; returns a status and a body.
    pub(crate) fn answer(&self, operation: &str, body: &[u8], now: Timestamp) -> (u16, String) {
        let call: Call = serde_json::from_slice(body).unwrap_or_default();
        let answer = if call.queue_url.rsplit('/').next() == Some(self.name.as_str()) {
            self.run(operation, call, now)
        } else {
            Err(("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist."))
        };
        match answer {
            Ok(answer) => (200, answer.to_string()),
            Err((code, message)) => (400, json!({ "__type": code, "message": message }).to_string()),
        }
    }

    fn run(&self, operation: &str, call: Call, now: Timestamp) -> Result<Value, Refusal> {
        let broken = |_| ("com.amazonaws.sqs#InternalFailure", "The queue cannot be written.");
        if operation == "SendMessage" {
            let attributes = call.message_attributes.into_iter().map(|(name, value)| (name, value.string_value));
            let id = self.put(call.message_body, attributes.collect(), now).map_err(broken)?;
            return Ok(json!({ "MessageId": id }));
        }
        let mut messages = self.lock();
        messages.retain(|message| now.since(message.sent_at) < KEPT_SECONDS);
        let answer = match operation {
            "ReceiveMessage" => {
                let until = now.plus(call.visibility_timeout.unwrap_or(HIDDEN_SECONDS));
                let visible = messages.iter_mut().filter(|message| message.visible_at <= now);
                let received = visible.take(call.max_number_of_messages.unwrap_or(1).min(10));
                let received = received.map(|message| message.receive(until)).collect::<Option<Vec<_>>>();
                json!({ "Messages": received.ok_or(("com.amazonaws.sqs#InternalFailure", "No random bytes."))? })
            }
            "DeleteMessage" => {
                messages.retain(|message| message.receipt.is_empty() || message.receipt != call.receipt_handle);
                json!({})
            }
            "ChangeMessageVisibility" => {
                let held =
                    |message: &&mut Message| !message.receipt.is_empty() && message.receipt == call.receipt_handle;
                let message = messages.iter_mut().find(held);
                let message =
                    message.ok_or(("com.amazonaws.sqs#ReceiptHandleIsInvalid", "The handle is not valid."))?;
                message.visible_at = now.plus(call.visibility_timeout.unwrap_or(0));
                json!({})
            }
            _ => return Err(("com.amazonaws.sqs#UnsupportedOperation", "The local stack does not know this call.")),
        };
        self.keep(&messages).map_err(broken)?;
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, messages: &[Message]) -> Result<(), Fault> {
        match &self.file {
            Some(file) => Ok(write_private(file, &serde_json::to_vec(messages)?)?),
            None => Ok(()),
        }
    }
}

impl Message {
    /// Hides the message, and returns it in SQS's format.
    fn receive(&mut self, until: Timestamp) -> Option<Value> {
        self.receipt = user_core::id::version().ok()?;
        self.received += 1;
        self.visible_at = until;
        let text = |value: &String| json!({ "DataType": "String", "StringValue": value });
        let attributes: Value = self.attributes.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        Some(json!({
            "MessageId": self.id,
            "ReceiptHandle": self.receipt,
            "Body": self.body,
            "Attributes": {
                "SentTimestamp": (self.sent_at.0 * 1_000).to_string(),
                "ApproximateReceiveCount": self.received.to_string(),
            },
            "MessageAttributes": attributes,
        }))
    }
}
