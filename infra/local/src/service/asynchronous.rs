//! Asynchronous invocations: Lambda retries one that fails, and sends an event that it gives up to the destination in the template (Lambda
//! Developer Guide, "Capturing records of asynchronous invocations").

use serde_json::{Value, json};
use template::Fault;

use super::Service;

impl Service {
    /// Invokes a function by its logical id until it succeeds or is given up, which is recorded. Lambda waits one or two minutes between
    /// two attempts; there is no such wait here.
    ///
    /// # Errors
    /// If there is no such function, or the record cannot be written.
    pub async fn call_later(&self, id: &str, event: Value) -> Result<(), Fault> {
        let mut why = String::new();
        self.function(id)?;
        let config = self.asynchronous.get(id).cloned().unwrap_or_default();
        let attempts = 1 + config.maximum_retry_attempts;
        for _ in 0..attempts {
            match self.invoke(id, event.clone()).await {
                Ok(_) => return Ok(()),
                Err(fault) => why = fault.to_string(),
            }
        }
        tracing::error!(function.name = id, error.cause = why, "a function failed");
        let (Some(aws), Some(_)) = (&self.aws, config.destination_config) else { return Ok(()) };
        let now = self.clock.now();
        let record = json!({
            "version": "1.0",
            "timestamp": now.to_string(),
            "requestContext": {
                "requestId": user_core::id::version()?,
                "functionArn": id,
                "condition": "RetriesExhausted",
                "approximateInvokeCount": attempts,
            },
            "requestPayload": event,
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
            "responsePayload": { "errorType": "Error", "errorMessage": why },
        });
        aws.dead_letters.send(&record, &[], now)
    }
}
