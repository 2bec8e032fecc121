//! Dead letters: an event that a function gave up is kept, shown without addresses and tokens, replayed, and deleted only after that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use local::aws::{Fate, Wire};
use local::service::Service;
use local::stream::Step;
use serde_json::{Value, json};
use userctl::dead_letters::{Which, drop, list, replay, show};
use userctl::outcome::Outcome;
use userctl::stage::Stage;

use crate::support::{Folder, TestApp};

const BOUNCED: &str = "bounce@simulator.amazonses.com";

/// A service whose functions fail to write with the operation `target` while `broken` is set.
fn breakable(target: &'static str) -> (TestApp, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let told = broken.clone();
    let wire: Wire = Arc::new(move |called, body| {
        let hit = told.load(Ordering::SeqCst) && called.ends_with(target) && is_about_outbox(body);
        if hit { Fate::Lost } else { Fate::Arrives }
    });
    (TestApp::over_with(wire, &[("MAIL_BACKEND", "ses")]), broken)
}

fn is_about_outbox(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("OutboxTable")
}

/// The operator's stage, over HTTP.
async fn operator(app: &TestApp) -> Stage {
    let stage = Stage::open(Some(format!("{}/_local/aws", app.url().await)), std::collections::BTreeMap::new());
    let mut stage = stage.await.unwrap();
    stage.clock = app.clock.clone();
    stage
}

async fn listed(stage: &Stage) -> Vec<Value> {
    let outcome = list(stage).await.unwrap();
    let text = outcome.text();
    assert!(!text.contains('@') && !text.contains("token"), "{text}");
    outcome.json().as_array().unwrap().clone()
}

fn these(ids: &[&str]) -> Which {
    Which::These(ids.iter().map(|id| (*id).to_owned()).collect())
}

/// Drains the streams until a failing record has used all its attempts.
async fn drained(service: &Service) {
    for _ in 0..20 {
        if service.drain_streams().await.unwrap() != Step::Failed {
            return;
        }
    }
    panic!("it is tried for ever");
}

/// A bounce report that the function could not record.
async fn given_up() -> (TestApp, Arc<AtomicBool>, Stage) {
    let (app, broken) = breakable("UpdateItem");
    assert_eq!(app.sign_up(BOUNCED).await.status, 201);
    let reports = Arc::clone(&broken);
    assert_ne!(app.service.drain_streams().await.unwrap(), Step::Failed);
    reports.store(true, Ordering::SeqCst);
    let event = json!({
        "version": "0", "source": "aws.ses", "detail-type": "Email Bounced",
        "detail": {
            "eventType": "Bounce",
            "bounce": { "bounceType": "Permanent", "bouncedRecipients": [{ "emailAddress": BOUNCED, "action": "failed" }] },
            "mail": { "messageId": "ses-1", "destination": [BOUNCED], "tags": { "letter": [message(&app).await], "kind": ["verify-email"] } },
        },
    });
    app.service.call_later("FeedbackFunction", event).await.unwrap();
    let stage = operator(&app).await;
    (app, broken, stage)
}

/// The identifier of the message to the address.
async fn message(app: &TestApp) -> String {
    let status = userctl::mail::status(&app.stage(), &BOUNCED.parse().unwrap()).await.unwrap();
    status.messages[0].id.to_string()
}

#[tokio::test]
async fn an_event_that_a_function_gave_up_is_called_again_and_deleted_only_when_it_was_taken() {
    let (_shop, broken, stage) = given_up().await;
    let messages = listed(&stage).await;
    assert_eq!(messages.len(), 1);
    let id = messages[0]["id"].as_str().unwrap().to_owned();
    assert_eq!((&messages[0]["function"], &messages[0]["source"]), (&json!("FeedbackFunction"), &json!("call")));
    assert_eq!(messages[0]["attempts"], 3);

    let shown = show(&stage, &id).await.unwrap();
    assert!(!shown.text().contains('@'), "{}", shown.text());
    let event = shown.json()["event"].clone();
    assert_eq!((&event["source"], &event["detail"]["bounce"]["bounceType"]), (&json!("aws.ses"), &json!("Permanent")));

    let again = replay(&stage, &Which::All).await.unwrap();
    assert!(again.is_good(), "Lambda took it: {}", again.text());
    let messages = listed(&stage).await;
    assert_eq!(messages.len(), 1, "it failed again, and came into the queue again");
    assert_ne!(messages[0]["id"], id.as_str());

    broken.store(false, Ordering::SeqCst);
    let id = messages[0]["id"].as_str().unwrap();
    assert!(replay(&stage, &these(&[id])).await.unwrap().is_good());
    assert_eq!(listed(&stage).await, [] as [Value; 0]);
    assert_eq!(list(&stage).await.unwrap().text(), "none");
}

#[tokio::test]
async fn a_message_that_cannot_be_called_again_stays_until_it_is_dropped() {
    let (app, _, stage) = given_up().await;
    let now = app.clock.now();
    let queue = &app.aws().dead_letters;
    queue.send(&json!("hello"), &[], now).unwrap();
    let attributes = [("SCHEDULE_ARN", "x"), ("TARGET_ARN", "NoSuchFunction"), ("RETRY_ATTEMPTS", "0")];
    queue.send(&json!({}), &attributes, now).unwrap();
    let outcome = replay(&stage, &Which::All).await.unwrap();
    assert!(!outcome.is_good());
    let text = outcome.text();
    assert!(text.contains("the message is of no known kind"), "{text}");
    assert!(text.contains("there is no function NoSuchFunction"), "{text}");

    let ids: Vec<_> = listed(&stage).await.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 3, "all of them are seen again at once");
    let outcome = drop(&stage, &these(&[&ids[0], "absent"])).await.unwrap();
    assert!(!outcome.is_good() && outcome.text().contains("no message in the queue has the identifier absent"));
    assert_eq!(listed(&stage).await.len(), 2);
    assert!(show(&stage, &ids[0]).await.is_err());
    assert!(drop(&stage, &Which::All).await.unwrap().is_good());
    assert_eq!(listed(&stage).await.len(), 0);
}

#[tokio::test]
async fn a_batch_of_the_stream_that_was_given_up_is_looked_for_by_the_mailer() {
    let (app, broken) = breakable("UpdateItem");
    broken.store(true, Ordering::SeqCst);
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
    drained(&app.service).await;
    let stage = operator(&app).await;
    let messages = listed(&stage).await;
    assert_eq!((messages.len(), &messages[0]["source"]), (1, &json!("stream")));
    assert_eq!((&messages[0]["function"], &messages[0]["attempts"]), (&json!("MailerFunction"), &json!(11)));
    broken.store(false, Ordering::SeqCst);
    // For ten minutes the schedule leaves a new message to the stream.
    app.clock.advance(601);
    assert!(replay(&stage, &Which::All).await.unwrap().is_good());
    assert_eq!(listed(&stage).await.len(), 0);
    assert_eq!(app.service.inbox.listing(Some("ann@example.com")).unwrap().len(), 1);
}

#[tokio::test]
async fn dead_letters_outlive_the_process_and_belong_to_their_owner() {
    let folder = Folder::new();
    let app = TestApp::at(Some(folder.path()), &[]);
    app.aws().dead_letters.send(&json!("hello"), &[], app.clock.now()).unwrap();
    std::mem::drop(app);
    let app = TestApp::at(Some(folder.path()), &[]);
    assert_eq!(listed(&operator(&app).await).await.len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("DeadLetters.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn without_its_queue_the_command_says_where_its_name_is() {
    let app = TestApp::open();
    let stage = Stage { dead_letters: None, ..app.stage() };
    let refused = list(&stage).await.map(|outcome| matches!(outcome, Outcome::Text(_)));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "DEAD_LETTERS_URL is missing: it is the stack's output DeadLettersUrl"
    );
}
