//! Accounts as a former release stored them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use user_core::email::Email;

use super::TestApp;

impl TestApp {
    /// Gives the account of `email` an address that former rules accepted, directly in the table.
    pub(crate) async fn stored_as(&self, email: &str, id: &str, former: &str) {
        let client = self.database_client();
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let key = |pk: String, sk: &str| HashMap::from([("pk".to_owned(), text(&pk)), ("sk".to_owned(), text(sk))]);
        let taken = async |key: HashMap<String, AttributeValue>| {
            client.get_item().table_name("UsersTable").set_key(Some(key)).send().await.unwrap().item.unwrap()
        };
        let put = async |item: HashMap<String, AttributeValue>| {
            client.put_item().table_name("UsersTable").set_item(Some(item)).send().await.unwrap();
        };
        let mut user = taken(key(format!("USER#{id}"), "PROFILE")).await;
        user.insert("email".to_owned(), text(former));
        let login_key = |email: &str| key(format!("EMAIL#{}", Email::known(email).unwrap().key().as_str()), "LOGIN");
        let mut login = taken(login_key(email)).await;
        client.delete_item().table_name("UsersTable").set_key(Some(login_key(email))).send().await.unwrap();
        login.extend(login_key(former));
        put(user).await;
        put(login).await;
    }
}
