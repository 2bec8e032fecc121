//! The requests that the local stack answers: none of another origin's page, whatever its host name is.

use std::net::{IpAddr, Ipv4Addr};

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use http::Request;
use local::server::{Door, dispatch, listen, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use userctl::stage::remote_config;

use crate::support::{PASSWORD, TestApp};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Paths that exist only locally, and one route of the API.
const PATHS: [(&str, &str, &str); 6] = [
    ("GET", "/_local/mail", ""),
    ("POST", "/_local/invoke/CleanupFunction", "{}"),
    ("POST", "/_local/aws", "secretsmanager.GetSecretValue"),
    ("POST", "/_local/aws", "DynamoDB_20120810.Scan"),
    ("GET", "/_local/aws/v2/email/account", ""),
    ("GET", "/api/v1/health", ""),
];

/// A request with these headers; the third part of a path is an SDK's target or a body.
async fn ask(app: &TestApp, (method, path, more): (&str, &str, &str), headers: &[(&str, &str)]) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = match more.split_once('.') {
        Some((service, _)) => {
            request = request.header("x-amz-target", more);
            let name =
                if service == "secretsmanager" { ("SecretId", "SigningSecret") } else { ("TableName", "UsersTable") };
            json!({ name.0: name.1 }).to_string()
        }
        None => more.to_owned(),
    };
    let response = dispatch(&app.service, request.body(Bytes::from(body)).unwrap(), LOCAL).await;
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
    let (status, json) = (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or(Value::Null));
    if [421, 403].contains(&status) {
        assert_eq!((kind.as_str(), &json["status"]), ("application/problem+json", &json!(status)), "{json}");
        assert!(json["title"].is_string() && json["detail"].is_string() && json["request_id"].is_string(), "{json}");
    }
    (status, json["type"].clone())
}

#[tokio::test]
async fn a_host_that_is_not_its_own_reaches_nothing() {
    let app = TestApp::open();
    for path in PATHS {
        for foreign in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "192.0.2.1:8000",
            "users:8000",
            "",
            "@localhost",
        ] {
            let refused = (421, json!("/problems/foreign-host"));
            assert_eq!(ask(&app, path, &[("host", foreign)]).await, refused, "{path:?} {foreign}");
        }
        assert_eq!(ask(&app, path, &[]).await.0, 421, "{path:?}");
        assert_eq!(ask(&app, path, &[("host", "localhost"), ("host", "evil.example")]).await.0, 421, "{path:?}");
        for own in ["localhost", "localhost:8000", "127.0.0.1:9000", "[::1]:8000", "host.docker.internal:8000"] {
            assert_eq!(ask(&app, path, &[("host", own)]).await.0, 200, "{path:?} {own}");
        }
    }
    let evil = ("GET", "http://evil.example/api/v1/health", "");
    assert_eq!(ask(&app, evil, &[("host", "localhost")]).await.0, 421, "the target says another one than the header");
}

#[tokio::test]
async fn a_page_of_another_origin_reaches_nothing_that_is_only_local() {
    let app = TestApp::open();
    let host = ("host", "localhost:8000");
    for path in PATHS.into_iter().take(5) {
        for foreign in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", ""),
            ("origin", "http://localhost:3000"),
            ("origin", "http://localhost"),
            ("origin", "http://127.0.0.1:8000"),
            ("origin", "http://localhost:8000.evil.example"),
            ("origin", "file://localhost:8000"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "unheard-of"),
        ] {
            let refused = (403, json!("/problems/foreign-origin"));
            assert_eq!(ask(&app, path, &[host, foreign]).await, refused, "{path:?} {foreign:?}");
        }
        for own in [("origin", "http://localhost:8000"), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")]
        {
            assert_eq!(ask(&app, path, &[host, own]).await.0, 200, "{path:?} {own:?}");
        }
        assert_eq!(ask(&app, ("OPTIONS", path.1, ""), &[host, ("origin", "https://evil.example")]).await.0, 403);
    }
}

#[tokio::test]
async fn the_api_is_for_the_origins_of_its_settings_as_before() {
    let app = TestApp::with(&[("CORS_ORIGINS", "http://localhost:3000")]);
    let headers = [("origin", "http://localhost:3000"), ("sec-fetch-site", "same-site")];
    let login = json!({ "email": "ann@example.com", "password": PASSWORD });
    app.member("ann@example.com").await;
    let mut call = app.post("/auth/login").json(login);
    for (name, value) in headers {
        call = call.header(name, value);
    }
    let answer = call.send().await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, "http://localhost:3000"));
    let preflight = app.call(http::Method::OPTIONS, "/auth/login").header("origin", "http://localhost:3000");
    let preflight = preflight.header("access-control-request-method", "POST").send().await;
    assert_eq!(
        (preflight.status.as_u16(), preflight.header("access-control-allow-origin")),
        (204, "http://localhost:3000")
    );
}

/// The status line and the headers of the answer to a raw request.
async fn head(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect((LOCAL, port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).split("\r\n\r\n").next().unwrap().to_lowercase()
}

#[tokio::test]
async fn the_port_of_the_database_serves_programs_and_no_pages() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let listener = listen(LOCAL, 0).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut server = JoinSet::new();
    server.spawn(serve(listener, Door::Database, app.service.clone()));

    let client = aws_sdk_dynamodb::Client::new(&remote_config(&format!("http://127.0.0.1:{port}")));
    let tables = client.list_tables().send().await.unwrap();
    assert_eq!(tables.table_names(), ["EphemeralTable", "OutboxTable", "UsersTable"]);
    let found = client.query().table_name("UsersTable").key_condition_expression("pk = :pk");
    let found = found.expression_attribute_values(":pk", AttributeValue::S("EMAIL#ann@example.com".to_owned()));
    assert_eq!(found.send().await.unwrap().count(), 1);
    let statement = client.execute_statement().statement("SELECT pk FROM UsersTable").send().await.unwrap();
    assert!(statement.items().len() >= 2);
    let key = AttributeValue::S("x".repeat(100));
    let put = client.put_item().table_name("EphemeralTable").item("pk", key.clone()).item("sk", key);
    put.item("text", AttributeValue::S("x".repeat(300_000))).send().await.unwrap();
    let missing = client.describe_table().table_name("NoTable").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());

    let request = |more: &str| {
        let body = "{\"TableName\":\"UsersTable\"}";
        format!("POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n{more}\r\n\r\n{body}", body.len())
    };
    let scan = "x-amz-target: DynamoDB_20120810.Scan\r\ncontent-type: application/x-amz-json-1.0";
    let local = format!("host: localhost:{port}");
    let secret = "x-amz-target: secretsmanager.GetSecretValue";
    for (more, status) in [
        (format!("{local}\r\n{scan}"), "200"),
        (format!("host: evil.example:{port}\r\n{scan}"), "421"),
        (format!("{local}\r\n{scan}\r\norigin: https://evil.example"), "403"),
        (format!("{local}\r\n{scan}\r\norigin: http://localhost:8000"), "403"),
        (format!("{local}\r\n{scan}\r\nsec-fetch-site: same-site"), "403"),
        (format!("{local}\r\n{secret}"), "404"),
        (local.clone(), "404"),
    ] {
        let head = head(port, &request(&more)).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{more}: {head}");
        assert!(!head.contains("access-control-"), "{head}");
    }
    let preflight = request(&format!("{local}\r\norigin: https://evil.example\r\naccess-control-request-method: POST"));
    let refused = head(port, &preflight.replace("POST / ", "OPTIONS / ")).await;
    assert!(refused.starts_with("http/1.1 403") && !refused.contains("access-control-"), "{refused}");
}
