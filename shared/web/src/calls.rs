//! The calls of a function. Each is declared once, at its handler: a module of its own has a function `handle`, whose `#[utoipa::path]`
//! says method, path and description. [`calls!`](macro@crate::calls) makes the routes and the function's part of the OpenAPI document
//! from the list of these modules.

use axum::Router;
use axum::routing::{MethodFilter, MethodRouter};
use utoipa::Path;
use utoipa::openapi::{HttpMethod, OpenApi};

/// What the handlers of a function say of themselves.
pub struct Description {
    /// The function's part of the OpenAPI document.
    pub document: OpenApi,
    /// Whether the calls ignore parameters of a query that they do not know; otherwise they refuse them.
    pub ignores_queries: bool,
}

impl Description {
    /// Describes the call `P` at another path, too.
    #[must_use]
    pub fn also<P: Path>(mut self, other: &str) -> Self {
        let path = P::path();
        for method in P::methods() {
            let Some(mut operation) = self.document.paths.get_path_operation(&path, method.clone()).cloned() else {
                continue;
            };
            operation.operation_id = operation.operation_id.map(|name| name + "Also");
            operation.description = operation.description.map(|text| format!("The same as `{path}`.\n\n{text}"));
            self.document.paths.add_path_operation(other, vec![method], operation);
        }
        self
    }
}

/// Declares the calls of a function whose state is `$state` by the names of their modules: `routes()` for the router, and `openapi()`,
/// which nothing needs at run time. The list says what happens to a query:
///
/// - `no query`: any parameter is refused. `also` is another path that leads to a call.
/// - `query`: the handler reads it with [`Query`](crate::query::Query), which refuses parameters that it does not know.
/// - `any query`: parameters are ignored, for calls that other programs make.
#[macro_export]
macro_rules! calls {
    ($state:ty; no query: $($none:ident $(also $also:literal)?),+; $(query: $($call:ident),+;)?) => {
        $crate::calls!(@ $state, false, [$($none $(also $also)?),+], [$($($call),+)?]);
    };
    ($state:ty; any query: $($call:ident),+;) => {
        $crate::calls!(@ $state, true, [], [$($call),+]);
    };
    (@ $state:ty, $ignores:literal, [$($none:ident $(also $also:literal)?),*], [$($call:ident),*]) => {
        /// What the handlers say of themselves.
        #[must_use]
        pub fn openapi() -> $crate::calls::Description {
            #[derive(utoipa::OpenApi)]
            #[openapi(paths($($none::handle,)* $($call::handle),*))]
            struct Calls;
            let document = <Calls as utoipa::OpenApi>::openapi();
            let description = $crate::calls::Description { document, ignores_queries: $ignores };
            $($(let description = description.also::<$none::__path_handle>($also);)?)*
            description
        }

        /// The routes of the calls.
        fn routes() -> axum::Router<$state> {
            use axum::middleware::from_fn;
            use axum::routing::on;
            use utoipa::Path;
            let routes = axum::Router::new();
            $(
                let paths = [$none::__path_handle::path(), $($also.to_owned())?];
                let routes = $crate::calls::add(routes, &paths, &$none::__path_handle::methods(), |methods| {
                    on(methods, $none::handle).route_layer(from_fn($crate::query::none))
                });
            )*
            $(
                let paths = [$call::__path_handle::path()];
                let routes = $crate::calls::add(routes, &paths, &$call::__path_handle::methods(), |methods| {
                    on(methods, $call::handle)
                });
            )*
            routes
        }
    };
}

/// `routes` and those of a call, which `answer` makes; for [`calls!`](macro@crate::calls).
pub fn add<S: Clone + Send + Sync + 'static>(
    mut routes: Router<S>,
    paths: &[String],
    methods: &[HttpMethod],
    answer: fn(MethodFilter) -> MethodRouter<S>,
) -> Router<S> {
    for path in paths {
        for method in methods {
            routes = routes.route(path, answer(filter(method)));
        }
    }
    routes
}

fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "functions publish their descriptions")]
mod tests {
    use std::sync::Arc;

    use ::http::StatusCode;
    use user_config::Config;
    use utoipa::openapi::HttpMethod;

    use crate::tests::ask;

    mod rename {
        #[utoipa::path(method(patch, put), path = "/things/{id}", description = "A call.", responses((status = 200)))]
        pub(crate) async fn handle() -> &'static str {
            "renamed"
        }
    }

    mod list {
        use crate::page::Place;
        use crate::query::Query;

        #[utoipa::path(get, path = "/things", params(Place), responses((status = 200)))]
        pub(crate) async fn handle(Query(place): Query<Place>) -> String {
            place.limit.to_string()
        }
    }

    crate::calls! {
        Arc<Config>;
        no query: rename also "/names/{id}";
        query: list;
    }

    #[tokio::test]
    async fn a_call_has_a_route_for_each_of_its_methods_and_paths() {
        let known = [("PATCH", "/things/1"), ("PUT", "/things/1"), ("PATCH", "/names/1"), ("PUT", "/names/1")];
        for (method, path) in known {
            let (status, _, body) = ask(routes(), method, path).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, "renamed"), "{method} {path}");
        }
        assert_eq!(ask(routes(), "GET", "/things/1").await.0, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn a_call_that_reads_no_query_refuses_one() {
        let refused = ask(routes(), "PUT", "/things/1?limit=1").await;
        assert_eq!((refused.0, refused.1.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "application/problem+json"));
        assert_eq!(ask(routes(), "GET", "/things?limit=7").await.2, "7");
        assert_eq!(ask(routes(), "GET", "/things?limits=7").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn a_call_is_described_at_each_of_its_paths() {
        let paths = openapi().document.paths;
        for method in [HttpMethod::Patch, HttpMethod::Put] {
            let description =
                |path| paths.get_path_operation(path, method.clone()).and_then(|call| call.description.clone());
            assert_eq!(description("/things/{id}").as_deref(), Some("A call."));
            assert_eq!(description("/names/{id}").as_deref(), Some("The same as `/things/{id}`.\n\nA call."));
        }
        assert!(paths.get_path_operation("/things", HttpMethod::Get).is_some());
    }
}
