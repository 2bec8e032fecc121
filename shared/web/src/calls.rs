//! The calls of a function. Each is declared once, at its handler: a module of its own has a function `handle`, whose `#[utoipa::path]`
//! says method, path and description. [`calls!`](crate::calls) makes the routes and the function's part of the OpenAPI document from the
//! list of these modules.

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

/// `routes` and those of a call, which `answer` makes; for [`calls!`](crate::calls).
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
