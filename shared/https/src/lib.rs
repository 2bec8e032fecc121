//! The HTTPS client of the AWS SDKs and of our own calls: HTTP/1.1 over rustls and ring. A connection serves one call at a time, and stays
//! open for the next call to its host. Smithy's own client also supports HTTP/2 and proxies, which no function needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::uri::{PathAndQuery, Scheme, Uri};
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long an idle connection is kept. Hosts and network devices close or drop idle connections some time later.
const IDLE: Duration = Duration::from_secs(60);

/// The largest body of a response, in bytes: no AWS response that is requested is longer (DynamoDB's `BatchGetItem`: 16 MB).
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// A client of all hosts. It verifies certificates with those of the system (`SSL_CERT_FILE` names others).
#[must_use]
pub fn client() -> SharedHttpClient {
    let connections = Arc::new(Connections::default());
    http_client_fn(move |settings, _| {
        let (connections, patience) = (connections.clone(), settings.connect_timeout());
        SharedHttpConnector::new(Https { connections, patience: patience.unwrap_or(Duration::MAX) })
    })
}

type Sender = SendRequest<SdkBody>;

/// The host that a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Host {
    tls: bool,
    name: String,
    port: u16,
}

impl Host {
    fn of(uri: &Uri) -> Option<Self> {
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Some(Self { tls, name: uri.host()?.to_owned(), port })
    }

    /// The name without the brackets of an IPv6 address.
    fn bare(&self) -> &str {
        self.name.trim_start_matches('[').trim_end_matches(']')
    }
}

/// The idle connections, and the time since which they are idle.
#[derive(Default)]
struct Connections {
    idle: Mutex<HashMap<Host, Vec<(Sender, Instant)>>>,
    tls: OnceLock<TlsConnector>,
}

/// The client of our own calls. Clones share their connections.
#[derive(Clone)]
pub struct Https {
    connections: Arc<Connections>,
    /// How long a connection may take to open.
    patience: Duration,
}

impl std::fmt::Debug for Https {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Https")
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let https = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let response = Box::pin(https.send(request, ANSWER_BYTES)).await?.map(SdkBody::from);
            HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl Https {
    /// A client whose connections may take `patience` to open. The time of a whole call is not limited.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { connections: Arc::default(), patience }
    }

    /// Sends a request and reads the response to its end, with at most `most_bytes` of a body.
    ///
    /// # Errors
    /// When the request names no host, the network fails, or the response is malformed or too long.
    pub async fn send(
        &self,
        mut request: Request<SdkBody>,
        most_bytes: usize,
    ) -> Result<Response<Bytes>, ConnectorError> {
        let host = Host::of(request.uri()).ok_or_else(|| ConnectorError::user("a request names no host".into()))?;
        to_origin_form(&mut request).map_err(ConnectorError::user)?;
        while let Some(mut sender) = self.connections.take(&host) {
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return self.receive(host, sender, response, most_bytes).await,
                // The host closed the connection before anything was sent.
                Err(mut unsent) => match unsent.take_message() {
                    Some(message) => request = message,
                    None => return Err(ConnectorError::io(unsent.into_error().into())),
                },
            }
        }
        let connected = tokio::time::timeout(self.patience, self.connections.open(&host)).await;
        let mut sender = connected.map_err(|late| ConnectorError::timeout(late.into()))?.map_err(ConnectorError::io)?;
        let response = sender.send_request(request).await.map_err(|error| ConnectorError::io(error.into()))?;
        self.receive(host, sender, response, most_bytes).await
    }

    /// Reads a response to its end, after which its connection is idle. A response that is longer than `most_bytes`, or announces so, ends
    /// the call and the connection, and is not requested again, because it would be as long.
    async fn receive(
        &self,
        host: Host,
        sender: Sender,
        response: Response<Incoming>,
        most_bytes: usize,
    ) -> Result<Response<Bytes>, ConnectorError> {
        let (parts, body) = response.into_parts();
        let too_long = || ConnectorError::other(format!("an answer has more than {most_bytes} bytes").into(), None);
        if body.size_hint().lower() > most_bytes as u64 {
            return Err(too_long());
        }
        let body = Limited::new(body, most_bytes).collect().await.map_err(|error| match error {
            error if error.is::<LengthLimitError>() => too_long(),
            error => ConnectorError::io(error),
        })?;
        let body = body.to_bytes();
        self.connections.keep(host, sender);
        Ok(Response::from_parts(parts, body))
    }
}

impl Connections {
    /// The idle connection that was used last.
    fn take(&self, host: &Host) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.get_mut(host)?;
        senders.retain(|(sender, since)| since.elapsed() < IDLE && !sender.is_closed());
        senders.pop().map(|(sender, _)| sender)
    }

    fn keep(&self, host: Host, sender: Sender) {
        if !sender.is_closed() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.entry(host).or_default().push((sender, Instant::now()));
        }
    }

    async fn open(&self, host: &Host) -> Result<Sender, BoxError> {
        let stream = TcpStream::connect((host.bare(), host.port)).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = if host.tls {
            let name = ServerName::try_from(host.bare().to_owned())?;
            Box::new(self.tls()?.connect(name, stream).await?)
        } else {
            Box::new(stream)
        };
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        #[expect(clippy::disallowed_methods, reason = "a connection does nothing for a request once that is answered")]
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Certificates are read once, when the first connection needs them.
    fn tls(&self) -> Result<&TlsConnector, BoxError> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(config))))
    }
}

/// What a connection runs over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Moves the host from the request target into the `Host` header (RFC 9112, 3.2.1).
fn to_origin_form(request: &mut Request<SdkBody>) -> Result<(), BoxError> {
    if let (Some(authority), false) = (request.uri().authority(), request.headers().contains_key(header::HOST)) {
        let host = HeaderValue::from_str(authority.as_str())?;
        request.headers_mut().insert(header::HOST, host);
    }
    let target = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(target);
    Ok(())
}

#[cfg(test)]
mod tests;
