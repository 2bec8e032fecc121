//! The functions of the template, invoked with the events of Lambda.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_types::SdkConfig;
use axum::Router;
use lambda_http::Service;
use lambda_http::lambda_runtime::{Context, LambdaEvent};
use lambda_http::request::LambdaRequest;
use mailer::Wake;
use serde_json::Value;
use template::Fault;
use transport::Transport;
use user_app::App;
use user_app::keyring::KeyUse;
use user_config::Hidden;
use user_core::clock::Clock;
use user_core::signing::Keys;

/// The maximum size of a request and of an answer (AWS Lambda quotas: 6 MB each; for an answer Lambda accepts 100 bytes more).
const REQUEST_LIMIT_BYTES: usize = 6 * 1024 * 1024;
const ANSWER_LIMIT_BYTES: usize = REQUEST_LIMIT_BYTES + 100;

/// Whether the event exceeds Lambda's limit. JSON turns a byte into at most six, so that only the size of a long body is computed.
#[must_use]
pub fn is_too_long(event: &ApiGatewayV2httpRequest) -> bool {
    event.body.as_ref().is_some_and(|body| body.len() > REQUEST_LIMIT_BYTES / 8)
        && serde_json::to_vec(event).is_ok_and(|json| json.len() > REQUEST_LIMIT_BYTES)
}

/// A function of the template.
pub struct Function {
    handler: Handler,
    timeout_seconds: u64,
}

enum Handler {
    Http(Router),
    Mailer(App, Box<Transport>),
    Feedback(App),
    Cleanup(App),
    Rotation(App),
}

/// The secrets that functions read when they start.
pub struct SecretsAtStart {
    /// The signing keys.
    pub signing: Keys,
    /// What verifiers have of them.
    pub verification: Keys,
    /// The password of the mail server.
    pub mail: Hidden,
}

impl SecretsAtStart {
    /// The keys that the function with this binary reads.
    #[must_use]
    pub fn keys_for(&self, binary: &str) -> (KeyUse, Keys) {
        let key_use = key_use(binary);
        let keys = match key_use {
            KeyUse::Sign => self.signing.clone(),
            KeyUse::Verify => self.verification.clone(),
            KeyUse::Nothing => Keys::none(),
        };
        (key_use, keys)
    }
}

/// What the function with this binary needs the signing keys for.
#[must_use]
pub fn key_use(binary: &str) -> KeyUse {
    match binary {
        "auth" => auth::KEY_USE,
        "users" => users::KEY_USE,
        "health" => health::KEY_USE,
        "metrics" => metrics::KEY_USE,
        "discovery" => discovery::KEY_USE,
        "mailer" => mailer::KEY_USE,
        "feedback" => feedback::KEY_USE,
        "cleanup" => cleanup::KEY_USE,
        "rotation" => rotation::KEY_USE,
        _ => KeyUse::Nothing,
    }
}

impl Function {
    /// The function whose binary has this name.
    ///
    /// # Errors
    /// If the template names a binary that this program does not contain.
    pub fn new(
        binary: &str,
        app: App,
        transport: Transport,
        sdk: &SdkConfig,
        timeout_seconds: u64,
    ) -> Result<Self, Fault> {
        let handler = match binary {
            "auth" => Handler::Http(auth::router(app)),
            "users" => Handler::Http(users::router(app)),
            "health" => Handler::Http(health::router(app, transport)),
            "metrics" => Handler::Http(metrics::router(app, metrics::Source::new(sdk))),
            "discovery" => Handler::Http(discovery::router(app)),
            "docs" => Handler::Http(docs::router(Arc::new(app.config.clone()))),
            "mailer" => Handler::Mailer(app, Box::new(transport)),
            "feedback" => Handler::Feedback(app),
            "cleanup" => Handler::Cleanup(app),
            "rotation" => Handler::Rotation(app),
            other => return Err(format!("the template names a binary that is not here: {other}").into()),
        };
        Ok(Self { handler, timeout_seconds })
    }

    /// Invokes the function with an event as JSON.
    ///
    /// # Errors
    /// If the event does not fit the function, and any error of the function itself.
    pub async fn invoke(&self, event: Value) -> Result<Value, Fault> {
        match &self.handler {
            Handler::Http(_) => Ok(serde_json::to_value(self.answer(serde_json::from_value(event)?).await?)?),
            Handler::Mailer(app, transport) => {
                Ok(serde_json::to_value(mailer::handle(app, transport, Wake::read(event)?).await?)?)
            }
            Handler::Feedback(app) => Ok(serde_json::to_value(feedback::handle(app, event).await?)?),
            Handler::Cleanup(app) => {
                Ok(serde_json::to_value(cleanup::handle(app, Duration::from_secs(self.timeout_seconds)).await?)?)
            }
            Handler::Rotation(app) => {
                Ok(serde_json::to_value(rotation::handle(app, serde_json::from_value(event)?).await?)?)
            }
        }
    }

    /// Invokes the function with a request from API Gateway, through the same conversions that run on Lambda.
    ///
    /// # Errors
    /// If the function serves no HTTP, exceeds its timeout, or returns more than Lambda accepts.
    pub async fn answer(&self, event: ApiGatewayV2httpRequest) -> Result<ApiGatewayV2httpResponse, Fault> {
        let Handler::Http(router) = &self.handler else {
            return Err("this function serves no HTTP".into());
        };
        let mut context = Context::default();
        context.request_id = event.request_context.request_id.clone().unwrap_or_default();
        let deadline = u64::try_from(Clock::System.now_millis()).unwrap_or(0) + self.timeout_seconds * 1000;
        context.deadline = deadline;
        let event = LambdaEvent::new(LambdaRequest::ApiGatewayV2(event), context);
        let answer = user_runtime::service(router.clone()).call(event);
        let response = tokio::time::timeout(Duration::from_secs(self.timeout_seconds), answer).await??;
        let json = serde_json::to_vec(&response)?;
        if json.len() > ANSWER_LIMIT_BYTES {
            return Err(format!("an answer of {} bytes is more than Lambda takes", json.len()).into());
        }
        Ok(serde_json::from_slice(&json)?)
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_answer_may_have_six_megabytes_as_json_and_no_byte_more() {
        let request = json!({ "routeKey": "GET /", "rawPath": "/", "requestContext": { "http": { "method": "GET" } } });
        let answer = async |bytes: usize| {
            let router = Router::new().route("/", get(async move || "x".repeat(bytes)));
            let function = Function { handler: Handler::Http(router), timeout_seconds: 10 };
            function.answer(serde_json::from_value(request.clone()).unwrap()).await
        };
        let small = serde_json::to_vec(&answer(1_000_000).await.unwrap()).unwrap().len() - 1_000_000;
        assert!(answer(ANSWER_LIMIT_BYTES - small).await.is_ok());
        let refused = answer(ANSWER_LIMIT_BYTES - small + 1).await.unwrap_err().to_string();
        assert_eq!(refused, "an answer of 6291557 bytes is more than Lambda takes");
    }
}
