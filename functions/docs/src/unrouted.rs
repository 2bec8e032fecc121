//! Requests without a route: the target of the template's route `$default`. The known paths come from the description, which is read at the
//! first such request.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, LOCATION};
use http::{HeaderValue, Method, StatusCode, Uri};
use matchit::Router;
use serde::Deserialize;
use serde::de::IgnoredAny;
use user_web::problem::Problem;

use crate::{OPENAPI, pages};

/// The part of the description with paths and methods.
#[derive(Deserialize)]
struct Description<'a> {
    #[serde(borrow)]
    paths: BTreeMap<&'a str, BTreeMap<&'a str, Operation>>,
}

#[derive(Deserialize)]
struct Operation {
    /// The ways to sign in; empty if the call needs none.
    security: Vec<IgnoredAny>,
}

/// The methods of each path as `Allow` lists them, or why they cannot be read.
static PATHS: LazyLock<Result<Router<String>, String>> = LazyLock::new(|| read().map_err(|error| error.to_string()));

fn read() -> Result<Router<String>, Box<dyn std::error::Error>> {
    let mut paths = Router::new();
    for (path, item) in serde_json::from_str::<Description<'_>>(OPENAPI)?.paths {
        // `HEAD` is not described: it has a route wherever `GET` needs no sign-in.
        let is_open = item.get("get").is_some_and(|operation| operation.security.is_empty());
        paths.insert(path, listed(item.into_keys().chain(is_open.then_some("head"))))?;
    }
    for (path, _) in pages() {
        paths.insert(path, listed(["get", "head"].into_iter()))?;
    }
    Ok(paths)
}

/// The `Allow` header of a path with these methods. The gateway accepts `OPTIONS` for every path.
fn listed<'a>(methods: impl Iterator<Item = &'a str>) -> String {
    let mut methods: Vec<_> = methods.chain(["options"]).map(str::to_uppercase).collect();
    methods.sort_unstable();
    methods.join(", ")
}

/// Redirects to the path without slashes at its end, if that path has the method; names the allowed methods of a path that lacks it;
/// otherwise answers that there is no such path.
pub(crate) async fn answer(method: Method, uri: Uri) -> Result<Response, Problem> {
    let paths = PATHS.as_ref().map_err(|fault| Problem::internal(fault.as_str()))?;
    let path = uri.path().trim_end_matches('/');
    let allow = paths.at(path).ok().map(|found| found.value.as_str());
    // The gateway adds its CORS headers. A browser continues only after a success, and then sees the answer of the call itself.
    if method == Method::OPTIONS {
        return Ok((StatusCode::NO_CONTENT, allow.map(|methods| [(ALLOW, methods)]), ()).into_response());
    }
    let allow = allow.ok_or(Problem::NotFound)?;
    if !allow.split(", ").any(|known| known == method.as_str()) {
        return Ok(([(ALLOW, allow)], Problem::MethodNotAllowed).into_response());
    }
    if path == uri.path() {
        return Err(Problem::NotFound);
    }
    // A known path begins with one slash and a name, so the location cannot be the address of another host.
    let location = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let location = HeaderValue::from_str(&location).map_err(|_| Problem::Malformed)?;
    Ok((StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response())
}
