//! Requests as events of payload format 2.0, and back.

use std::collections::HashMap;
use std::net::IpAddr;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use template::Fault;

/// The event of a request, as API Gateway makes it: the path decoded, header names in lower case, repeated headers joined, cookies
/// separate, and a body that is no text in base64.
pub(super) fn request(
    request: Request<Bytes>,
    source: IpAddr,
    id: &str,
    route_key: &str,
    path_parameters: HashMap<String, String>,
) -> ApiGatewayV2httpRequest {
    let (parts, body) = request.into_parts();
    let path = decoded(parts.uri.path());
    let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut event = ApiGatewayV2httpRequest::default();
    event.version = Some("2.0".to_owned());
    event.route_key = Some(route_key.to_owned());
    event.raw_path = Some(path.clone());
    event.raw_query_string = Some(parts.uri.query().unwrap_or_default().to_owned());
    event.path_parameters = path_parameters;
    event.cookies = cookies(&parts.headers);
    let context = &mut event.request_context;
    context.route_key = Some(route_key.to_owned());
    context.stage = Some("$default".to_owned());
    context.request_id = Some(id.to_owned());
    context.domain_name = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    context.http.method = parts.method;
    context.http.path = Some(path);
    context.http.protocol = Some("HTTP/1.1".to_owned());
    context.http.source_ip = Some(source.to_string());
    context.http.user_agent = user_agent;
    let textual = is_text(&parts.headers);
    match std::str::from_utf8(&body) {
        Ok("") => {}
        Ok(text) if textual => event.body = Some(text.to_owned()),
        _ => {
            event.body = Some(STANDARD.encode(&body));
            event.is_base64_encoded = true;
        }
    }
    event.headers = joined(&parts.headers);
    event
}

/// A path as HTTP APIs pass it on: decoded, and cut before an encoded `?`, as captures of live ones show (github.com/hotsock/voker, pull
/// request 8).
fn decoded(path: &str) -> String {
    let path = percent_decode_str(path).decode_utf8_lossy();
    path.split('?').next().unwrap_or_default().to_owned()
}

fn is_text(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.starts_with("text/") || media_type.contains("json") || media_type.contains("xml")
}

fn cookies(headers: &HeaderMap) -> Option<Vec<String>> {
    let cookies: Vec<_> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split("; ").map(str::to_owned))
        .collect();
    (!cookies.is_empty()).then_some(cookies)
}

fn joined(headers: &HeaderMap) -> HeaderMap {
    let mut joined = HeaderMap::new();
    for name in headers.keys().filter(|name| **name != header::COOKIE) {
        let values: Vec<_> = headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
        if let Ok(value) = http::HeaderValue::from_bytes(&values.join(&b","[..])) {
            joined.insert(name, value);
        }
    }
    joined
}

/// The answer for the response of a function.
pub(super) fn response(event: ApiGatewayV2httpResponse) -> Result<Response<Bytes>, Fault> {
    let body = match event.body {
        Some(Body::Text(text)) if event.is_base64_encoded => STANDARD.decode(text)?,
        Some(Body::Text(text)) => text.into_bytes(),
        Some(Body::Binary(bytes)) => bytes,
        _ => Vec::new(),
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(u16::try_from(event.status_code)?)?;
    *response.headers_mut() = event.headers;
    for cookie in event.cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie.parse()?);
    }
    Ok(response)
}
