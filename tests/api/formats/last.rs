//! What the last release (0.1.0) reads: the attributes that it needs and their types, the words that it knows, and the claims (it refuses
//! unknown ones). A deployment may be rolled back to it while records of this release exist.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Item, TABLES, of, routes};
use crate::support::errand::{ANN, errand};
use crate::support::{TestApp, claims};

/// The attributes of each kind of record, by the begin of its sort key: name, type and, if it knows only some words, these words. An
/// attribute with a question mark may be missing.
const RECORDS: [(&str, &[&str]); 6] = [
    (
        "PROFILE",
        &[
            "id S",
            "email S",
            "first_name? S",
            "last_name? S",
            "language? S en de",
            "user_role S user admin",
            "is_verified BOOL",
            "is_active BOOL",
            "created_at N",
            "updated_at N",
            "version N",
            "epoch N",
            "email_change? M",
            "reverts? L",
            "endings_full_at? N",
            "expires_at? N",
            "schema N",
            "dir_shard S",
            "created_key S",
        ],
    ),
    (
        "LOGIN",
        &[
            "user_id S",
            "password_hash S",
            "user_role S user admin",
            "is_verified BOOL",
            "is_active BOOL",
            "epoch N",
            "expires_at? N",
        ],
    ),
    (
        "EVENT#",
        &[
            "id S",
            "name S signed-up email-verified email-unverified signed-in sign-in-failed signed-out-everywhere \
             refresh-token-reused password-changed email-change-requested email-changed email-reverted role-changed \
             deactivated reactivated deleted expired",
            "user_id S",
            "actor M",
            "ip S",
            "request_id S",
            "detail? S",
            "created_at N",
        ],
    ),
    (
        "SESSION#",
        &[
            "id S",
            "user_id S",
            "seq N",
            "epoch N",
            "rotated_at N",
            "created_at N",
            "last_used_at N",
            "ip S",
            "user_agent S",
            "expires_at N",
        ],
    ),
    (
        "LETTER#",
        &[
            "id S",
            "kind S verify-email reset-password account-exists confirm-email email-change email-changed email-reverted \
             password-changed",
            "user_id? S",
            "to S",
            "epoch? N",
            "request_id? S",
            "created_at N",
            "state S pending sent dropped suppressed failed bounced complained",
            "expires_at N",
            "attempts? N",
            "retry_at? N",
            "settled_at? N",
            "message_id? S",
            "problem? S",
        ],
    ),
    // The remaining allowance of a mailbox.
    ("LEFT#", &["expires_at N", "letter S", "of? M"]),
];

/// Those of access tokens that it does not know (RFC 9068): after a rollback such a token is refused, and the client refreshes it.
pub(crate) const NEW_IN_ACCESS: [&str; 5] = ["acr", "amr", "auth_time", "client_id", "scope"];
const ACCESS: [&str; 9] = ["aud", "exp", "iat", "iss", "jti", "role", "sid", "sub", "type"];
const REFRESH: [&str; 8] = ["aud", "exp", "iat", "iss", "seq", "sid", "sub", "type"];

fn kind(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::S(_) => "S",
        AttributeValue::N(_) => "N",
        AttributeValue::Bool(_) => "BOOL",
        AttributeValue::M(_) => "M",
        AttributeValue::L(_) => "L",
        _ => "another",
    }
}

/// The attributes of a record that the last release cannot read.
fn unreadable(item: &Item) -> Vec<String> {
    let form = RECORDS.iter().find(|(begin, _)| of(item, "sk").starts_with(begin) && !item.contains_key("reserved"));
    let attributes = form.map_or(&[][..], |(_, attributes)| attributes).iter();
    let wrong = attributes.filter_map(|attribute| {
        let mut parts = attribute.split_whitespace();
        let (name, of_type) = (parts.next()?, parts.next()?);
        let words: Vec<_> = parts.collect();
        let Some(value) = item.get(name.trim_end_matches('?')) else {
            return (!name.ends_with('?')).then(|| format!("{name} is missing"));
        };
        let is_known = words.is_empty() || value.as_s().is_ok_and(|word| words.contains(&word.as_str()));
        (kind(value) != of_type || !is_known).then(|| format!("{name}: {value:?}"))
    });
    wrong.collect()
}

fn names(token: &str) -> Vec<String> {
    let mut names: Vec<_> = claims(token).as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_last_release_reads_every_record_that_a_call_leaves() {
    let mut seen = [false; RECORDS.len()];
    for route in routes() {
        let app = TestApp::open();
        let call = Box::pin(errand(&app, &route)).await;
        assert!(call.send().await.status.is_success(), "{route}");
        app.service.drain_streams().await.unwrap();
        for table in TABLES {
            for item in app.raw_items(table).await {
                assert_eq!(unreadable(&item), Vec::<String>::new(), "{route}: {} in {table}", of(&item, "sk"));
                for (seen, (begin, _)) in seen.iter_mut().zip(RECORDS) {
                    *seen |= of(&item, "sk").starts_with(begin);
                }
            }
        }
    }
    assert_eq!(seen, [true; RECORDS.len()]);
}

#[tokio::test]
async fn the_last_release_knows_every_claim_of_a_refresh_token_and_all_but_five_of_an_access_token() {
    let app = TestApp::open();
    let ann = app.member(ANN).await;
    let (new, known): (Vec<_>, Vec<_>) =
        names(&ann.access).into_iter().partition(|claim| NEW_IN_ACCESS.contains(&claim.as_str()));
    assert_eq!(known, ACCESS);
    assert_eq!(new, NEW_IN_ACCESS);
    assert_eq!(names(&ann.refresh), REFRESH);
}
