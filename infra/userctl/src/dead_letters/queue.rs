//! The queue. Amazon SQS cannot list messages: they are received, which hides them for a while, and given back.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use template::Fault;

use super::Message;
use crate::signed;
use crate::stage::Stage;

/// For how long received messages are hidden, in seconds; long enough to handle a thousand of them.
const HIDDEN_SECONDS: u32 = 300;

/// How long a call waits for messages, in seconds. Only a long poll asks all of SQS's servers.
const WAIT_SECONDS: u32 = 1;

/// How many messages are received at once (SQS's limit).
const AT_ONCE: u32 = 10;

pub(super) struct Queue<'a> {
    stage: &'a Stage,
    url: &'a str,
}

impl<'a> Queue<'a> {
    /// The queue of a stage.
    pub(super) fn of(stage: &'a Stage) -> Result<Self, Fault> {
        let url = stage.dead_letters.as_deref();
        let url = url.ok_or("DEAD_LETTERS_URL is missing: it is the stack's output DeadLettersUrl")?;
        Ok(Self { stage, url })
    }

    /// Receives all messages, keeps those that are wanted hidden from others, and gives back the rest.
    pub(super) async fn take(&self, wanted: impl Fn(&Message) -> bool) -> Result<Vec<Message>, Fault> {
        let (mut taken, mut others, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        loop {
            let page = self.receive().await?;
            let known = seen.len();
            for message in page {
                // A message that is received again was visible again, so only its newer receipt is valid.
                if !seen.insert(message.id.clone()) {
                    taken.retain(|other: &Message| other.id != message.id);
                    others.retain(|other: &Message| other.id != message.id);
                }
                if wanted(&message) { taken.push(message) } else { others.push(message) }
            }
            if seen.len() == known {
                break;
            }
        }
        self.give_back(&others).await?;
        Ok(taken)
    }

    async fn receive(&self) -> Result<Vec<Message>, Fault> {
        let received = self.call(
            "ReceiveMessage",
            json!({
                "MaxNumberOfMessages": AT_ONCE,
                "VisibilityTimeout": HIDDEN_SECONDS,
                "WaitTimeSeconds": WAIT_SECONDS,
                "MessageAttributeNames": ["All"],
                "MessageSystemAttributeNames": ["SentTimestamp"],
            }),
        );
        let received = received.await?;
        Ok(received["Messages"].as_array().into_iter().flatten().map(Message::read).collect())
    }

    /// Makes messages visible to others again.
    pub(super) async fn give_back(&self, messages: &[Message]) -> Result<(), Fault> {
        for message in messages {
            self.call("ChangeMessageVisibility", json!({ "ReceiptHandle": message.receipt, "VisibilityTimeout": 0 }))
                .await?;
        }
        Ok(())
    }

    pub(super) async fn delete(&self, message: &Message) -> Result<(), Fault> {
        self.call("DeleteMessage", json!({ "ReceiptHandle": message.receipt })).await.map(|_| ())
    }

    async fn call(&self, operation: &str, mut request: Value) -> Result<Value, Fault> {
        request["QueueUrl"] = json!(self.url);
        let sdk = &self.stage.sdk;
        let target = format!("AmazonSQS.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.0".to_owned()), ("x-amz-target", target)];
        let region = sdk.region().ok_or("there is no AWS region")?.as_ref().to_owned();
        let endpoint = sdk.endpoint_url().map_or_else(|| origin(self.url), |url| Some(url.to_owned()));
        let endpoint =
            endpoint.ok_or("DEAD_LETTERS_URL is no URL such as https://sqs.eu-central-1.amazonaws.com/...")?;
        signed::post(sdk, ("sqs", &region), &endpoint, &headers, &request).await
    }
}

/// The origin of a queue's URL, to which calls are sent.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    Some(format!("{scheme}://{}/", rest.split('/').next()?))
}
