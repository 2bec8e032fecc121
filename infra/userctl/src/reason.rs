//! Why a command failed.

use template::Fault;
use user_core::error::{Error, Unmet};
use userctl::command::NotCreated;

use crate::LOCAL_ENDPOINT;

/// The reason of a failure in a sentence for the operator; `endpoint` is the value of `--endpoint`.
pub(crate) fn reason(fault: &Fault, endpoint: Option<&str>) -> String {
    let refused = fault.downcast_ref::<NotCreated>().and_then(|why| match why {
        NotCreated::Failed(error) => Some(error),
        NotCreated::Password(_) => None,
    });
    match refused.or(fault.downcast_ref::<Error>()) {
        Some(Error::Unmet(Unmet::Absent)) => "no user has this address".to_owned(),
        Some(Error::Unmet(Unmet::AddressTaken)) => "an account with this address exists; use promote".to_owned(),
        Some(Error::Unmet(Unmet::Changed)) => "another rotation went before; try again".to_owned(),
        Some(Error::Unmet(Unmet::LastAdmin)) => {
            "this is the last administrator; promote somebody else first".to_owned()
        }
        Some(Error::Unavailable) => "the database or the secret does not answer; is the stack there?".to_owned(),
        Some(error @ Error::Internal(_)) => match endpoint {
            Some(endpoint) => {
                format!("{endpoint} does not answer as AWS does ({error}); the local stack's is {LOCAL_ENDPOINT}")
            }
            None => error.to_string(),
        },
        _ => fault.to_string(),
    }
}
