//! The service on its ports, and what exists only locally: the inbox, direct invocations of functions, and the AWS services.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use template::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::aws::target;
use crate::gateway::PAYLOAD_LIMIT_BYTES;
use crate::hosts::Reached;
use crate::service::Service;

/// Listens on a port.
///
/// # Errors
/// If it cannot listen on the port; the message names the address.
pub async fn listen(ip: IpAddr, port: u16) -> Result<TcpListener, Fault> {
    let address = SocketAddr::from((ip, port));
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}").into())
}

/// How long [`ask`] waits for the answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the service at this address and port whether it and everything that it needs are healthy.
///
/// # Errors
/// If it does not answer in time, or answers with another status than 200.
pub async fn ask(ip: IpAddr, port: u16) -> Result<(), Fault> {
    // A service that listens on all addresses can be reached on this one.
    let ip = if ip.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { ip };
    let asked = tokio::time::timeout(PATIENCE, async {
        let mut stream = TcpStream::connect((ip, port)).await?;
        stream.write_all(b"GET /api/v1/health/full HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok::<_, io::Error>(status)
    });
    match asked.await {
        Ok(Ok(status)) if status.ends_with(b" 200") => Ok(()),
        Ok(Ok(status)) => Err(format!("unhealthy: {}", String::from_utf8_lossy(&status)).into()),
        Ok(Err(error)) => Err(format!("nothing answers on port {port}: {error}").into()),
        Err(_) => Err("no answer in time".into()),
    }
}

/// Writes a line to standard output, and ignores a closed pipe.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// What a port gives access to.
#[derive(Debug, Clone, Copy)]
pub enum Door {
    /// The API, and what exists only locally.
    Api,
    /// The database, for any AWS SDK.
    Database,
}

impl Door {
    /// The longest body that is read, in bytes. It may exceed the accepted length by one byte, which shows that a body is too long.
    fn longest_body(self) -> usize {
        match self {
            Self::Api => PAYLOAD_LIMIT_BYTES,
            // DynamoDB's own limit for a request.
            Self::Database => 16 * 1024 * 1024,
        }
    }
}

/// Serves connections until it is dropped.
pub async fn serve(listener: TcpListener, door: Door, service: Arc<Service>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let reached = stream.local_addr().map(|address| Reached(address.ip()));
        let service = service.clone();
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let handler = service_fn(move |mut request: Request<Incoming>| {
                if let Ok(reached) = reached {
                    request.extensions_mut().insert(reached);
                }
                answer(service.clone(), door, request, peer.ip())
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
            // A broken connection concerns only its client.
            let _ = server.serve_connection(TokioIo::new(stream), handler).await;
        });
    }
}

/// Answers one request; an error means that the connection broke while the body was read.
async fn answer(
    service: Arc<Service>,
    door: Door,
    request: Request<Incoming>,
    source: IpAddr,
) -> Result<Response<Full<Bytes>>, Fault> {
    let (parts, body) = request.into_parts();
    let writes = !parts.method.is_safe();
    let longest = door.longest_body();
    let body = match Limited::new(body, longest).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => Bytes::from(vec![b' '; longest + 1]),
        Err(error) => return Err(error),
    };
    let request = Request::from_parts(parts, body);
    let response = match door {
        Door::Api => dispatch(&service, request, source).await,
        Door::Database => database(&service, &request).await,
    };
    if writes {
        service.written.notify_one();
    }
    Ok(response.map(Full::new))
}

/// Answers a request to the gateway, or to `/_local`.
pub async fn dispatch(service: &Service, request: Request<Bytes>, source: IpAddr) -> Response<Bytes> {
    let path = request.uri().path().strip_prefix("/_local/").map(str::to_owned);
    let refused = if path.is_some() { service.hosts.refuse_pages(&request) } else { service.hosts.refuse(&request) };
    match (refused, path) {
        (Some(refusal), _) => refusal,
        (None, Some(path)) => local(service, &path, request).await,
        (None, None) => service.gateway.handle(request, source).await,
    }
}

/// Answers a call to the database only.
async fn database(service: &Service, request: &Request<Bytes>) -> Response<Bytes> {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match service.hosts.refuse_pages(request) {
        Some(refusal) => refusal,
        None if request.method() == Method::POST && target.starts_with("DynamoDB") => aws(service, "", request).await,
        None => answer_json(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })),
    }
}

async fn local(service: &Service, path: &str, request: Request<Bytes>) -> Response<Bytes> {
    let function = path.strip_prefix("invoke/");
    match (request.method(), path, function) {
        (&Method::GET, "mail", _) => inbox(service, &request).unwrap_or_else(|error| {
            answer_json(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "message": error.to_string() }))
        }),
        (&Method::POST, _, Some(function)) => invoke(service, function, request.body()).await,
        _ if path.starts_with("aws") && service.aws.is_some() => aws(service, &path["aws".len()..], &request).await,
        _ => answer_json(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })),
    }
}

/// Returns JSON to programs, and a page to browsers.
fn inbox(service: &Service, request: &Request<Bytes>) -> io::Result<Response<Bytes>> {
    let query = request.uri().query().unwrap_or_default();
    let to =
        form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "to").map(|(_, value)| value.into_owned());
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("text/html") {
        let mut page = Response::new(Bytes::from(service.inbox.page(to.as_deref())?));
        page.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        return Ok(page);
    }
    Ok(answer_json(StatusCode::OK, &json!(service.inbox.listing(to.as_deref())?)))
}

async fn invoke(service: &Service, function: &str, event: &Bytes) -> Response<Bytes> {
    let event = if event.is_empty() { Ok(json!({})) } else { serde_json::from_slice(event) };
    let outcome = match event {
        Ok(event) => service.invoke(function, event).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(result) => answer_json(StatusCode::OK, &result),
        Err(fault) => answer_json(StatusCode::BAD_REQUEST, &json!({ "errorMessage": fault.to_string() })),
    }
}

/// Answers a call of an AWS SDK in another process.
async fn aws(service: &Service, path: &str, request: &Request<Bytes>) -> Response<Bytes> {
    let target = target(request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()), path);
    let called = target.strip_prefix("unknown./2015-03-31/functions/");
    let (status, body) = if target == "secretsmanager.RotateSecret" {
        let (status, body) = rotate(service, request.body()).await;
        (status, body.into_bytes())
    } else if let Some(function) = called.and_then(|path| path.strip_suffix("/invocations")) {
        let (status, body) = call_later(service, function, request).await;
        (status, body.into_bytes())
    } else {
        service.aws.as_ref().map(|aws| aws.answer(&target, request.body())).unwrap_or_default()
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if target.starts_with("cloudwatch.") {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    }
    response
}

/// Answers the one call of Secrets Manager that invokes a function.
async fn rotate(service: &Service, body: &[u8]) -> (u16, String) {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    match service.rotate(request["SecretId"].as_str().unwrap_or_default()).await {
        Ok(()) => (200, "{}".to_owned()),
        Err(fault) => (400, json!({ "__type": "InvalidRequestException", "Message": fault.to_string() }).to_string()),
    }
}

/// Lambda's `Invoke` of a function by its logical id, only asynchronously, as operators' commands use it. The answer comes after the
/// invocation.
async fn call_later(service: &Service, function: &str, request: &Request<Bytes>) -> (u16, String) {
    let refusal = |code: &str, why: &str| json!({ "Type": "User", "Code": code, "Message": why }).to_string();
    if request.headers().get("x-amz-invocation-type").is_none_or(|kind| kind != "Event") {
        return (400, refusal("InvalidParameterValueException", "the local stack knows asynchronous calls alone"));
    }
    let Ok(event) = serde_json::from_slice(request.body()) else {
        return (400, refusal("InvalidRequestContentException", "the event is no JSON"));
    };
    match service.call_later(function, event).await {
        Ok(()) => (202, String::new()),
        Err(fault) => (404, refusal("ResourceNotFoundException", &fault.to_string())),
    }
}

fn answer_json(status: StatusCode, value: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
