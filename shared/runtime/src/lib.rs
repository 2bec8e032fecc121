//! How a function starts on AWS Lambda and answers there.

mod answer;
mod event;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Request, Service};
use serde::Serialize;
use tower::ServiceExt;
use user_config::{Config, ConfigError};
use user_telemetry::log;
use user_telemetry::metric::{self, When};

/// Serves API Gateway's events with a router that needs only the configuration. It calls no other service, not even at the start.
///
/// # Errors
/// The [`ConfigError`] of [`begin`]; failures of the Lambda runtime.
pub async fn serve_alone(router: fn(Arc<Config>) -> Router) -> Result<(), lambda_http::Error> {
    run(router(Arc::new(begin()?))).await
}

/// Serves API Gateway's events with a router.
///
/// # Errors
/// Failures of the Lambda runtime.
pub async fn run(router: Router) -> Result<(), lambda_http::Error> {
    lambda_runtime::run(service(router)).await
}

/// The router as the Lambda runtime calls it, with the conversions of `lambda_http`.
pub fn service(
    router: Router,
) -> impl Service<LambdaEvent<LambdaRequest>, Response: Serialize, Error = Infallible, Future: Send> {
    let service = ServiceExt::<Request>::map_response(router, answer::Answer);
    Adapter::from(service).map_request(|mut event: LambdaEvent<LambdaRequest>| {
        if let LambdaRequest::ApiGatewayV2(event) = &mut event.payload {
            event::made_fit(event);
        }
        event
    })
}

/// Reads the configuration and starts the log and the metrics. Every function calls it first.
///
/// # Errors
/// [`ConfigError`] with all errors of the configuration at once.
pub fn begin() -> Result<Config, ConfigError> {
    let config = Config::from_env()?;
    log::start(&config);
    metric::start(&config, || Box::new(std::io::stdout()), When::EachRequest);
    metric::COLD_STARTS.add(&[], 1);
    Ok(config)
}
