//! Adjusts the event of a request for `lambda_http`, which panics at an invalid URI. What a client sends must not end a call as a fault of
//! the function: enough of such faults roll a release back.

use http::{HeaderMap, header};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

/// Characters that would end a path or have another meaning in it (WHATWG URL, path state).
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Characters that would end a query, or that the crate `http` refuses in one. A `%` belongs to the client's encoding.
const IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The most bytes of a path with its query: fewer than `http` accepts in a URI (65,534), and more than API Gateway accepts, whose limit
/// for the request line and the headers together is 10,240 bytes.
const LIMIT_BYTES: usize = 60_000;

const PROTOCOL: &str = "x-forwarded-proto";

/// HTTP APIs decode `rawPath` and leave `rawQueryString` as the client sent it. A gateway on a developer's machine accepts any host and
/// any length. (`cargo lambda watch` does not decode: there, path parameters arrive encoded.) A path that is too long becomes `/`.
pub(super) fn made_fit(event: &mut ApiGatewayV2httpRequest) {
    let path = event.raw_path.take().unwrap_or_default();
    let mut path = utf8_percent_encode(&path, IN_PATH).to_string();
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    let mut query = utf8_percent_encode(event.raw_query_string.as_deref().unwrap_or_default(), IN_QUERY).to_string();
    if path.len() + query.len() > LIMIT_BYTES {
        (path, query) = ("/".to_owned(), String::new());
    }
    event.raw_path = Some(path);
    event.raw_query_string = Some(query);
    keep_if(&mut event.headers, PROTOCOL, |scheme| scheme == "http" || scheme == "https");
    keep_if(&mut event.headers, header::HOST.as_str(), is_host);
    event.request_context.domain_name.take_if(|name| !is_host(name));
}

fn keep_if(headers: &mut HeaderMap, name: &str, is_right: impl Fn(&str) -> bool) {
    if headers.get(name).is_some_and(|value| !value.to_str().is_ok_and(is_right)) {
        headers.remove(name);
    }
}

/// Whether this is a name or an address, with or without a port, also for the parser whose success `lambda_http` expects.
fn is_host(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    text.bytes().all(is_part) && Url::parse(&format!("http://{text}/")).is_ok()
}

#[cfg(test)]
mod tests {
    use http::Method;
    use lambda_http::request::LambdaRequest;
    use lambda_http::{Request, RequestExt};

    use super::*;

    fn converted(path: &str, query: &str, headers: &[(&'static str, &str)]) -> Request {
        let mut event = ApiGatewayV2httpRequest::default();
        event.raw_path = Some(path.to_owned());
        event.raw_query_string = Some(query.to_owned());
        event.request_context.http.method = Method::GET;
        event.request_context.domain_name = Some("api.example.com".to_owned());
        for (name, value) in headers {
            event.headers.insert(*name, value.parse().unwrap());
        }
        made_fit(&mut event);
        LambdaRequest::ApiGatewayV2(event).into()
    }

    #[test]
    fn a_path_arrives_as_the_client_meant_it() {
        for (decoded, encoded) in [
            ("/users/a b", "/users/a%20b"),
            ("/users/100%", "/users/100%25"),
            ("/users/%41", "/users/%2541"),
            ("/users/me?admin=true", "/users/me%3Fadmin=true"),
            ("/users/#x", "/users/%23x"),
            ("/users/zo\u{eb}", "/users/zo%C3%AB"),
            ("/users/\\..\\x", "/users/%5C..%5Cx"),
            ("/a\u{0}\n{|}^`\"<>", "/a%00%0A%7B%7C%7D%5E%60%22%3C%3E"),
            ("users", "/users"),
            ("@evil.example/", "/@evil.example/"),
            ("", "/"),
            // `lambda_http` resolves `..`, before any router sees it.
            ("/users/../health", "/health"),
        ] {
            let request = converted(decoded, "limit=1", &[("host", "api.example.com")]);
            assert_eq!((request.uri().path(), request.uri().query()), (encoded, Some("limit=1")), "{decoded:?}");
            assert_eq!(request.uri().host(), Some("api.example.com"));
        }
    }

    #[test]
    fn what_is_too_long_has_no_route() {
        for (path, query) in [("/\u{fffd}".repeat(7_300), ""), ("/users".to_owned(), &*"\u{eb}".repeat(20_000))] {
            let request = converted(&path, query, &[]);
            assert_eq!((request.uri().path(), request.uri().query()), ("/", None));
        }
        let long = "a".repeat(30_000);
        assert_eq!(converted("/users", &long, &[]).uri().query(), Some(&*long));
    }

    #[test]
    fn a_query_that_is_none_is_made_one() {
        for (sent, expected) in [
            ("email=a%40b&x=%7B%22", "email=a%40b&x=%7B%22"),
            ("q=<a \"b\">#c", "q=%3Ca%20%22b%22%3E%23c"),
            ("q=\u{eb}\u{7f}\u{1}", "q=%C3%AB%7F%01"),
            ("q={}|^`[]\\%", "q={}|^`[]\\%"),
        ] {
            assert_eq!(converted("/users", sent, &[]).uri().query(), Some(expected), "{sent:?}");
        }
    }

    #[test]
    fn a_host_or_a_protocol_that_is_none_is_left_out() {
        for host in
            ["a b", "a/b", "a@b", "999.999.999.999", "1.2.3.4.5", "xn--", "[::g]", "a:99999", "a:b", "", "%zz", "a?b#c"]
        {
            let request = converted("/users", "", &[("host", host), ("x-forwarded-proto", "https")]);
            assert_eq!(request.headers().get("host"), None, "{host:?}");
            assert_eq!(request.uri().path(), "/users");
        }
        for host in ["localhost:3000", "127.0.0.1", "[::1]:8000", "api.xn--bcher-kva.example", "host_a", "1a.example"] {
            assert_eq!(converted("/users", "", &[("host", host)]).headers()["host"], host);
        }
        for protocol in ["h ttp", "", "javascript", "HTTPS", "http:"] {
            assert_eq!(converted("/users", "", &[("x-forwarded-proto", protocol)]).uri().scheme_str(), Some("https"));
        }
        assert_eq!(converted("/users", "", &[]).raw_http_path(), "/users");
    }
}
