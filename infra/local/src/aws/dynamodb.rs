//! `DynamoDB` and its streams: each operation is a call of the embedded database.

use dynoxide::DynoxideError;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Aws;

type Answer = Result<String, DynoxideError>;

/// Executes a call; returns its answer in JSON.
///
/// # Errors
/// The errors of `DynamoDB`; `ValidationException` for an operation that the database does not support.
pub(super) fn run(Aws { database, tokens, .. }: &Aws, operation: &str, body: &[u8]) -> Answer {
    match operation {
        "GetItem" => call(body, |request| database.get_item(request)),
        "PutItem" => call(body, |request| database.put_item(request)),
        "UpdateItem" => call(body, |request| database.update_item(request)),
        "DeleteItem" => call(body, |request| database.delete_item(request)),
        "Query" => call(body, |request| database.query(request)),
        "Scan" => call(body, |request| database.scan(request)),
        "BatchGetItem" => call(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => call(body, |request| database.batch_write_item(request)),
        "TransactGetItems" => call(body, |request| database.transact_get_items(request)),
        "ExecuteStatement" => call(body, |request| database.execute_statement(request)),
        "ExecuteTransaction" => call(body, |request| database.execute_transaction(request)),
        "BatchExecuteStatement" => call(body, |request| database.batch_execute_statement(request)),
        "CreateTable" => call(body, |request| database.create_table(request)),
        "DeleteTable" => call(body, |request| database.delete_table(request)),
        "DescribeTable" => call(body, |request| database.describe_table(request)),
        "ListTables" => call(body, |request| database.list_tables(request)),
        "UpdateTable" => call(body, |request| database.update_table(request)),
        "UpdateTimeToLive" => call(body, |request| database.update_time_to_live(request)),
        "DescribeTimeToLive" => call(body, |request| database.describe_time_to_live(request)),
        "TagResource" => call(body, |request| database.tag_resource(request)),
        "UntagResource" => call(body, |request| database.untag_resource(request)),
        "ListTagsOfResource" => call(body, |request| database.list_tags_of_resource(request)),
        "ListStreams" => call(body, |request| database.list_streams(request)),
        "DescribeStream" => call(body, |request| database.describe_stream(request)),
        "GetShardIterator" => call(body, |request| database.get_shard_iterator(request)),
        "GetRecords" => call(body, |request| database.get_records(request)),
        "TransactWriteItems" => {
            let mut request: TransactWriteItemsRequest = read(body)?;
            // Longer tokens are left to the database, which refuses them.
            let token = request.client_request_token.take_if(|token| token.len() <= 36);
            let act = || write(&database.transact_write_items(request)?);
            match token {
                Some(token) => tokens.once(token, body, act),
                None => act(),
            }
        }
        other => Err(DynoxideError::ValidationException(format!("the local stack does not know {other}"))),
    }
}

fn call<Request, Response>(body: &[u8], act: impl FnOnce(Request) -> Result<Response, DynoxideError>) -> Answer
where
    Request: DeserializeOwned,
    Response: Serialize,
{
    write(&act(read(body)?)?)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))
}

fn write(response: &impl Serialize) -> Answer {
    serde_json::to_string(response).map_err(|error| DynoxideError::SerializationException(error.to_string()))
}
