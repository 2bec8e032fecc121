//! The error of a failed call that no unmet condition explains.

use std::fmt::Debug;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use serde_json::Value;
use user_core::error::Error;

/// Codes of errors that may pass, after all retries of the SDK.
const PASSING: [&str; 6] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "LimitExceededException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Makes the SDK retry two more kinds of calls: those whose response is mutilated, which may or may not have had an effect, like those
/// without a response, and writes of an item that another transaction holds.
#[derive(Debug)]
pub(crate) struct Repeatable;

impl ClassifyRetry for Repeatable {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = context.output_or_error().is_some_and(|outcome| outcome.is_err());
        let repeatable = |answer| match body(answer) {
            None => true,
            Some(body) => body["__type"].as_str().is_some_and(|kind| kind.ends_with("TransactionConflictException")),
        };
        match context.response() {
            Some(answer) if failed && repeatable(answer) => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Repeatable"
    }
}

/// The JSON of a response; `None` when it is mutilated.
fn body(answer: &HttpResponse) -> Option<Value> {
    serde_json::from_slice(answer.body().bytes()?).ok()
}

/// [`Error::Unavailable`] when the service was out of reach or had no capacity, so that a later attempt may succeed; otherwise
/// [`Error::Internal`].
pub fn failed<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Debug + Send + Sync + 'static,
{
    let passing = match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(answer) => {
            answer.raw().status().is_server_error()
                || body(answer.raw()).is_none()
                || error.code().is_some_and(|code| PASSING.contains(&code))
        }
        _ => false,
    };
    let cause = Error::internal(error);
    if !passing {
        return cause;
    }
    tracing::error!(error.cause = %cause, "a service did not answer");
    Error::Unavailable
}
