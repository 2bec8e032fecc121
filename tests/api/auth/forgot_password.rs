use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn every_address_gets_the_same_answer_and_only_an_account_an_email() {
    let app = TestApp::open();
    let (admin, off) = (app.admin("admin@example.com").await, app.member("off@example.com").await);
    app.patch(&format!("/users/{}", off.id)).bearer(&admin.access).json(json!({ "is_active": false })).send().await;
    app.member("ann@example.com").await;
    let mut answers = Vec::new();
    for (email, messages) in [("ANN@example.com", 1), ("off@example.com", 0), ("nobody@example.com", 0)] {
        let answer = app.forgot(email).await;
        assert_eq!(answer.status, 202);
        answers.push(answer.raw);
        let mails = app.mails(email).await;
        assert_eq!(mails.iter().filter(|mail| mail["kind"] == "reset-password").count(), messages, "{email}");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let mail = &app.mails("ann@example.com").await[0];
    assert!(mail["link"].as_str().unwrap().starts_with("http://localhost:3000/reset-password?token="));
}
