//! A message of the queue: a record of Lambda's (an asynchronous call or a batch of a stream that was given up), or an event that a rule of
//! `EventBridge` or its scheduler could not deliver.

use aws_types::SdkConfig;
use serde_json::{Value, json};
use template::Fault;
use user_core::clock::Timestamp;

use super::shown::{printable, shown, without_secrets};

/// The first second whose year has more than four digits.
const LAST_SECOND: i64 = 253_402_300_800;

/// The origin of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A failed asynchronous call of a function.
    Call,
    /// A failed batch of a stream; the message only names the records.
    Stream,
    /// An event that a rule could not deliver to its target.
    Rule,
    /// A call that the scheduler could not make.
    Schedule,
    /// An unknown origin.
    Unknown,
}

impl Source {
    fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Stream => "stream",
            Self::Rule => "rule",
            Self::Schedule => "schedule",
            Self::Unknown => "unknown",
        }
    }
}

/// A message as it was received.
pub struct Message {
    /// Its identifier, which is the same each time the message is received.
    pub id: String,
    /// When it was put into the queue.
    pub sent_at: Timestamp,
    pub(super) receipt: String,
    source: Source,
    /// The function's ARN; locally its logical id.
    function: Option<String>,
    why: String,
    attempts: u64,
    event: Option<Value>,
}

impl Message {
    /// Reads a message in the form in which SQS delivers it.
    pub(super) fn read(message: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let attribute = |name: &str| message["MessageAttributes"][name]["StringValue"].as_str();
        let body: Value = serde_json::from_str(message["Body"].as_str().unwrap_or_default()).unwrap_or_default();
        let context = &body["requestContext"];
        let source = match () {
            () if body["DDBStreamBatchInfo"].is_object() => Source::Stream,
            () if context["functionArn"].is_string() && body.get("requestPayload").is_some() => Source::Call,
            () if attribute("RULE_ARN").is_some() => Source::Rule,
            () if attribute("SCHEDULE_ARN").is_some() => Source::Schedule,
            () => Source::Unknown,
        };
        let (function, why, attempts, event) = match source {
            Source::Call | Source::Stream => {
                let error = &body["responsePayload"];
                let said = [&context["condition"], &error["errorType"], &error["errorMessage"]];
                // The message does not contain the records; with an empty event the function looks for what is due.
                let event = if source == Source::Call { body["requestPayload"].clone() } else { json!({}) };
                let attempts = context["approximateInvokeCount"].as_u64().unwrap_or(0);
                (context["functionArn"].as_str(), said.map(text).join(" "), attempts, Some(event))
            }
            Source::Rule | Source::Schedule => {
                let said = ["EXHAUSTED_RETRY_CONDITION", "ERROR_CODE", "ERROR_MESSAGE"];
                let why = said.map(|name| attribute(name).unwrap_or_default()).join(" ");
                let retries = attribute("RETRY_ATTEMPTS").and_then(|number| number.parse::<u64>().ok());
                let whole = attribute("IS_PAYLOAD_TRUNCATED") != Some("true");
                (
                    attribute("TARGET_ARN"),
                    why,
                    retries.map_or(0, |retries| retries.saturating_add(1)),
                    whole.then_some(body.clone()),
                )
            }
            Source::Unknown => (None, String::new(), 0, None),
        };
        let sent_at = message["Attributes"]["SentTimestamp"].as_str().and_then(|millis| millis.parse::<i64>().ok());
        let sent_at = sent_at.map(|millis| millis / 1_000).filter(|seconds| (0..LAST_SECOND).contains(seconds));
        Self {
            id: printable(&text(&message["MessageId"])),
            sent_at: Timestamp(sent_at.unwrap_or(0)),
            receipt: text(&message["ReceiptHandle"]),
            source,
            function: function.map(printable),
            why: without_secrets(&printable(&why)),
            attempts,
            event,
        }
    }

    /// The function's name; empty if the message names none.
    pub(super) fn function_name(&self) -> &str {
        let function = self.function.as_deref().unwrap_or_default();
        function.split(':').nth(6).unwrap_or(function)
    }

    pub(super) fn line(&self) -> String {
        let name = Some(self.function_name()).filter(|name| !name.is_empty()).unwrap_or("no function");
        let times = if self.attempts == 1 { "attempt" } else { "attempts" };
        let line = format!(
            "{}  {}  {name}  {}  {} {times}  {}",
            self.id,
            self.sent_at,
            self.source.as_str(),
            self.attempts,
            self.why
        );
        line.trim_end().to_owned()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "sent_at": self.sent_at.to_string(),
            "function": self.function_name(),
            "source": self.source.as_str(),
            "attempts": self.attempts,
            "why": self.why,
        })
    }

    /// The event without values that may be an address or a token.
    pub(super) fn shown_event(&self) -> Value {
        self.event.as_ref().map_or(Value::Null, |event| shown(event, ""))
    }

    /// The event to call the function with again.
    pub(super) fn event(&self) -> Result<Value, Fault> {
        let words = match self.source {
            Source::Unknown => "the message is of no known kind",
            _ => "the message holds no whole event",
        };
        self.event.clone().ok_or_else(|| words.into())
    }

    /// The URL of Lambda's `Invoke` for the function, and the function's region.
    pub(super) fn invocation(&self, sdk: &SdkConfig) -> Result<(String, String), Fault> {
        let function = self.function.as_deref().ok_or("the message names no function")?;
        let name = self.function_name();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            return Err("the message names no function".into());
        }
        let parts: Vec<_> = function.split(':').collect();
        let (own, suffix) = match parts.as_slice() {
            ["arn", "aws-cn", _, region, ..] => (Some(*region), "amazonaws.com.cn"),
            ["arn", _, _, region, ..] => (Some(*region), "amazonaws.com"),
            _ => (None, "amazonaws.com"),
        };
        let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !own.is_none_or(plain) || !parts.get(7).is_none_or(|qualifier| plain(qualifier.trim_start_matches('$'))) {
            return Err("the message names no function".into());
        }
        let region = own.or_else(|| sdk.region().map(AsRef::as_ref)).ok_or("there is no AWS region")?;
        let qualifier = parts.get(7).filter(|qualifier| **qualifier != "$LATEST");
        let query = qualifier.map(|qualifier| format!("?Qualifier={qualifier}")).unwrap_or_default();
        let endpoint = sdk.endpoint_url().map(|url| url.trim_end_matches('/').to_owned());
        let endpoint = endpoint.unwrap_or_else(|| format!("https://lambda.{region}.{suffix}"));
        Ok((format!("{endpoint}/2015-03-31/functions/{name}/invocations{query}"), region.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:users-FeedbackFunction-A1:live";

    fn sdk() -> SdkConfig {
        SdkConfig::builder().region(aws_types::region::Region::new("eu-central-1")).build()
    }

    #[test]
    fn what_each_service_puts_there_is_read() {
        let attributes = |names: &[(&str, &str)]| -> Value {
            names.iter().map(|(name, value)| ((*name).to_owned(), json!({ "StringValue": value }))).collect()
        };
        let message = |body: Value, names: &[(&str, &str)]| {
            Message::read(&json!({
                "MessageId": "m", "ReceiptHandle": "r", "Body": body.to_string(),
                "Attributes": { "SentTimestamp": "1795420800123" }, "MessageAttributes": attributes(names),
            }))
        };
        let context = json!({ "functionArn": ARN, "condition": "RetriesExhausted", "approximateInvokeCount": 3 });
        let call = message(json!({ "requestContext": context, "requestPayload": { "a": 1 } }), &[]);
        assert_eq!(
            call.line(),
            "m  2026-11-23T08:00:00Z  users-FeedbackFunction-A1  call  3 attempts  RetriesExhausted"
        );
        assert_eq!(call.event().unwrap(), json!({ "a": 1 }));
        let stream = message(json!({ "requestContext": context, "DDBStreamBatchInfo": { "shardId": "s" } }), &[]);
        assert_eq!((stream.source, stream.event().unwrap()), (Source::Stream, json!({})));
        let rule = [("RULE_ARN", "x"), ("TARGET_ARN", ARN), ("ERROR_CODE", "NO_PERMISSIONS"), ("RETRY_ATTEMPTS", "0")];
        let rule = message(json!({ "source": "aws.ses" }), &rule);
        assert_eq!((rule.source, rule.attempts, rule.why.as_str()), (Source::Rule, 1, "NO_PERMISSIONS"));
        let cut = [("SCHEDULE_ARN", "x"), ("TARGET_ARN", ARN), ("IS_PAYLOAD_TRUNCATED", "true")];
        assert_eq!(message(json!({}), &cut).event().unwrap_err().to_string(), "the message holds no whole event");
        let foreign = message(json!("hello"), &[]);
        assert!(foreign.event().is_err() && foreign.invocation(&sdk()).is_err());
        assert!(foreign.line().contains("no function  unknown"));
    }

    #[test]
    fn a_function_is_called_where_it_is_and_by_its_alias() {
        let of = |function: &str| {
            let body = json!({ "requestContext": { "functionArn": function }, "requestPayload": {} }).to_string();
            Message::read(&json!({ "Body": body })).invocation(&sdk())
        };
        let (url, region) = of(ARN).unwrap();
        let path = "/2015-03-31/functions/users-FeedbackFunction-A1/invocations";
        assert_eq!(url, format!("https://lambda.eu-central-1.amazonaws.com{path}?Qualifier=live"));
        assert_eq!(region, "eu-central-1");
        let latest = ARN.replace(":live", ":$LATEST").replace("aws:lambda:eu-central-1", "aws-cn:lambda:cn-north-1");
        assert_eq!(of(&latest).unwrap().0, format!("https://lambda.cn-north-1.amazonaws.com.cn{path}"));
        for foreign in [
            "arn:aws:lambda:eu-central-1:123456789012:function:a/../b",
            "arn:aws:lambda:x@127.0.0.1/#:1:function:x",
            "arn:aws:lambda:evil.example/:1:function:x",
            "arn:aws:lambda:eu-central-1:1:function:x:live&Qualifier=other",
        ] {
            assert!(of(foreign).is_err(), "{foreign}");
        }
    }

    #[test]
    fn a_message_that_is_made_to_do_harm_is_a_line_like_every_other() {
        let attributes = json!({
            "RULE_ARN": { "StringValue": "x" },
            "RETRY_ATTEMPTS": { "StringValue": u64::MAX.to_string() },
            "TARGET_ARN": { "StringValue": "a\nforged  line" },
            "ERROR_MESSAGE": { "StringValue": "\u{1b}[2J" },
        });
        for millis in ["99999999999999999", "-99999999999999999", "soon"] {
            let message = Message::read(&json!({
                "MessageId": "m\u{7}", "Body": "{}", "MessageAttributes": attributes, "Attributes": { "SentTimestamp": millis },
            }));
            assert!(!message.line().chars().any(char::is_control), "{}", message.line());
            assert_eq!(message.json()["sent_at"], "1970-01-01T00:00:00Z");
        }
    }
}
