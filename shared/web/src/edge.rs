//! The edge in front of the gateway, if there is one. Behind CloudFront the gateway sees CloudFront's address, and a header has the
//! caller's. `infra/edge.yaml` creates the edge.

use std::net::IpAddr;

use ::http::{HeaderMap, HeaderName};
use axum::extract::Request;
use lambda_http::request::RequestContext;
use user_config::EdgeSecrets;

/// The header with the edge's secret. CloudFront overwrites one of the caller, and adds none whose name begins with `X-Edge-`.
const SECRET: HeaderName = HeaderName::from_static("x-origin-verify");
/// The caller's address and port, as CloudFront sends them.
const VIEWER: HeaderName = HeaderName::from_static("cloudfront-viewer-address");

/// Replaces the address that the gateway saw by the caller's, which the edge sends. The edge is authenticated by its secret; without the
/// secret, headers change nothing. The secret is removed from the request.
pub(super) fn identify(secrets: &EdgeSecrets, request: &mut Request) {
    let address = viewer(secrets, request.headers());
    request.headers_mut().remove(SECRET);
    if let (Some(address), Some(RequestContext::ApiGatewayV2(context))) =
        (address, request.extensions_mut().get_mut::<RequestContext>())
    {
        context.http.source_ip = Some(address.to_string());
    }
}

/// The caller's address, if the request comes from the edge.
fn viewer(secrets: &EdgeSecrets, headers: &HeaderMap) -> Option<IpAddr> {
    let from_edge = secrets.include(only(headers, &SECRET)?);
    let value = only(headers, &VIEWER).filter(|_| from_edge)?;
    let (address, port) = std::str::from_utf8(value).ok()?.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    // CloudFront writes an IPv6 address without brackets.
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    bare.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

/// The value of a header that occurs exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    Some(value.as_bytes())
}
