//! A client of the embedded database that calls it in process: the real SDK, with a function call in the place of a connection.

use std::fmt;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_types::region::Region;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use user_core::lambda::sdk_config;

/// A client of `database`.
#[must_use]
pub fn client(database: &Database) -> Client {
    let credentials = SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local"));
    Client::new(&sdk_config(
        in_process(database),
        credentials,
        Region::new("local"),
        Some("http://in-process".to_owned()),
    ))
}

fn in_process(database: &Database) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(InProcess(database.clone()));
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Clone)]
struct InProcess(Database);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let database = self.0.clone();
        HttpConnectorFuture::new(async move {
            // A connection would let others go first here; races in tests depend on it.
            tokio::task::yield_now().await;
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default();
            let answer = run(&database, operation, request.body().bytes().unwrap_or_default());
            let (status, body) = answer.unwrap_or_else(|error| (error.status_code(), error.to_json()));
            let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}

type Answer = Result<(u16, String), DynoxideError>;

fn run(database: &Database, operation: &str, body: &[u8]) -> Answer {
    match operation {
        "GetItem" => call(body, |request| database.get_item(request)),
        "PutItem" => call(body, |request| database.put_item(request)),
        "UpdateItem" => call(body, |request| database.update_item(request)),
        "DeleteItem" => call(body, |request| database.delete_item(request)),
        "Query" => call(body, |request| database.query(request)),
        "Scan" => call(body, |request| database.scan(request)),
        "BatchGetItem" => call(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => call(body, |request| database.batch_write_item(request)),
        "TransactWriteItems" => call(body, |request| database.transact_write_items(request)),
        other => Err(DynoxideError::ValidationException(format!("{other} has no in-process call"))),
    }
}

fn call<Request, Response>(body: &[u8], act: impl FnOnce(Request) -> Result<Response, DynoxideError>) -> Answer
where
    Request: DeserializeOwned,
    Response: Serialize,
{
    let wrong = |error: serde_json::Error| DynoxideError::SerializationException(error.to_string());
    let response = act(serde_json::from_slice(body).map_err(wrong)?)?;
    Ok((200, serde_json::to_string(&response).map_err(wrong)?))
}
