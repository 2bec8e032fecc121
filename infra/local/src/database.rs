//! The embedded database: the template's tables in a file or in memory.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use dynoxide::Database;
use dynoxide::storage::Storage;
use folder::{make_private, open_private};
use serde_json::{Map, Value, json};
use template::{Fault, Resource, Template};

/// Without this index every write to a stream, and every read of it, would read the whole stream.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS stream_by_table_and_sequence \
                            ON _stream_records(table_name, CAST(sequence_number AS INTEGER))";

/// Opens the database in `folder`, or in memory, and creates missing tables.
///
/// # Errors
/// If the file cannot be opened, or the database does not accept a table of the template.
pub fn open(folder: Option<&Path>, template: &Template) -> Result<Database, Fault> {
    let database = match folder {
        Some(folder) => {
            let file = folder.join("dynamodb.sqlite");
            // SQLite gives its additional files the permissions of this file.
            open_private(OpenOptions::new().append(true).create(true), &file)?;
            ["dynamodb.sqlite-wal", "dynamodb.sqlite-shm"]
                .iter()
                .try_for_each(|name| make_private(&folder.join(name)))?;
            let file = file.to_str().ok_or("the data folder's name is no UTF-8")?;
            Storage::new(file)?.conn().execute_batch(STREAM_INDEX)?;
            let database = Database::new(file)?;
            // Sets `synchronous=NORMAL`: commits survive the end of the process; a power failure may lose the last ones, each completely.
            database.enable_bulk_loading()?;
            database.disable_bulk_loading()?;
            database
        }
        None => in_memory()?,
    };
    for (name, resource) in &template.resources {
        if let Resource::Table { properties } = resource {
            create_table(&database, name, properties.clone())?;
        }
    }
    Ok(database)
}

/// An empty database in memory, made as a copy: SQLite runs our statements only on a file, or on what it takes for one.
fn in_memory() -> Result<Database, Fault> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("file:indexed-{}?mode=memory&cache=shared", COUNT.fetch_add(1, Ordering::Relaxed));
    let indexed = Storage::new(&name)?;
    indexed.conn().execute_batch(STREAM_INDEX)?;
    let database = Database::memory()?;
    database.restore_from(&name)?;
    Ok(database)
}

fn create_table(database: &Database, name: &str, mut properties: Map<String, Value>) -> Result<(), Fault> {
    let described = serde_json::from_value(json!({ "TableName": name }))?;
    if database.describe_table(described).is_ok() {
        return Ok(());
    }
    let time_to_live = properties.remove("TimeToLiveSpecification");
    // Deployed tables have these properties; they have no meaning on one machine.
    for deployed in ["PointInTimeRecoverySpecification", "DeletionProtectionEnabled", "SSESpecification"] {
        properties.remove(deployed);
    }
    properties.insert("TableName".to_owned(), json!(name));
    if let Some(stream) = properties.get_mut("StreamSpecification") {
        stream["StreamEnabled"] = json!(true);
    }
    database.create_table(serde_json::from_value(Value::Object(properties))?)?;
    if let Some(specification) = time_to_live {
        let request = json!({ "TableName": name, "TimeToLiveSpecification": specification });
        database.update_time_to_live(serde_json::from_value(request)?)?;
    }
    Ok(())
}
