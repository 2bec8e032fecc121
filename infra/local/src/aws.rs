//! The AWS services of the local stack, called in process: the SDK is the real one, but a function call replaces its connection. Functions
//! that run in their own processes make the same calls over HTTP.

mod dynamodb;
mod recovery;

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use bytes::Bytes;
use dynoxide::Database;
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::{Body, Frame};
use template::{Fault, Template};
use transport::Printer;
use user_core::clock::Clock;
use userctl::stage::local_config;

use crate::cloudwatch::{self, CloudWatch};
use crate::database;
use crate::dead_letters::DeadLetters;
use crate::role::Role;
use crate::secrets::Secrets;
use crate::ses::Ses;
use crate::tokens::Tokens;

pub use recovery::Recovery;

/// The services of one local stack.
#[derive(Clone)]
pub struct Aws {
    /// `DynamoDB`.
    pub database: Database,
    /// Secrets Manager.
    pub secrets: Arc<Secrets>,
    /// SES.
    pub ses: Arc<Ses>,
    /// `CloudWatch`.
    pub cloudwatch: CloudWatch,
    /// The source of time.
    pub clock: Clock,
    /// The transactions that were executed last.
    pub tokens: Arc<Tokens>,
    /// Point-in-time recovery of tables.
    pub recovery: Arc<Recovery>,
    /// The queue of events that functions gave up.
    pub dead_letters: Arc<DeadLetters>,
}

impl Aws {
    /// Opens the services of a stack whose data is in `folder`, or in memory; `deliver` receives its emails.
    ///
    /// # Errors
    /// If data cannot be read or written.
    pub fn open(
        folder: Option<&Path>,
        template: &Template,
        deliver: Printer,
        clock: Clock,
        cloudwatch: CloudWatch,
    ) -> Result<Self, Fault> {
        Ok(Self {
            database: database::open(folder, template)?,
            secrets: Arc::new(Secrets::open(folder.map(Path::to_owned), template)?),
            ses: Ses::new(deliver, clock.clone()),
            cloudwatch,
            clock,
            tokens: Arc::default(),
            recovery: Arc::new(Recovery::of(template)),
            dead_letters: Arc::new(DeadLetters::open(folder, template)?),
        })
    }

    /// The SDK configuration of clients that call these services in process, with all permissions.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        in_process(self.clone())
    }

    /// The same for a function, with the permissions of its role.
    #[must_use]
    pub fn sdk_config_as(&self, role: &Arc<Role>, wire: Option<Wire>) -> SdkConfig {
        in_process(Restricted { aws: self.clone(), role: role.clone(), wire })
    }

    /// Answers a call by its [`target`]; returns a status and a body.
    #[inline(never)] // `tests/bench/work.py` excludes the work that is done here.
    pub fn answer(&self, target: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let (service, operation) = target.split_once('.').unwrap_or_default();
        let (status, json) = match service {
            "cloudwatch" => return self.cloudwatch.answer(operation, body, self.clock.now()),
            "secretsmanager" => self.secrets.answer(operation, body),
            "ses" => self.ses.answer(operation, body),
            "AmazonSQS" => self.dead_letters.answer(operation, body, self.clock.now()),
            _ => self.recovery.answer(&self.database, operation, body, self.clock.now()).unwrap_or_else(|| {
                dynamodb::run(self, operation, body)
                    .map_or_else(|error| (error.status_code(), error.to_json()), |json| (200, json))
            }),
        };
        (status, json.into_bytes())
    }
}

/// The service and operation of a call: its `X-Amz-Target`, or for services without that header a name of our own, by the path.
#[must_use]
pub fn target(header: Option<&str>, path: &str) -> String {
    match (header, path) {
        (Some(target), _) => target.to_owned(),
        (None, "/v2/email/outbound-emails") => "ses.SendEmail".to_owned(),
        (None, "/v2/email/account") => "ses.GetAccount".to_owned(),
        (None, other) => match other.strip_prefix(cloudwatch::SERVICE) {
            Some(operation) => format!("cloudwatch.{operation}"),
            None => format!("unknown.{other}"),
        },
    }
}

fn target_of(request: &HttpRequest) -> String {
    let path = |uri: &str| uri.parse::<http::Uri>().map(|uri| uri.path().to_owned()).unwrap_or_default();
    match request.headers().get("x-amz-target") {
        Some(header) => header.to_owned(),
        None => target(None, &path(request.uri())),
    }
}

fn in_process(connector: impl HttpConnector + 'static) -> SdkConfig {
    let connector = SharedHttpConnector::new(connector);
    local_config(http_client_fn(move |_, _| connector.clone()), "http://in-process")
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aws")
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let services = self.clone();
        HttpConnectorFuture::new(async move {
            // A real connection would let other tasks run here; races in tests depend on that.
            tokio::task::yield_now().await;
            let (status, body) = services.answer(&target_of(&request), request.body().bytes().unwrap_or_default());
            response(status, body)
        })
    }
}

/// Receives the status and the body of an answer at the moment when the call ends.
pub type Witness = Box<dyn FnOnce(u16, &[u8]) + Send>;

/// What happens to a call on the network.
pub enum Fate {
    /// It is executed and answered.
    Arrives,
    /// It is executed and answered, and the witness sees the answer.
    Watched(Witness),
    /// It is answered with this status and body, and not executed.
    Refused(u16, String),
    /// The connection breaks before it arrives.
    Lost,
    /// It is executed, and the connection breaks before the answer.
    Unanswered,
    /// It is executed, and half of the answer arrives.
    Cut,
    /// It is executed, and the answer arrives byte by byte, one a second.
    Trickles,
    /// It is not executed, and no answer ever arrives.
    Stalled,
}

/// Decides the fate of calls by their targets and bodies; tests simulate network faults with it.
pub type Wire = Arc<dyn Fn(&str, &[u8]) -> Fate + Send + Sync>;

/// The services, limited to what a role allows.
#[derive(Clone)]
struct Restricted {
    aws: Aws,
    role: Arc<Role>,
    wire: Option<Wire>,
}

impl fmt::Debug for Restricted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Restricted")
    }
}

impl HttpConnector for Restricted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = target_of(&request);
        match self.role.refuse(&target, request.body().bytes().unwrap_or_default()) {
            Some((status, body)) => HttpConnectorFuture::ready(response(status, body)),
            None => self.carry(&target, request),
        }
    }
}

impl Restricted {
    fn carry(&self, target: &str, request: HttpRequest) -> HttpConnectorFuture {
        let fate = self.wire.as_ref().map(|wire| wire(target, request.body().bytes().unwrap_or_default()));
        let broken = || Err(ConnectorError::io("the connection broke".into()));
        match fate.unwrap_or(Fate::Arrives) {
            Fate::Arrives => self.aws.call(request),
            Fate::Watched(witness) => {
                let done = self.aws.call(request);
                HttpConnectorFuture::new(async move {
                    let answer = done.await?;
                    witness(answer.status().as_u16(), answer.body().bytes().unwrap_or_default());
                    Ok(answer)
                })
            }
            Fate::Refused(status, body) => HttpConnectorFuture::ready(response(status, body)),
            Fate::Lost => HttpConnectorFuture::ready(broken()),
            Fate::Stalled => HttpConnectorFuture::new(std::future::pending()),
            Fate::Unanswered => {
                let done = self.aws.call(request);
                HttpConnectorFuture::new(async move {
                    done.await?;
                    broken()
                })
            }
            Fate::Trickles => {
                let done = self.aws.call(request);
                HttpConnectorFuture::new(async move {
                    let answer = done.await?;
                    let body = SdkBody::from_body_1_x(trickle(answer.body().bytes().unwrap_or_default()));
                    response(answer.status().as_u16(), body)
                })
            }
            Fate::Cut => {
                let done = self.aws.call(request);
                HttpConnectorFuture::new(async move {
                    let answer = done.await?;
                    let whole = answer.body().bytes().unwrap_or_default();
                    response(answer.status().as_u16(), whole[..whole.len() / 2].to_vec())
                })
            }
        }
    }
}

/// A body that arrives byte by byte, one a second.
fn trickle(body: &[u8]) -> impl Body<Data = Bytes, Error = Infallible> + Send + Sync + 'static {
    StreamBody::new(stream::unfold(Bytes::copy_from_slice(body), async |mut rest| {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let byte = rest.split_to(1);
        Some((Ok(Frame::data(byte)), rest))
    }))
}

fn response(status: u16, body: impl Into<SdkBody>) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
    Ok(HttpResponse::new(status, body.into()))
}
