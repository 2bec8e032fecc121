//! The queue. Amazon SQS has no way to look at messages: they are received, hidden from others for a while, and given back.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use template::Fault;

use super::Message;
use crate::signed;
use crate::stage::Stage;

/// For how long messages are hidden from others, in seconds: long enough for a thousand of them.
const HIDDEN_SECONDS: u32 = 300;

/// How long a call waits for messages, in seconds: only one that waits asks all of SQS' servers.
const WAIT_SECONDS: u32 = 1;

/// How many messages come at once (SQS' limit).
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

    /// Takes the messages that are wanted out of the sight of others; the rest is given back.
    pub(super) async fn take(&self, wanted: impl Fn(&Message) -> bool) -> Result<Vec<Message>, Fault> {
        let (mut taken, mut others, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        loop {
            let page = self.receive().await?;
            let known = seen.len();
            for message in page {
                // One that is hidden no longer comes again: its newer receipt is the one that counts.
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

    /// Lets others see messages again.
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

/// Where the queue with this URL is asked.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    Some(format!("{scheme}://{}/", rest.split('/').next()?))
}
