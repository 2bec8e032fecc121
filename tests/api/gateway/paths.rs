//! Paths and methods: requests without a route, slashes at the end, `HEAD`, and the routes that the local gateway accepts.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Method, Request};
use local::gateway::{Gateway, Table};
use serde_json::{Value, json};
use template::{Event, Resource, Route, Template};

use crate::support::TestApp;

/// Methods that a path may have or lack; no path has `TRACE`.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT", "TRACE"];

fn template() -> Template {
    Template::evaluate(|_| None).unwrap()
}

/// Each path of the template with its methods.
fn paths() -> BTreeMap<String, BTreeSet<String>> {
    let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, route) in template().routes() {
        if let (Some(method), Some(path)) = (&route.method, &route.path) {
            paths.entry(path.clone()).or_default().insert(method.clone());
        }
    }
    paths
}

/// A path with values for its parameters.
fn filled(path: &str) -> String {
    path.replace("{user_id}", "a%20b").replace("{session_id}", "none").replace("{asset}", "page.css")
}

#[tokio::test]
async fn a_path_without_a_route_is_not_found_by_whatever_method() {
    let app = TestApp::open();
    for path in ["/", "//", "/api", "/api/v1", "/api/v1/", "/api/v1/nowhere", "/api/v1/nowhere/", "/docs/a/b", "/*"] {
        for method in METHODS {
            let answer = app.call(method.parse().unwrap(), &format!("http://localhost{path}")).send().await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(answer.header("x-request-id"), answer.header("apigw-requestid"));
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            if method != "HEAD" {
                assert_eq!(answer.problem(), (404, "not-found"), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_lacks_is_refused_with_those_that_it_has() {
    let (app, mut refused) = (TestApp::open(), 0);
    for (path, methods) in paths() {
        let mut allow = methods.clone();
        allow.insert("OPTIONS".to_owned());
        let allow = allow.into_iter().collect::<Vec<_>>().join(", ");
        for method in METHODS.into_iter().filter(|method| !methods.contains(*method)) {
            for path in [filled(&path), filled(&path) + "/"] {
                let answer = app.call(method.parse().unwrap(), &path).send().await;
                assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow.as_str()), "{method} {path}");
                if method != "HEAD" {
                    assert_eq!(answer.problem(), (405, "method-not-allowed"));
                }
                refused += 1;
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

#[tokio::test]
async fn a_path_with_slashes_at_its_end_is_sent_on_to_the_one_without() {
    let app = TestApp::open();
    for (path, methods) in paths() {
        let path = filled(&path);
        for (method, (slashes, query)) in
            methods.iter().flat_map(|method| [("/", ""), ("//", "?a=%2F&a=/")].map(|more| (method, more)))
        {
            let from = format!("{path}{slashes}{query}");
            let answer = app.call(method.parse().unwrap(), &from).json(json!({})).send().await;
            let to = (308, format!("{path}{query}"));
            assert_eq!((answer.status.as_u16(), answer.header("location").to_owned()), to, "{method} {from}");
            assert!(answer.raw.is_empty() && answer.header("x-request-id").len() == 16, "{method} {from}");
        }
    }
}

#[tokio::test]
async fn nobody_is_sent_to_another_host() {
    let app = TestApp::open();
    for path in [
        "//evil.example/",
        "//evil.example/docs/",
        "///docs/",
        "/%2Fevil.example/",
        "/%5Cevil.example/",
        "/\\evil.example/",
        "/https://evil.example/",
        "/.//evil.example/",
        "/api/v1/health/..//",
    ] {
        let mut event: Value = serde_json::from_str(include_str!("../../../events/docs-default.json")).unwrap();
        event["rawPath"] = json!(path);
        let answer = app.service.invoke("DocsFunction", event).await.unwrap();
        assert_eq!((&answer["statusCode"], &answer["headers"]["location"]), (&json!(404), &Value::Null), "{path}");
    }
}

#[tokio::test]
async fn a_path_is_sent_on_as_it_is_written_in_a_url_even_if_the_gateway_decoded_it() {
    let app = TestApp::open();
    for (path, query, location) in [
        ("/api/v1/users/a b/", "", "/api/v1/users/a%20b"),
        ("/api/v1/users/Zo\u{eb}/", "", "/api/v1/users/Zo%C3%AB"),
        ("/api/v1/users/a%20b/", "x=%0d%0a", "/api/v1/users/a%2520b?x=%0d%0a"),
        ("/api/v1/users/a?b#c/", "", "/api/v1/users/a%3Fb%23c"),
        ("/api/v1/users/a/", "q=\"<\u{eb} >", "/api/v1/users/a?q=%22%3C%C3%AB%20%3E"),
    ] {
        let mut event: Value = serde_json::from_str(include_str!("../../../events/docs-default.json")).unwrap();
        event["rawPath"] = json!(path);
        event["rawQueryString"] = json!(query);
        let answer = app.service.invoke("DocsFunction", event).await.unwrap();
        assert_eq!((&answer["statusCode"], &answer["headers"]["location"]), (&json!(308), &json!(location)), "{path}");
    }
}

#[tokio::test]
async fn a_request_whose_address_is_no_uri_is_answered_and_no_fault_of_the_function() {
    let app = TestApp::open();
    for (path, query, host, status) in [
        ("/api/v1/health\u{0} <x>\"", "", "localhost", 404),
        ("/api/v1/health", "q=\"<>\u{7f} #%", "localhost", 200),
        ("", "", "localhost", 404),
        ("\\\\evil.example", "?", "localhost", 404),
        ("/api/v1/health", "", "999.999.999.999", 200),
        ("/api/v1/health", "", "a b/c?d#e@f", 200),
    ] {
        let mut event: Value = serde_json::from_str(include_str!("../../../events/docs-default.json")).unwrap();
        event["rawPath"] = json!(path);
        event["rawQueryString"] = json!(query);
        event["headers"] = json!({ "host": host, "x-forwarded-proto": "no scheme" });
        event["requestContext"]["domainName"] = json!(host);
        let answer = app.service.invoke("HealthFunction", event).await.unwrap();
        assert_eq!(answer["statusCode"], status, "{path:?} {query:?} {host:?}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body_wherever_get_needs_no_sign_in() {
    let app = TestApp::open();
    // Headers that differ from one call to the next, or are computed for each answer.
    let passing = ["x-request-id", "apigw-requestid", "content-length"];
    for (path, methods) in paths() {
        if !methods.contains("HEAD") {
            continue;
        }
        let (get, head) = (app.get(&filled(&path)).send().await, app.call(Method::HEAD, &filled(&path)).send().await);
        assert_eq!((head.status, head.raw.len()), (get.status, 0), "{path}");
        assert!(!get.raw.is_empty() && head.header("content-length").parse::<usize>().unwrap() > 0, "{path}");
        if !path.starts_with("/api/v1/health") {
            assert_eq!(head.header("content-length"), get.raw.len().to_string(), "{path}");
        }
        let kept = |headers: &http::HeaderMap| {
            let mut kept = headers.clone();
            passing.iter().for_each(|name| drop(kept.remove(*name)));
            kept
        };
        assert_eq!(kept(&head.headers), kept(&get.headers), "{path}");
    }
    let stranger = app.call(Method::HEAD, "/docs/nothing.js").send().await;
    assert_eq!((stranger.status.as_u16(), stranger.raw.len()), (404, 0));
    assert!(stranger.header("content-length").parse::<usize>().unwrap() > 0);
}

#[tokio::test]
async fn every_preflight_succeeds_so_that_a_page_sees_the_answer_of_its_call() {
    let app = TestApp::open();
    for (path, allow) in [
        ("/users/me", "DELETE, GET, OPTIONS, PATCH"),
        ("/health/", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
        ("/nowhere", ""),
    ] {
        let call = app.call(Method::OPTIONS, path).header("origin", "http://localhost:3000");
        let answer = call.header("access-control-request-method", "GET").send().await;
        assert_eq!((answer.status.as_u16(), answer.header("allow"), answer.raw.len()), (204, allow, 0), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000", "{path}");
        assert!(answer.header("access-control-allow-methods").contains("PATCH"), "{path}");
    }
}

/// The template with an additional route of a function.
fn with_route(function: &str, method: Option<&str>, path: Option<&str>) -> Template {
    let mut template = template();
    let Some(Resource::Function { properties, .. }) = template.resources.get_mut(function) else {
        panic!("there is no {function}");
    };
    let route = Route { method: method.map(str::to_owned), path: path.map(str::to_owned) };
    properties.events.insert("Another".to_owned(), Event::HttpApi(route));
    template
}

#[test]
fn a_route_that_api_gateway_would_drop_or_refuse_stops_the_start() {
    assert!(Table::of(&template()).is_ok());
    for (method, path, why) in [
        (Some("GET"), Some("/x/"), "the route GET /x/ of HealthFunction ends in a slash: API Gateway drops it"),
        (Some("GET"), Some("/"), "the route GET / of HealthFunction ends in a slash: API Gateway drops it"),
        (Some("get"), Some("/api/v1/users"), "is there twice: "),
        (Some("GET"), Some("/api/v1/users/{id}"), "is there twice: "),
        (None, None, "is there twice: DocsFunction has it, too"),
        (None, Some("/x"), "the route ? /x of HealthFunction has a method without a path, or a path without a method"),
        (Some("GET"), None, "the route GET ? of HealthFunction has a method without a path"),
        (Some("ANY"), Some("/x"), "the route ANY /x of HealthFunction is not of one method"),
    ] {
        let refused = Table::of(&with_route("HealthFunction", method, path)).err();
        let refused = refused.map(|fault| fault.to_string()).unwrap_or_default();
        assert!(refused.contains(why), "{method:?} {path:?}: {refused}");
        assert!(Gateway::new(&with_route("HealthFunction", method, path), &BTreeMap::new()).is_err());
    }
}

#[tokio::test]
async fn without_a_route_for_the_rest_the_gateway_answers_in_its_own_words() {
    let mut template = template();
    let Some(Resource::Function { properties, .. }) = template.resources.get_mut("DocsFunction") else { panic!() };
    properties.events.remove("Default").unwrap();
    let gateway = Gateway::new(&template, &BTreeMap::new()).unwrap();
    let local = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    for (method, status, body) in [("GET", 404, "{\"message\":\"Not Found\"}"), ("HEAD", 404, ""), ("OPTIONS", 204, "")]
    {
        let request = Request::builder().method(method).uri("/nowhere").header("origin", "http://localhost:3000");
        let answer = gateway.handle(request.body(Bytes::new()).unwrap(), local).await;
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (status, body.as_bytes()), "{method}");
        let methods = answer.headers().contains_key("access-control-allow-methods");
        assert_eq!(methods, method == "OPTIONS", "{method}");
    }
}
