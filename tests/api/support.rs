//! A separate service for each test, and the calls that tests often make.

mod call;
mod contract;
pub(crate) mod crowd;
pub(crate) mod errand;
mod folder;
mod former;
mod length;
pub(crate) mod trap;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use aws_types::SdkConfig;
use bytes::Bytes;
use http::{Method, Request, header};
use local::aws::{Aws, Wire};
use local::cloudwatch::CloudWatch;
use local::hosts::Hosts;
use local::server::Door;
use local::service::{Options, Service};
use local::stream::Step;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use user_app::hasher::Hasher;
use user_app::new_passwords::NewPasswords;
use user_core::clock::Clock;
use user_core::password::Password;
use user_store::Store;
use userctl::stage::{Stage, remote_config};

pub(crate) use call::{Answer, Call, claims};
pub(crate) use contract::Contract;
pub(crate) use folder::Folder;
pub(crate) use length::at_length;

/// A password that every policy accepts.
pub(crate) const PASSWORD: &str = "Flat-Wh1te-please";

/// The service with a clock that the test sets.
pub(crate) struct TestApp {
    pub(crate) service: Arc<Service>,
    pub(crate) clock: Clock,
    /// The configuration of SDK clients for the services that the functions call.
    sdk: SdkConfig,
}

/// A signed-in user.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl TestApp {
    /// A new service in memory whose password hashes are cheap.
    pub(crate) fn open() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::at(None, settings)
    }

    /// The same with its data in a folder.
    pub(crate) fn at(folder: Option<PathBuf>, settings: &[(&str, &str)]) -> Self {
        Self::from(Self::options(folder, Clock::settable(), settings))
    }

    /// A new service in memory whose calls to AWS services go over this wire.
    pub(crate) fn over(wire: Wire) -> Self {
        Self::over_with(wire, &[])
    }

    pub(crate) fn over_with(wire: Wire, settings: &[(&str, &str)]) -> Self {
        Self::from(Options { wire: Some(wire), ..Self::options(None, Clock::settable(), settings) })
    }

    fn from(options: Options) -> Self {
        let (clock, service) = (options.clock.clone(), Service::open(options).unwrap());
        trap::set(&service.config);
        let sdk = service.aws.as_ref().unwrap().sdk_config();
        Self { service: Arc::new(service), clock, sdk }
    }

    /// A URL at which this service answers until the test ends.
    pub(crate) async fn url(&self) -> String {
        let listener = local::server::listen(std::net::Ipv4Addr::LOCALHOST.into(), 0).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(local::server::serve(listener, Door::Api, self.service.clone()));
        // It ends with the test's runtime.
        server.detach_all();
        url
    }

    /// A second instance on the data of this one, with the same clock.
    pub(crate) async fn joined(&self, settings: &[(&str, &str)]) -> Self {
        let url = self.url().await;
        let service = Service::join(&url, Self::options(None, self.clock.clone(), settings)).await.unwrap();
        let sdk = remote_config(&format!("{url}/_local/aws"));
        Self { service: Arc::new(service), clock: self.clock.clone(), sdk }
    }

    fn options(folder: Option<PathBuf>, clock: Clock, settings: &[(&str, &str)]) -> Options {
        let many = "1000000";
        let limits = [("RATE_LIMIT", many), ("RATE_LIMIT_AUTH", many), ("RATE_LIMIT_ADMIN", many)];
        let cheap = [("ARGON2_MEMORY_KIB", "64"), ("ARGON2_ITERATIONS", "1")];
        let settings: BTreeMap<_, _> = limits
            .iter()
            .chain(&cheap)
            .chain(settings)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let (cloudwatch, hosts) = (CloudWatch::default(), Hosts::default());
        Options { folder, clock, settings, print_mails: false, cloudwatch, hosts, wire: None }
    }

    /// A call of the API; `path` is below the base path unless it says otherwise.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        let rooted = !path.starts_with('/')
            || ["/api/", "/_local/", "/.well-known/", "/metrics", "/docs", "/redoc", "/openapi.json"]
                .iter()
                .any(|root| path.starts_with(root));
        let uri = if rooted { path.to_owned() } else { format!("/api/v1{path}") };
        let request = Request::builder().method(method).uri(uri).header(header::HOST, "localhost");
        Call { app: self, request, body: Bytes::new(), source: Ipv4Addr::LOCALHOST }
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub(crate) fn put(&self, path: &str) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    pub(crate) fn patch(&self, path: &str) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    pub(crate) async fn sign_up(&self, email: &str) -> Answer {
        self.post("/auth/signup").json(json!({ "email": email, "password": PASSWORD })).send().await
    }

    pub(crate) async fn log_in(&self, email: &str) -> Answer {
        self.post("/auth/login").json(json!({ "email": email, "password": PASSWORD })).send().await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/auth/refresh").json(json!({ "refresh_token": token })).send().await
    }

    pub(crate) async fn verify(&self, token: &str) -> Answer {
        self.post("/auth/verify").json(json!({ "token": token })).send().await
    }

    pub(crate) async fn forgot(&self, email: &str) -> Answer {
        self.post("/auth/forgot-password").json(json!({ "email": email })).send().await
    }

    pub(crate) async fn reset(&self, token: &str, password: &str) -> Answer {
        self.post("/auth/reset-password").json(json!({ "token": token, "new_password": password })).send().await
    }

    /// Requests a change of address, by a member who has the usual password.
    pub(crate) async fn request_email(&self, member: &Member, new: &str) -> Answer {
        let body = json!({ "new_email": new, "password": PASSWORD });
        self.post("/users/me/email").bearer(&member.access).json(body).send().await
    }

    /// Confirms a change of address, signed in with this access token.
    pub(crate) async fn confirm_email(&self, access: &str, token: &str) -> Answer {
        self.post("/auth/confirm-email").bearer(access).json(json!({ "token": token })).send().await
    }

    pub(crate) async fn revert_email(&self, token: &str) -> Answer {
        self.post("/auth/revert-email").json(json!({ "token": token })).send().await
    }

    /// A login from an address from which nobody has signed in to the account before.
    pub(crate) async fn stranger(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        self.post("/auth/login").from([192, 0, 2, 1]).json(body).send().await
    }

    /// A login with the right password from a certain address.
    pub(crate) async fn stranger_at(&self, source: [u8; 4], email: &str) -> Answer {
        let body = json!({ "email": email, "password": PASSWORD });
        self.post("/auth/login").from(source).json(body).send().await
    }

    /// The status of a call with an access token.
    pub(crate) async fn me(&self, access: &str) -> u16 {
        self.get("/users/me").bearer(access).send().await.status.as_u16()
    }

    /// Lets the mailer work, and returns all emails to an address, newest first.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Value> {
        assert_ne!(self.service.drain_streams().await.unwrap(), Step::Failed);
        self.service.inbox.listing(Some(to)).unwrap()
    }

    /// The token of the newest email to an address.
    pub(crate) async fn mailed_token(&self, to: &str) -> String {
        self.mails(to).await[0]["token"].as_str().unwrap().to_owned()
    }

    /// The token of the newest email of a kind to an address.
    pub(crate) async fn mailed_link(&self, to: &str, kind: &str) -> String {
        let mails = self.mails(to).await;
        let mail = mails.iter().find(|mail| mail["kind"] == kind).unwrap_or_else(|| panic!("no {kind} to {to}"));
        mail["token"].as_str().unwrap().to_owned()
    }

    /// A user who signed up, verified and logged in.
    pub(crate) async fn member(&self, email: &str) -> Member {
        assert_eq!(self.sign_up(email).await.status, 201);
        assert_eq!(self.verify(&self.mailed_token(email).await).await.status, 200);
        self.signed_in(email).await
    }

    /// An administrator, created by the operator's command.
    pub(crate) async fn admin(&self, email: &str) -> Member {
        let password = Password::typed(PASSWORD);
        userctl::command::create_admin(&self.stage(), email.parse().unwrap(), password).await.unwrap();
        self.signed_in(email).await
    }

    pub(crate) async fn signed_in(&self, email: &str) -> Member {
        let pair = self.log_in(email).await;
        assert_eq!(pair.status, 200, "{}", pair.json);
        let (access, refresh) = (pair.text("access_token"), pair.text("refresh_token"));
        let id = self.get("/users/me").bearer(&access).send().await.text("id");
        Member { id, access, refresh }
    }

    /// The services that the functions call.
    pub(crate) fn aws(&self) -> &Aws {
        self.service.aws.as_ref().unwrap()
    }

    /// The tables and the secret, as the functions see them.
    pub(crate) fn store(&self) -> Store {
        Store::connect(&self.sdk, &self.service.config)
    }

    /// The stage of operators' commands.
    pub(crate) fn stage(&self) -> Stage {
        Stage {
            config: self.service.config.clone(),
            store: self.store(),
            new_passwords: NewPasswords::new(&self.service.config),
            hasher: Hasher::new(64, 1).unwrap(),
            clock: self.clock.clone(),
            sdk: self.sdk.clone(),
            dead_letters: Some("DeadLetters".to_owned()),
        }
    }

    /// A client of the tables that bypasses the service's own rules.
    pub(crate) fn database_client(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk)
    }

    /// How many sessions the table contains.
    pub(crate) async fn session_count(&self) -> usize {
        self.raw_items("EphemeralTable").await.iter().filter(|item| crowd::is_session(item)).count()
    }

    /// Every item of a table except the events.
    pub(crate) async fn items(&self, table: &str) -> Vec<Value> {
        self.raw_items(table)
            .await
            .iter()
            .filter(|item| !item.get("sk").is_some_and(|key| key.as_s().unwrap().starts_with("EVENT#")))
            .map(|item| json!(item.iter().map(|(k, v)| (k, format!("{v:?}"))).collect::<BTreeMap<_, _>>()))
            .collect()
    }
}
