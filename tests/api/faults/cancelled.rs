//! Every reason for which DynamoDB cancels a transaction (`TransactWriteItems`, "Errors"), except a condition that does not hold, which the
//! other tests cover.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use local::aws::{Fate, Wire};
use serde_json::json;

use crate::support::TestApp;

/// A wire on which the first transactions are cancelled for this reason.
fn cancels(reason: &'static str, times: usize) -> Wire {
    let cancelled = AtomicUsize::new(0);
    Arc::new(move |target, _| {
        if !target.ends_with("TransactWriteItems") || cancelled.fetch_add(1, Ordering::SeqCst) >= times {
            return Fate::Arrives;
        }
        let reasons = json!([{ "Code": "None" }, { "Code": reason, "Message": "made up" }]);
        let body = json!({ "__type": "TransactionCanceledException", "CancellationReasons": reasons });
        Fate::Refused(400, body.to_string())
    })
}

#[tokio::test]
async fn a_transaction_is_tried_again_for_reasons_that_pass() {
    for reason in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
        let app = TestApp::over(cancels(reason, 2));
        assert_eq!(app.sign_up("ann@example.com").await.status, 201, "{reason}");
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
        let app = TestApp::over(cancels(reason, usize::MAX));
        let answer = app.sign_up("ann@example.com").await;
        assert_eq!((answer.problem(), answer.header("retry-after")), ((503, "busy"), "1"), "{reason}");
        assert!(app.items("UsersTable").await.is_empty(), "{reason}");
    }
}

#[tokio::test]
async fn a_transaction_that_can_never_be_done_is_a_fault_of_ours_and_leaves_nothing() {
    for reason in ["ItemCollectionSizeLimitExceeded", "ValidationError", "SomethingNew"] {
        let app = TestApp::over(cancels(reason, usize::MAX));
        assert_eq!(app.sign_up("ann@example.com").await.problem(), (500, "internal"), "{reason}");
        assert!(app.items("UsersTable").await.is_empty() && app.items("OutboxTable").await.is_empty());
    }
}
