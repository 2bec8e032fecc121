//! The requests that the stack answers on its ports. Browsers let any web page send requests to this machine, and a page whose host name
//! resolves to it (DNS rebinding) even reads the answers. So requests must name a host of this service, and whatever only programs and this
//! service's own pages use refuses pages of other origins.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::json;

use crate::gateway::request_id;

/// This machine's own name, and the one that Docker's containers use for it. No stranger's name server controls either.
const OWN: [&str; 2] = ["localhost", "host.docker.internal"];

/// The hosts whose requests the service answers.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Vec<String>);

/// The address of this machine at which a request arrived; an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached(pub(crate) IpAddr);

impl Hosts {
    /// This machine's own hosts, and the additional `names`.
    #[must_use]
    pub fn with(names: &[String]) -> Self {
        Self(names.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Refuses a request that names another host (RFC 9110, 15.5.20).
    pub(crate) fn refuse(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let reached = request.extensions().get::<Reached>().map(|Reached(address)| address.to_canonical());
        let mut named = request.headers().get_all(header::HOST).iter();
        let target = request.uri().authority().is_none_or(|target| self.has(target.as_str(), reached));
        let host = named.next().and_then(|host| host.to_str().ok()).is_some_and(|host| self.has(host, reached));
        let detail = "cargo local does not answer for this host; --host-name adds one.";
        let own = target && host && named.next().is_none();
        (!own).then(|| refusal(StatusCode::MISDIRECTED_REQUEST, "foreign-host", "Foreign host", detail))
    }

    /// The same; also refuses a request of a page of another origin, even if that is another port of this machine.
    pub(crate) fn refuse_pages(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let text = |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
        let host = text(header::HOST).unwrap_or_default();
        let own = |origin: &str| {
            let authority = origin.strip_prefix("http://").or(origin.strip_prefix("https://"));
            authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
        };
        let fetched = text(HeaderName::from_static("sec-fetch-site"));
        let own =
            text(header::ORIGIN).is_none_or(own) && fetched.is_none_or(|site| ["none", "same-origin"].contains(&site));
        let detail = "Pages of other origins cannot use this.";
        self.refuse(request)
            .or_else(|| (!own).then(|| refusal(StatusCode::FORBIDDEN, "foreign-origin", "Foreign origin", detail)))
    }

    fn has(&self, authority: &str, reached: Option<IpAddr>) -> bool {
        let Some(authority) = authority.parse::<Authority>().ok().filter(|host| !host.as_str().contains('@')) else {
            return false;
        };
        let host = authority.host().to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse().map(|ip: IpAddr| ip.to_canonical());
        // The target of an address does not depend on a name server. The unspecified address is this machine, too.
        let own = address.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified() || Some(ip) == reached);
        own || OWN.contains(&host.as_str()) || self.0.contains(&host)
    }
}

/// A problem document in the format of the functions.
fn refusal(status: StatusCode, code: &str, title: &str, detail: &str) -> Response<Bytes> {
    let problem = json!({
        "type": format!("/problems/{code}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
        "request_id": request_id(),
    });
    let mut response = Response::new(Bytes::from(problem.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_hosts_are_this_machines_and_those_that_were_named() {
        let hosts = Hosts::with(&["users".to_owned(), "Dev.Example".to_owned()]);
        let reached = Some(IpAddr::from([172, 17, 0, 1]));
        for own in [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]:8000",
            "[::ffff:127.0.0.1]",
            "0.0.0.0:8000",
            "172.17.0.1:8000",
            "host.docker.internal:8000",
            "users:8000",
            "dev.example",
        ] {
            assert!(hosts.has(own, reached), "{own}");
        }
        for foreign in [
            "",
            ":8000",
            "evil.example",
            "localhost.evil.example:8000",
            "127.0.0.1.evil.example",
            "evil.example@localhost",
            "localhost/",
            "localhost, evil.example",
            "local host",
            "172.17.0.2",
            "192.0.2.1:8000",
            "[2001:db8::1]",
            "2130706433.example",
            "sub.users",
            "example",
        ] {
            assert!(!hosts.has(foreign, reached), "{foreign}");
        }
        assert!(!hosts.has("172.17.0.1:8000", None) && !Hosts::default().has("users", reached));
    }
}
