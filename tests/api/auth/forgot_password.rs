use serde_json::json;

use crate::support::Shop;

#[tokio::test]
async fn every_address_gets_the_same_answer_and_only_an_account_a_letter() {
    let shop = Shop::open();
    let (admin, off) = (shop.admin("admin@example.com").await, shop.member("off@example.com").await);
    shop.patch(&format!("/users/{}", off.id)).bearer(&admin.access).json(json!({ "is_active": false })).send().await;
    shop.member("ann@example.com").await;
    let mut answers = Vec::new();
    for (email, letters) in [("ANN@example.com", 1), ("off@example.com", 0), ("nobody@example.com", 0)] {
        let answer = shop.forgot(email).await;
        assert_eq!(answer.status, 202);
        answers.push(answer.raw);
        let mails = shop.mails(email).await;
        assert_eq!(mails.iter().filter(|mail| mail["kind"] == "reset-password").count(), letters, "{email}");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let mail = &shop.mails("ann@example.com").await[0];
    assert!(mail["link"].as_str().unwrap().starts_with("http://localhost:3000/reset-password?token="));
}
