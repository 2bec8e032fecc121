//! Examples, composed from the examples of a schema's parts.

use serde_json::{Map, Value, json};

/// An example value of `schema`.
pub(super) fn of(schema: &Value, schemas: &Map<String, Value>) -> Value {
    if let Some(example) = schema.get("example").or_else(|| schema.get("examples")?.get(0)) {
        return example.clone();
    }
    if let Some(schema) = schema["$ref"].as_str().and_then(|path| schemas.get(path.rsplit('/').next()?)) {
        return of(schema, schemas);
    }
    if let Some(value) = schema["enum"].get(0) {
        return value.clone();
    }
    if let Some(all) = schema["allOf"].as_array() {
        let objects = all.iter().map(|part| of(part, schemas));
        let fields = objects.filter_map(|object| object.as_object().cloned()).flatten();
        return Value::Object(fields.collect());
    }
    if let Some(one) = schema["oneOf"].as_array().and_then(|all| all.iter().find(|part| part["type"] != "null")) {
        return of(one, schemas);
    }
    if let Some(fields) = schema["properties"].as_object() {
        return fields.iter().map(|(name, field)| (name.clone(), of(field, schemas))).collect();
    }
    if schema["additionalProperties"].is_object() {
        return json!({ "database": of(&schema["additionalProperties"], schemas) });
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match kind {
        "array" => json!([of(&schema["items"], schemas)]),
        "boolean" => json!(true),
        "integer" | "number" => json!(0),
        "string" => json!("2026-11-23T08:00:00Z"),
        _ => json!({}),
    }
}
