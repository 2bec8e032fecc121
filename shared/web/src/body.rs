//! Bodies: size, content type, JSON, then field by field, so that one answer names everything that is wrong.

use ::http::{HeaderMap, StatusCode, header};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use serde::Serialize;
use serde_json::{Map, Value};
use user_core::error::{FieldError, Refusal};
use utoipa::ToSchema;

use crate::json::Unique;
use crate::problem::Problem;

/// An answer that is only a sentence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageBody {
    /// One sentence for people.
    #[schema(value_type = String)]
    pub message: &'static str,
}

/// A body that reads itself from its fields.
pub trait Body: Sized {
    /// Takes each field it knows from `fields`; `None` when one that it needs is missing or refused.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// A JSON body that has only fields that `T` knows, each once.
pub struct Json<T>(pub T);

impl<T: Body, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if media_type(request.headers()) != "application/json" {
            return Err(Problem::UnsupportedMediaType);
        }
        read(&bytes(request, state).await?).map(Self)
    }
}

/// A body of zero bytes is none, whatever its content type.
impl<T: Body, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let is_json = media_type(request.headers()) == "application/json";
        match bytes(request, state).await? {
            none if none.is_empty() => Ok(None),
            json if is_json => read(&json).map(Self).map(Some),
            _ => Err(Problem::UnsupportedMediaType),
        }
    }
}

/// A JSON body, or the form of RFC 6749's password grant, whose fields `rename` turns into those of `T`. A repeated field makes a form
/// malformed (RFC 6749, 3.2), also under two names; fields that are dropped may be repeated.
pub struct JsonOrForm<T>(pub T);

/// The JSON names of a form's fields; fields without one are dropped.
pub trait Form: Body {
    /// The JSON name of a form field.
    fn rename(field: &str) -> Option<&'static str>;
}

impl<T: Form, S: Send + Sync> FromRequest<S> for JsonOrForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match media_type(request.headers()).as_str() {
            "application/json" => read(&bytes(request, state).await?).map(Self),
            "application/x-www-form-urlencoded" => {
                let bytes = bytes(request, state).await?;
                let mut map = Map::new();
                for (name, value) in form_urlencoded::parse(&bytes) {
                    let Some(name) = T::rename(&name) else { continue };
                    if map.insert(name.to_owned(), Value::String(value.into_owned())).is_some() {
                        return Err(Problem::Malformed);
                    }
                }
                Fields::of(map).complete(T::read).map(Self)
            }
            _ => Err(Problem::UnsupportedMediaType),
        }
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let refused = |rejection: BytesRejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
        _ => Problem::Malformed,
    };
    Bytes::from_request(request, state).await.map_err(refused)
}

fn read<T: Body>(bytes: &[u8]) -> Result<T, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Unique(Value::Object(map))) => Fields::of(map).complete(T::read),
        _ => Err(Problem::Malformed),
    }
}

/// The value of a field that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<T> {
    /// The field is missing: a change leaves the value as it is.
    Missing,
    /// `null`: a change removes the value.
    Null,
    /// A value.
    Value(T),
}

impl<T> Given<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        self.change().flatten()
    }

    /// The new value, which may be none; `None` when the field changes nothing.
    pub fn change(self) -> Option<Option<T>> {
        match self {
            Self::Missing => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

/// The most unknown fields that an answer names.
const NAMED: usize = 16;

/// The fields of a body, or the parameters of a query, that were not read yet, and the errors of those that were.
pub struct Fields {
    map: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    pub(super) fn of(map: Map<String, Value>) -> Self {
        Self { map, errors: Vec::new() }
    }

    /// The result of `read`, if it takes all fields and refuses none.
    pub(super) fn complete<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Result<T, Problem> {
        let whole = read(&mut self);
        let unknown = || Refusal::new("unknown-field", "this call has no such field");
        // The name comes from the client, and is cut to limit the size of the answer.
        let extra = self.map.keys().map(|name| unknown().of(&name.chars().take(64).collect::<String>()));
        self.errors.extend(extra.take(NAMED));
        whole.filter(|_| self.errors.is_empty()).ok_or(Problem::Invalid(self.errors))
    }

    /// A required text, read by `read`.
    pub fn text<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, Refusal>) -> Option<T> {
        let value = self.required(name)?;
        self.parsed(name, &value, read)
    }

    /// An optional text. `read` is not called when it is missing or `null`, and may itself take a text for `null`.
    pub fn optional_text<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<Option<T>, Refusal>,
    ) -> Option<Given<T>> {
        match self.map.remove(name) {
            None => Some(Given::Missing),
            Some(Value::Null) => Some(Given::Null),
            Some(value) => self.parsed(name, &value, read).map(|read| read.map_or(Given::Null, Given::Value)),
        }
    }

    /// A required text that may be `null`.
    pub fn nullable_text<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<Option<T>, Refusal>,
    ) -> Option<Option<T>> {
        match self.required(name)? {
            Value::Null => Some(None),
            value => self.parsed(name, &value, read),
        }
    }

    /// A required boolean.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.required(name)?;
        self.boolean(name, &value)
    }

    /// An optional boolean (`Some(None)` when it is missing).
    pub fn optional_flag(&mut self, name: &str) -> Option<Option<bool>> {
        match self.map.remove(name) {
            None => Some(None),
            Some(value) => self.boolean(name, &value).map(Some),
        }
    }

    /// Refuses a repeated field, unless it was not read: then it is unknown.
    pub(super) fn repeated(&mut self, name: &str) {
        if !self.map.contains_key(name) {
            self.errors.push(Refusal::new("repeated", "this may be there only once").of(name));
        }
    }

    /// An optional text.
    pub fn parameter<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, Refusal>) -> Option<Option<T>> {
        match self.map.remove(name) {
            None => Some(None),
            Some(value) => self.parsed(name, &value, read).map(Some),
        }
    }

    fn required(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).or_else(|| self.refuse(name, Refusal::new("missing", "this field is needed")))
    }

    fn parsed<T>(&mut self, name: &str, value: &Value, read: impl FnOnce(&str) -> Result<T, Refusal>) -> Option<T> {
        let wrong = || Refusal::new("wrong-type", "a text is needed");
        match value.as_str().ok_or_else(wrong).and_then(read) {
            Ok(read) => Some(read),
            Err(refusal) => self.refuse(name, refusal),
        }
    }

    fn boolean(&mut self, name: &str, value: &Value) -> Option<bool> {
        value.as_bool().or_else(|| self.refuse(name, Refusal::new("wrong-type", "true or false is needed")))
    }

    fn refuse<T>(&mut self, name: &str, refusal: Refusal) -> Option<T> {
        self.errors.push(refusal.of(name));
        None
    }
}
