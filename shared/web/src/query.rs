//! Queries: the parameters that a call takes, each at most once, and no others. Nothing is ignored: a client that sends `?dry_run=true`
//! must not believe that it has an effect.

use std::collections::BTreeSet;

use ::http::request::Parts;
use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Map, Value};

use crate::body::Fields;
use crate::problem::Problem;

/// Parameters that read themselves from fields.
pub trait Parameters: Sized {
    /// Takes each parameter it knows from `fields`; `None` when one is refused.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// No parameters.
impl Parameters for () {
    fn read(_: &mut Fields) -> Option<Self> {
        Some(())
    }
}

/// A query that has only parameters that `T` knows.
pub struct Query<T>(pub T);

impl<T: Parameters, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(parts.uri.query()).map(Self)
    }
}

/// A layer for routes that take no query: a request with any parameter is refused.
///
/// # Errors
/// [`Problem::Invalid`], with the names of the parameters.
pub async fn none(request: Request, next: Next) -> Result<Response, Problem> {
    read::<()>(request.uri().query())?;
    Ok(next.run(request).await)
}

fn read<T: Parameters>(query: Option<&str>) -> Result<T, Problem> {
    let (mut map, mut twice) = (Map::new(), BTreeSet::new());
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if map.insert(name.clone().into_owned(), Value::String(value.into_owned())).is_some() {
            twice.insert(name);
        }
    }
    Fields::of(map).complete(|fields| {
        let parameters = T::read(fields);
        twice.iter().for_each(|name| fields.repeated(name));
        parameters
    })
}
