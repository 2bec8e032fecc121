//! Every file under `events/` is an event that its function accepts; the first word of the file's name is the function's binary.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use template::Template;

use crate::support::TestApp;

/// The status of each event's answer, on a service without users.
const EXPECTED: [(&str, u16); 14] = [
    ("auth-login", 401),
    ("auth-login-form", 401),
    ("auth-refresh", 401),
    ("auth-resend-verification", 202),
    ("auth-signup", 201),
    ("auth-verify", 400),
    ("discovery-jwks", 200),
    ("docs-default", 308),
    ("docs-openapi", 200),
    ("health-alive", 200),
    ("health-full", 200),
    ("metrics-read", 200),
    ("users-me", 401),
    ("users-read", 401),
];

#[tokio::test]
async fn every_event_of_the_folder_is_taken_by_its_function() {
    let template = Template::evaluate(|_| None).unwrap();
    let mut answered = Vec::new();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("events")).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let event: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let binary = name.split('-').next().unwrap();
        let function = template.functions().find(|(_, of, _)| *of == binary).map(|(id, _, _)| id.to_owned());
        let answer = TestApp::open().service.invoke(&function.unwrap(), event).await.unwrap();
        match name.as_str() {
            "mailer-outbox" | "mailer-schedule" => assert_eq!(answer, json!({ "batchItemFailures": [] })),
            "rotation-create" | "feedback-bounce" => assert!(answer.is_null()),
            "cleanup-schedule" => assert_eq!(answer["complete"], true),
            _ => answered.push((name, answer["statusCode"].as_u64().unwrap())),
        }
    }
    answered.sort();
    let expected: Vec<_> = EXPECTED.iter().map(|(name, status)| ((*name).to_owned(), u64::from(*status))).collect();
    assert_eq!(answered, expected);
}

#[tokio::test]
async fn an_event_of_another_kind_is_refused() {
    let app = TestApp::open();
    for function in ["AuthFunction", "MailerFunction", "NoFunction"] {
        assert!(app.service.invoke(function, json!([])).await.is_err(), "{function}");
    }
}
