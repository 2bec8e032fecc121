//! A handler's answer in the form that Lambda gives to API Gateway.

use std::future::Future;
use std::pin::Pin;

use axum::response::Response;
use http::StatusCode;
use http_body_util::BodyExt;
use lambda_http::{Body, IntoResponse};

/// An answer whose body is sent as text if it is UTF-8, and otherwise as base64. The conversion of `lambda_http` itself supports all
/// character sets, which takes 150 KB in each function, although all answers are UTF-8 or compressed.
#[derive(Debug)]
pub(super) struct Answer(pub(super) Response);

impl IntoResponse for Answer {
    fn into_response(self) -> Pin<Box<dyn Future<Output = http::Response<Body>> + Send>> {
        let (mut parts, body) = self.0.into_parts();
        Box::pin(async move {
            let bytes = match body.collect().await {
                Ok(collected) => collected.to_bytes().into(),
                Err(_) => {
                    parts.status = StatusCode::INTERNAL_SERVER_ERROR;
                    Vec::new()
                }
            };
            let body = String::from_utf8(bytes).map_or_else(|other| Body::Binary(other.into_bytes()), Body::Text);
            http::Response::from_parts(parts, body)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn converted(body: impl Into<axum::body::Body>) -> Body {
        Answer(Response::new(body.into())).into_response().await.into_body()
    }

    #[tokio::test]
    async fn text_stays_as_it_is_and_only_what_is_no_text_becomes_base64() {
        assert_eq!(converted("").await, Body::Text(String::new()));
        assert_eq!(converted("{\"name\":\"Zoë\"}").await, Body::Text("{\"name\":\"Zoë\"}".into()));
        assert_eq!(converted(vec![0x1f, 0x8b, 8]).await, Body::Binary(vec![0x1f, 0x8b, 8]));
    }
}
