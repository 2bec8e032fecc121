//! The description of the API in OpenAPI 3.1: the handlers' own descriptions, merged, and completed by what holds for all of them.
//!
//! Handlers list their own problem codes in `x-problems`. Status and text of a problem come from `user_web::problem`, so that nothing is
//! written twice. The documentation pages are not described: they are for people, and `/openapi.json` would describe itself.

mod example;
mod frame;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use user_core::error::FieldError;
use user_web::calls::Description;
use user_web::problem::document::{Document, Known, catalogue};
use utoipa::PartialSchema;

use template::Fault;

/// The document as it is committed: indented, in a stable order.
///
/// # Errors
/// If the descriptions of handlers do not fit together; the message says where.
pub fn text() -> Result<String, Fault> {
    Ok(serde_json::to_string_pretty(&document()?)? + "\n")
}

/// The document.
///
/// # Errors
/// As [`text`].
pub fn document() -> Result<Value, Fault> {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut schemas = Map::new();
    schemas.insert("Problem".to_owned(), serde_json::to_value(Document::schema())?);
    schemas.insert("FieldError".to_owned(), serde_json::to_value(FieldError::schema())?);
    let parts = [auth::openapi(), users::openapi(), health::openapi(), discovery::openapi(), metrics::openapi()];
    for Description { document, ignores_queries } in parts {
        let mut part = serde_json::to_value(document)?;
        for (path, mut item) in taken(&mut part["paths"]) {
            for (method, mut operation) in taken(&mut item) {
                let problems = operation.get_mut("x-problems").and_then(Value::as_array_mut);
                if let Some(problems) = problems.filter(|_| !ignores_queries) {
                    problems.push(json!("unknown-field"));
                }
                if paths.entry(path.clone()).or_default().insert(method.clone(), operation).is_some() {
                    return Err(format!("two handlers describe {method} {path}").into());
                }
            }
        }
        for (name, schema) in taken(&mut part["components"]["schemas"]) {
            if schemas.insert(name.clone(), schema.clone()).is_some_and(|other| other != schema) {
                return Err(format!("two different schemas are called {name}").into());
            }
        }
    }
    let mut document = frame::document();
    let mut answers = Map::new();
    for (path, item) in &mut paths {
        for (method, operation) in item {
            shut(operation, &mut schemas);
            complete(operation, method, &schemas, &mut answers).map_err(|fault| format!("{method} {path}: {fault}"))?;
        }
    }
    name_apart(&mut paths);
    document["paths"] = json!(paths);
    document["components"]["schemas"] = Value::Object(schemas);
    document["components"]["responses"] = Value::Object(answers);
    Ok(document)
}

fn taken(value: &mut Value) -> Map<String, Value> {
    match value.take() {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// JSON bodies have the described fields and no others. An optional body is sent or left out, and is never `null`.
fn shut(operation: &mut Value, schemas: &mut Map<String, Value>) {
    let Some(schema) = operation.pointer_mut("/requestBody/content/application~1json/schema") else { return };
    let choices = schema["oneOf"].as_array();
    if let Some(only) = choices.and_then(|choices| choices.iter().find(|choice| !choice["$ref"].is_null())).cloned() {
        *schema = only;
    }
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    if let Some(schema) = name.and_then(|name| schemas.get_mut(name)) {
        schema["additionalProperties"] = json!(false);
    }
}

/// Adds to an operation what its handler need not describe.
fn complete(
    operation: &mut Value,
    method: &str,
    schemas: &Map<String, Value>,
    answers: &mut Map<String, Value>,
) -> Result<(), Fault> {
    let codes = codes(operation, method)?;
    if codes.contains("unauthenticated") && operation["security"].is_null() {
        operation["security"] = json!([{ "bearer": [] }, { "password": [] }]);
    } else if operation["security"].is_null() {
        operation["security"] = json!([]);
    }
    let throttled = codes.contains("throttled");
    for response in parts(&mut operation["responses"]) {
        let common = ["RateLimit", "RateLimit-Policy"].into_iter().filter(|_| throttled).chain(["x-request-id"]);
        for name in common {
            response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
        illustrate(response, schemas);
    }
    if !operation["requestBody"].is_null() {
        illustrate(&mut operation["requestBody"], schemas);
    }
    for (status, problems) in by_status(&codes)? {
        let (name, answer) = frame::refusal(&problems);
        let own = &mut operation["responses"][status.to_string()];
        if own.is_null() {
            *own = json!({ "$ref": format!("#/components/responses/{name}") });
            answers.insert(name, answer);
        } else {
            own["content"]["application/problem+json"] = answer["content"]["application/problem+json"].clone();
        }
    }
    Ok(())
}

/// The problem codes of an operation: those that its handler lists, and those that follow from its form.
fn codes(operation: &mut Value, method: &str) -> Result<BTreeSet<String>, Fault> {
    let listed = match operation.as_object_mut().and_then(|operation| operation.remove("x-problems")) {
        Some(listed) => serde_json::from_value(listed)?,
        None => Vec::new(),
    };
    let mut codes: BTreeSet<String> = listed.into_iter().collect();
    let mut add = |more: &[&str]| codes.extend(more.iter().map(|code| (*code).to_owned()));
    add(&["internal", "malformed", "unavailable", "unknown-host"]);
    if !operation["requestBody"].is_null() {
        add(&["invalid", "too-large", "unknown-field", "unsupported-media-type"]);
    }
    if method != "get" {
        add(&["busy"]);
    }
    // Signed-in callers are rate-limited, and so are senders of invalid tokens; the collector of metrics has a token of its own.
    let security = &operation["security"];
    let takes_access_tokens =
        security.is_null() || security.as_array().is_some_and(|ways| ways.iter().any(|way| !way["bearer"].is_null()));
    if codes.contains("unauthenticated") && takes_access_tokens {
        codes.extend(["insufficient-scope", "throttled"].map(str::to_owned));
    }
    Ok(codes)
}

fn by_status(codes: &BTreeSet<String>) -> Result<BTreeMap<u16, Vec<Known>>, Fault> {
    let mut statuses: BTreeMap<u16, Vec<Known>> = BTreeMap::new();
    let mut known = catalogue();
    for code in codes {
        let place = known.iter().position(|known| known.code == code).ok_or_else(|| format!("no problem is {code}"))?;
        let problem = known.swap_remove(place);
        statuses.entry(problem.status).or_default().push(problem);
    }
    Ok(statuses)
}

/// Gives each content of a body without an example one that is made from its schema.
fn illustrate(body: &mut Value, schemas: &Map<String, Value>) {
    for content in body.get_mut("content").into_iter().flat_map(parts) {
        if content["example"].is_null() && !content["schema"].is_null() {
            content["example"] = example::of(&content["schema"], schemas);
        }
    }
}

/// The values of an object, or none for any other value.
fn parts(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(|map| map.values_mut())
}

/// A handler of two methods has the same name for both, so the method is appended to the second name.
fn name_apart(paths: &mut BTreeMap<String, Map<String, Value>>) {
    let mut names = BTreeSet::new();
    for (method, operation) in paths.values_mut().flatten() {
        let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
        if !names.insert(name.clone()) {
            operation["operationId"] = json!(format!("{name}By{}", method.to_uppercase()));
        }
    }
}
