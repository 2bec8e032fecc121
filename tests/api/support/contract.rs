//! The description of the API as a test of the API: the answer to every test's request is compared with it.

use std::sync::LazyLock;

use http::Method;
use serde_json::{Map, Value};

use super::Answer;

/// The document, ready for look-ups.
pub(crate) struct Contract {
    pub(crate) document: Value,
    routes: matchit::Router<String>,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let document = userctl::openapi::document().unwrap();
    let mut routes = matchit::Router::new();
    for path in document["paths"].as_object().unwrap().keys() {
        routes.insert(path, path.clone()).unwrap();
    }
    Contract { document, routes }
});

impl Contract {
    pub(crate) fn get() -> &'static Self {
        &CONTRACT
    }

    /// Every operation with its method and path.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
    }

    /// The target of a `$ref`; any other value is returned as it is.
    pub(crate) fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        pointer.map_or(value, |pointer| self.document.pointer(pointer).unwrap())
    }

    /// The answer has a status, a format and, if it is a problem, a code that its operation describes. An answer without an operation is
    /// the gateway's, or a page for people.
    pub(crate) fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let found = self.routes.at(path).ok();
        let operation = found.map(|found| &self.document["paths"][found.value][method.as_str().to_lowercase()]);
        let Some(operation) = operation.filter(|operation| operation.is_object()) else { return };
        let message = answer.json["message"].as_str().unwrap_or_default();
        // The gateway's own answer: problems of functions do not have this format.
        if answer.status.as_u16() >= 400 && !message.is_empty() {
            return;
        }
        let (name, status) = (&operation["operationId"], answer.status.as_str());
        let response = self.resolved(&operation["responses"][status]);
        assert!(response.is_object(), "{name} does not describe its {status}: {}", answer.json);
        for header in response["headers"].as_object().into_iter().flat_map(Map::keys) {
            let sometimes = ["RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate"];
            assert!(
                sometimes.contains(&header.as_str()) || !answer.header(header).is_empty(),
                "{name} {status} {header}"
            );
        }
        let kind = answer.header("content-type").split(';').next().unwrap().to_owned();
        let mut content = response["content"].as_object().into_iter().flatten();
        let content = content.find(|(described, _)| described.split(';').next() == Some(kind.as_str()));
        let Some((_, content)) = content else {
            let nothing = answer.raw.is_empty() && response["content"].is_null();
            assert!(nothing, "{name} does not describe its {status} as {kind}");
            return;
        };
        if kind.ends_with("json") {
            let wrong = self.wrong(&content["schema"], &answer.json);
            assert_eq!(wrong, None, "{name} {status}: {}", answer.json);
        }
    }

    /// Where `value` violates `schema`, for the keywords of JSON Schema that the document uses. Objects have only described fields.
    pub(crate) fn wrong(&self, schema: &Value, value: &Value) -> Option<String> {
        self.broken(schema, value).or_else(|| {
            let known = self.fields(schema);
            let named = |name: &String| known.contains(name) || known.iter().any(|known| known == "*");
            let stranger = value.as_object().filter(|_| !known.is_empty())?.keys().find(|name| !named(name))?;
            Some(format!("{stranger} is not described"))
        })
    }

    fn broken(&self, schema: &Value, value: &Value) -> Option<String> {
        let schema = self.resolved(schema);
        let each = |word: &str| schema[word].as_array().into_iter().flatten();
        if let Some(types) = schema.get("type") {
            let is = |name: &Value| is_of(name.as_str().unwrap_or_default(), value);
            if !is(types) && !types.as_array().is_some_and(|types| types.iter().any(is)) {
                return Some(format!("{value} is not {types}"));
            }
        }
        if schema["enum"].is_array() && !each("enum").any(|allowed| allowed == value) {
            return Some(format!("{value} is none of {}", schema["enum"]));
        }
        let one_of = schema["oneOf"].is_array();
        if one_of && each("oneOf").filter(|part| self.wrong(part, value).is_none()).count() != 1 {
            return Some(format!("{value} is not exactly one of {}", schema["oneOf"]));
        }
        if let Some(name) = each("required").find(|name| value.get(name.as_str().unwrap_or_default()).is_none()) {
            return Some(format!("{name} is missing"));
        }
        if let Some(why) = each("allOf").find_map(|part| self.broken(part, value)) {
            return Some(why);
        }
        let items = value.as_array().filter(|_| schema["items"].is_object()).into_iter().flatten();
        items
            .into_iter()
            .find_map(|item| self.wrong(&schema["items"], item))
            .or_else(|| self.broken_field(schema, value))
    }

    fn broken_field(&self, schema: &Value, value: &Value) -> Option<String> {
        value.as_object()?.iter().find_map(|(name, field)| {
            let described = schema["properties"].get(name).or(schema.get("additionalProperties"))?;
            let why = self.wrong(described, field).filter(|_| described.is_object())?;
            Some(format!("{name}: {why}"))
        })
    }

    /// The names of an object's fields; `*` allows any name.
    fn fields(&self, schema: &Value) -> Vec<String> {
        let schema = self.resolved(schema);
        let own = schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned();
        let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| self.fields(part));
        let any = schema["additionalProperties"].is_object().then(|| "*".to_owned());
        own.chain(parts).chain(any).collect()
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    }
}
