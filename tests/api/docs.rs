//! The description of the API is complete and correct, and so are the pages that show it. Every test checks that answers match the
//! description (`support/contract.rs`).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use template::Template;

use crate::support::{Contract, TestApp};

/// Pages for people, and the description itself, which are not described.
const PAGES: [&str; 4] = ["GET /openapi.json", "GET /docs", "GET /docs/{asset}", "GET /redoc"];

#[test]
fn the_committed_description_is_what_the_handlers_say() {
    let fresh = userctl::openapi::text().unwrap();
    assert!(fresh == docs::OPENAPI, "it is stale: cargo userctl openapi > functions/docs/openapi.json");
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let template = Template::evaluate(|_| None).unwrap();
    let mut routes: BTreeSet<_> = template.routes().map(|(_, route)| route.key()).collect();
    assert!(routes.remove("$default"));
    for page in PAGES {
        assert!(routes.remove(page) && routes.remove(&page.replace("GET", "HEAD")), "{page}");
    }
    let mut described = BTreeSet::new();
    for (method, path, operation) in Contract::get().operations() {
        assert!(described.insert(format!("{} {path}", method.to_uppercase())));
        // `HEAD` is described by a sentence for all calls.
        if method == "get" && operation["security"] == json!([]) {
            described.insert(format!("HEAD {path}"));
        }
    }
    assert_eq!(described, routes);
}

#[test]
fn every_operation_is_described_in_full() {
    let contract = Contract::get();
    let mut names = BTreeSet::new();
    for (method, path, operation) in contract.operations() {
        for field in ["summary", "description", "operationId"] {
            assert!(operation[field].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}: {field}");
        }
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{method} {path}: its name is taken");
        assert!(operation["security"].is_array(), "{method} {path}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string() && parameter["schema"].is_object(), "{method} {path}");
        }
        let named = path.matches('{').count();
        let described = operation["parameters"].as_array().into_iter().flatten();
        assert_eq!(described.filter(|parameter| parameter["in"] == "path").count(), named, "{method} {path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = contract.resolved(response);
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} {status}");
            if status.as_str() >= "400" {
                let problem = &response["content"]["application/problem+json"];
                let codes = problem["schema"]["properties"]["type"]["enum"].as_array().map_or(0, Vec::len);
                assert!(codes > 0, "{method} {path} {status} names no code");
                assert_eq!(problem["examples"].as_object().map_or(0, serde_json::Map::len), codes);
            }
        }
    }
}

#[test]
fn every_example_is_of_its_schema() {
    let contract = Contract::get();
    let check = |content: &Value, whose: &str| {
        for (kind, content) in content.as_object().into_iter().flatten() {
            let many = content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
            let examples: Vec<_> = content.get("example").into_iter().chain(many).collect();
            assert!(!examples.is_empty(), "{whose} has no example as {kind}");
            for example in examples {
                assert_eq!(contract.wrong(&content["schema"], example), None, "{whose}: {example}");
            }
        }
    };
    for (method, path, operation) in contract.operations() {
        check(&operation["requestBody"]["content"], &format!("the body of {method} {path}"));
        for (status, response) in operation["responses"].as_object().unwrap() {
            check(&contract.resolved(response)["content"], &format!("{method} {path} {status}"));
        }
    }
}

#[test]
fn every_name_that_is_taken_is_described_by_the_rule_for_names() {
    let schemas = Contract::get().document["components"]["schemas"].as_object().unwrap();
    let taken = ["SignUp", "UserPatch", "UserRecord"].map(|schema| &schemas[schema]["properties"]);
    for name in taken.iter().flat_map(|fields| [&fields["first_name"], &fields["last_name"]]) {
        assert_eq!((&name["pattern"], &name["maxLength"]), (&json!(user_core::user::LINE_PATTERN), &json!(100)));
    }
}

#[tokio::test]
async fn the_description_and_its_pages_are_served() {
    let app = TestApp::open();
    let document = app.get("/openapi.json").send().await;
    assert_eq!((document.header("content-type"), &document.raw[..]), ("application/json", docs::OPENAPI.as_bytes()));
    for (page, name) in [("/docs", "swagger-ui-bundle-"), ("/redoc", "redoc.js")] {
        let page = app.get(page).send().await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
        let html = String::from_utf8_lossy(&page.raw).into_owned();
        assert!(html.contains(name) && !html.contains("//"), "nothing comes from elsewhere");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        for asset in html.split("\"/docs/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let answer = app.get(&format!("/docs/{asset}")).send().await;
            assert_eq!(answer.status, 200, "{asset}");
            let packed = answer.header("content-encoding") == "gzip";
            assert_eq!(packed, answer.raw.starts_with(&[0x1f, 0x8b]), "{asset}: bytes come through as they are");
            assert_eq!(packed, answer.header("cache-control").contains("immutable"), "{asset}");
        }
    }
    assert_eq!(app.get("/docs/nothing.js").send().await.problem(), (404, "not-found"));
}
