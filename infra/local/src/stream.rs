//! Stream mappings: send the filtered records of a table's stream to a function in batches, retry failed ones, and then give them up.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use folder::write_private;
use serde_json::{Value, json};
use template::{Fault, Mapping};

use crate::aws::Aws;
use crate::function::Function;

/// A mapping and how far it has read.
pub struct Poller {
    aws: Aws,
    function_id: String,
    function: Arc<Function>,
    mapping: Mapping,
    stream_arn: String,
    shard_id: String,
    read_to: Option<String>,
    failures: u32,
    file: Option<PathBuf>,
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There were no new records.
    Idle,
    /// There were records, and all of them were handled.
    Done,
    /// A record failed and will be retried.
    Failed,
}

impl Poller {
    /// A mapping to `function` that continues at the position in `file`.
    ///
    /// # Errors
    /// If the table of the stream does not exist.
    pub fn open(
        aws: &Aws,
        file: Option<PathBuf>,
        mapping: &Mapping,
        (function_id, function): (&str, Arc<Function>),
    ) -> Result<Self, Fault> {
        let database = &aws.database;
        let table = mapping.stream.trim_end_matches(".StreamArn");
        let description = database.describe_table(serde_json::from_value(json!({ "TableName": table }))?)?;
        let description = serde_json::to_value(description)?;
        let stream_arn = description["Table"]["LatestStreamArn"].as_str().ok_or("the table has no stream")?.to_owned();
        let described = database.describe_stream(serde_json::from_value(json!({ "StreamArn": stream_arn }))?)?;
        let described = serde_json::to_value(described)?;
        let shard_id = described["StreamDescription"]["Shards"][0]["ShardId"]
            .as_str()
            .ok_or("the stream has no shard")?
            .to_owned();
        let read_to = file.as_ref().and_then(|file| fs::read_to_string(file).ok()).filter(|text| !text.is_empty());
        Ok(Self {
            aws: aws.clone(),
            function_id: function_id.to_owned(),
            function,
            mapping: mapping.clone(),
            stream_arn,
            shard_id,
            read_to,
            failures: 0,
            file,
        })
    }

    /// Handles the next batch, if there is one.
    ///
    /// # Errors
    /// If the database does not answer or the position cannot be written.
    pub async fn step(&mut self) -> Result<Step, Fault> {
        let records = self.next_records()?;
        let (Some(first), Some(last)) = (records.first().map(sequence), records.last().map(sequence)) else {
            return Ok(Step::Idle);
        };
        let wanted: Vec<_> = records.iter().filter(|record| self.wants(record)).cloned().collect();
        let failed = if wanted.is_empty() { None } else { self.first_failure(wanted, &first).await };
        match failed {
            None => {
                self.failures = 0;
                self.move_to(last)?;
                Ok(Step::Done)
            }
            Some(sequence_number) => self.again_from(&records, &sequence_number),
        }
    }

    fn next_records(&self) -> Result<Vec<Value>, Fault> {
        let start = match &self.read_to {
            Some(sequence) => json!({ "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": sequence }),
            None => json!({ "ShardIteratorType": "TRIM_HORIZON" }),
        };
        let mut request = json!({ "StreamArn": self.stream_arn, "ShardId": self.shard_id });
        if let (Some(request), Value::Object(start)) = (request.as_object_mut(), start) {
            request.extend(start);
        }
        let iterator = self.aws.database.get_shard_iterator(serde_json::from_value(request)?)?.shard_iterator;
        let request = json!({ "ShardIterator": iterator, "Limit": self.mapping.batch_size });
        let answer = self.aws.database.get_records(serde_json::from_value(request)?)?;
        Ok(answer.records.iter().map(serde_json::to_value).collect::<Result<_, _>>()?)
    }

    fn wants(&self, record: &Value) -> bool {
        let filters = &self.mapping.filter_criteria.filters;
        filters
            .iter()
            .any(|filter| serde_json::from_str(&filter.pattern).is_ok_and(|pattern| matches(&pattern, record)))
    }

    /// The first record that the function did not accept, or the first of all if the function failed.
    async fn first_failure(&self, records: Vec<Value>, first: &str) -> Option<String> {
        let all = Some(first.to_owned());
        match self.function.invoke(json!({ "Records": records })).await {
            Ok(response) => {
                let failures = response["batchItemFailures"].as_array().cloned().unwrap_or_default();
                failures
                    .first()
                    .map(|failure| failure["itemIdentifier"].as_str().map_or(first, |sequence| sequence).to_owned())
            }
            Err(fault) => {
                tracing::error!(error.cause = %fault, "a function failed");
                all
            }
        }
    }

    /// Continues at a failed record, or after it if it has used up its attempts.
    fn again_from(&mut self, records: &[Value], failed: &str) -> Result<Step, Fault> {
        let done = records.iter().map(sequence).take_while(|sequence| sequence != failed).last();
        if let Some(done) = done {
            self.failures = 0;
            self.move_to(done)?;
        }
        self.failures += 1;
        if self.failures <= self.mapping.maximum_retry_attempts {
            return Ok(Step::Failed);
        }
        tracing::error!(stream.sequence_number = failed, "a record was given up");
        self.set_aside(failed)?;
        self.failures = 0;
        self.move_to(failed.to_owned())?;
        Ok(Step::Done)
    }

    /// Records where a record was that was given up; Lambda records no more (Lambda Developer Guide, "Retain discarded records").
    fn set_aside(&self, failed: &str) -> Result<(), Fault> {
        let now = self.aws.clock.now();
        let record = json!({
            "version": "1.0",
            "timestamp": now.to_string(),
            "requestContext": {
                "requestId": user_core::id::version()?,
                "functionArn": self.function_id,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": self.failures,
            },
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST" },
            "DDBStreamBatchInfo": {
                "shardId": self.shard_id,
                "startSequenceNumber": failed,
                "endSequenceNumber": failed,
                "batchSize": 1,
                "streamArn": self.stream_arn,
            },
        });
        self.aws.dead_letters.send(&record, &[], now)
    }

    fn move_to(&mut self, sequence: String) -> Result<(), Fault> {
        if let Some(file) = &self.file {
            write_private(file, sequence.as_bytes())?;
        }
        self.read_to = Some(sequence);
        Ok(())
    }
}

fn sequence(record: &Value) -> String {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned()
}

/// Whether `event` matches a pattern of literals (Lambda's event filtering syntax, which is the same as `EventBridge`'s).
pub(crate) fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().all(|(name, pattern)| matches(pattern, &event[name])),
        Value::Array(allowed) => match event {
            Value::Array(values) => values.iter().any(|value| allowed.contains(value)),
            value => allowed.contains(value),
        },
        _ => false,
    }
}
