//! The documentation of the API: its description (OpenAPI 3.1), and two pages that show it. Everything is in the program, so that no page
//! loads anything from another host. The description lists every path, so requests without a route are answered here, too.

mod asset;
mod unrouted;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use user_config::Config;
use user_web::extract::Path;
use user_web::problem::Problem;

use asset::{ASSETS, Asset};

/// The description, made from the handlers' own descriptions; a test compares the two.
pub const OPENAPI: &str = include_str!("../openapi.json");

const SWAGGER: &str = include_str!("../assets/swagger.html");
const REDOC: &str = include_str!("../assets/redoc.html");

/// Swagger UI sets inline styles and has small pictures in its style sheet.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// `ReDoc` sets inline styles, too, and searches in a worker.
const REDOC_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self' data:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The function's routes. They use no data.
pub fn router(config: Arc<Config>) -> Router {
    let routes = pages().into_iter().fold(Router::new(), |routes, (path, page)| routes.route(path, page));
    let routes = routes.fallback(unrouted::answer).method_not_allowed_fallback(unrouted::answer);
    user_web::serve_all(routes, config)
}

/// The routes that the description does not describe: itself, and the pages. All of them accept `GET` and `HEAD`.
fn pages() -> [(&'static str, MethodRouter<Arc<Config>>); 4] {
    [("/openapi.json", get(openapi)), ("/docs", get(swagger)), ("/docs/{asset}", get(show)), ("/redoc", get(redoc))]
}

/// `GET /openapi.json`.
async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], OPENAPI).into_response()
}

/// `GET /docs`: Swagger UI.
async fn swagger() -> Response {
    page(SWAGGER, SWAGGER_POLICY)
}

/// `GET /redoc`: `ReDoc`.
async fn redoc() -> Response {
    page(REDOC, REDOC_POLICY)
}

fn page(html: &'static str, policy: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache"), (CONTENT_SECURITY_POLICY, policy)];
    (headers, html).into_response()
}

/// `GET /docs/{asset}`: an asset. The name of a package's file contains its version, so that it may be cached forever.
async fn show(Path(name): Path<String>) -> Result<Response, Problem> {
    let Asset { kind, packed, body, .. } = ASSETS.iter().find(|asset| asset.name == name).ok_or(Problem::NotFound)?;
    if *packed {
        let headers =
            [(CONTENT_TYPE, *kind), (CONTENT_ENCODING, "gzip"), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
        Ok((headers, *body).into_response())
    } else {
        Ok(([(CONTENT_TYPE, *kind), (CACHE_CONTROL, "no-cache")], *body).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_name_only_what_is_here_and_all_of_it() {
        let named: Vec<_> = [SWAGGER, REDOC, include_str!("../assets/redoc.js")]
            .iter()
            .flat_map(|text| text.split("\"/docs/").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(ASSETS.iter().all(|asset| named.contains(&asset.name)), "{named:?}");
        assert!(named.iter().all(|name| ASSETS.iter().any(|asset| asset.name == *name)), "{named:?}");
    }

    #[test]
    fn what_is_packed_is_gzip_and_fits_into_an_answer() {
        for asset in ASSETS.iter().filter(|asset| asset.packed) {
            // RFC 1952, 2.3.1; Lambda quotas: 6 MB, and base64 takes a third more.
            assert!(asset.body.starts_with(&[0x1f, 0x8b]) && asset.body.len() < 4_000_000, "{}", asset.name);
        }
    }
}
