//! Calls of AWS services, signed with Signature Version 4, for the few calls that are not worth an SDK: the SDK of Lambda would make the
//! clients of every function larger, by the features that it enables in shared crates.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use http::Request;
use https::Https;
use serde_json::Value;
use template::Fault;
use user_core::clock::Clock;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a call may take, including a long poll of a queue.
const PATIENCE: Duration = Duration::from_secs(30);

/// The maximum length of an answer in bytes, enough for ten messages of a queue.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Posts a body to `url`, which belongs to a service in a region, and returns the answer's JSON.
///
/// # Errors
/// If there are no credentials, nothing answers, or AWS refuses; the message is AWS's own.
pub(crate) async fn post(
    sdk: &SdkConfig,
    (service, region): (&str, &str),
    url: &str,
    headers: &[(&'static str, String)],
    body: &Value,
) -> Result<Value, Fault> {
    let body = body.to_string();
    let provider = sdk.credentials_provider().ok_or("there are no AWS credentials")?;
    let identity = provider.provide_credentials().await?.into();
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(Clock::System.now_millis())?);
    let settings = SigningSettings::default();
    let parameters = v4::SigningParams::builder().identity(&identity).region(region).name(service);
    let parameters = parameters.time(now).settings(settings).build()?.into();
    let listed = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let signable = SignableRequest::new("POST", url, listed, SignableBody::Bytes(body.as_bytes()))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let mut request = request.body(SdkBody::from(body))?;
    instructions.apply_to_request_http1x(&mut request);
    let https = Https::new(CONNECT);
    let answer = tokio::time::timeout(PATIENCE, Box::pin(https.send(request, ANSWER_BYTES)));
    let answer = answer.await.map_err(|_| format!("{service} does not answer in time"))?;
    let answer = answer.map_err(|error| format!("{service} does not answer: {error}"))?;
    let json: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if answer.status().is_success() {
        return Ok(json);
    }
    let text = |names: [&str; 2]| names.iter().find_map(|name| json[*name].as_str()).unwrap_or_default().to_owned();
    let (code, message) = (text(["__type", "Code"]), text(["message", "Message"]));
    Err(format!("{service} answers {}: {code} {message}", answer.status()).into())
}
