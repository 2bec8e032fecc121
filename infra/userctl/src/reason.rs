//! Why a command failed.

use local::Fault;
use user_core::error::Error;

use crate::LOCAL_ENDPOINT;

/// A failure in a sentence for the operator; `endpoint` is what `--endpoint` named.
pub(crate) fn reason(fault: &Fault, endpoint: Option<&str>) -> String {
    match fault.downcast_ref::<Error>() {
        Some(Error::NotFound) => "no user has this address".to_owned(),
        Some(Error::EmailTaken) => "an account with this address exists; use promote".to_owned(),
        Some(Error::Unavailable) => "the database or the secret does not answer; is the stack there?".to_owned(),
        Some(Error::Stale) => "another rotation went before; try again".to_owned(),
        Some(Error::LastAdmin) => "this is the last administrator; promote somebody else first".to_owned(),
        Some(Error::Invalid(errors)) => {
            errors.iter().map(|e| format!("{}: {}", e.field, e.detail)).collect::<Vec<_>>().join("; ")
        }
        Some(error @ Error::Internal(_)) => match endpoint {
            Some(endpoint) => {
                format!("{endpoint} does not answer as AWS does ({error}); the local stack's is {LOCAL_ENDPOINT}")
            }
            None => error.to_string(),
        },
        _ => fault.to_string(),
    }
}
