//! `cargo local`: the whole service on this machine.

use std::future::pending;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use dynoxide::Database;
use folder::{is_open_to_others, lock};
use local::drill::drill;
use local::hosts::Hosts;
use local::server::{Door, ask, listen, say, serve};
use local::service::{Options, Service};
use local::stream::Step;
use serde_json::json;
use template::{Fault, Schedule};
use tokio::task::JoinSet;
use user_core::clock::Clock;
use user_telemetry::log;
use user_telemetry::metric::{self, When};
use userctl::drill::interrupted;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The whole user-management service on this machine, with an embedded database; emails are printed and kept.
#[derive(Parser)]
struct Arguments {
    /// The address that the API listens on; whoever can reach an address that is not a loopback one reads all emails and data
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// A host that requests may name, besides this machine's own; can be given several times
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,
    /// The port of the API
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// The port of the embedded DynamoDB, for any AWS SDK
    #[arg(long, default_value_t = 8001)]
    dynamodb_port: u16,
    /// The data folder
    #[arg(long, default_value = ".local")]
    data: PathBuf,
    /// Keep all data in memory and forget it at the end
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    /// Ask the service at this address and port for its health, and exit; the exit status is the answer
    #[arg(long)]
    health: bool,
    /// Restore a backup, or the newest one in a folder, into a copy, check the copy, delete it, and exit; the exit status says whether the
    /// data is complete
    #[arg(long, value_name = "PATH", conflicts_with_all = ["health", "join"])]
    drill: Option<PathBuf>,
    /// Serve the data of another `cargo local`, such as http://127.0.0.1:8000, as a second instance
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "ephemeral", "dynamodb_port"])]
    join: Option<String>,
}

/// How long an email waits at most if no notification arrives.
const POLL: Duration = Duration::from_millis(200);
/// How long a failed batch waits before it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// After how many answers metrics are written.
const ANSWERS: usize = 8;
/// For how long unused memory is kept.
const REST: Duration = Duration::from_secs(1);
/// How often expired items are deleted.
const SWEEP: Duration = Duration::from_secs(60);
/// How often secrets are checked for a due rotation.
const ROTATE: Duration = Duration::from_secs(3_600);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Threads that hashed passwords end soon, and free the memory that each keeps for itself.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_keep_alive(REST).build();
    match runtime.map_err(Fault::from).and_then(|runtime| runtime.block_on(run(arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            tracing::error!("{fault}");
            say(&format!("error: {fault}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Fault> {
    if arguments.health {
        return ask(arguments.listen, arguments.port).await;
    }
    if let Some(path) = &arguments.drill {
        let drilled = Box::pin(drill(path, &template::settings(), false, interrupted())).await?;
        say(&drilled.text());
        return if drilled.is_good() { Ok(()) } else { Err("the data did not come back whole".into()) };
    }
    let api = listen(arguments.listen, arguments.port).await?;
    let api_url = format!("http://{}", api.local_addr()?);
    let mut tasks = JoinSet::new();
    let service = match &arguments.join {
        Some(url) => {
            let service = Arc::new(Service::join(url, options(None, &arguments.host_name)).await?);
            log::start(&service.config);
            say(&format!("API        {api_url}/api/v1"));
            say(&format!("joined     {url}"));
            service
        }
        None => alone(arguments, &api_url, &mut tasks).await?,
    };
    tasks.spawn(rest(service.clone()));
    tasks.spawn(serve(api, Door::Api, service));
    tokio::signal::ctrl_c().await?;
    say("bye");
    tasks.shutdown().await;
    Ok(())
}

fn options(folder: Option<PathBuf>, host_names: &[String]) -> Options {
    Options {
        folder,
        clock: Clock::System,
        settings: template::settings(),
        print_mails: true,
        cloudwatch: local::cloudwatch::shared().clone(),
        hosts: Hosts::with(host_names),
        wire: None,
    }
}

/// Opens the service with its own data, and starts everything besides the gateway that it needs.
async fn alone(arguments: Arguments, api_url: &str, tasks: &mut JoinSet<()>) -> Result<Arc<Service>, Fault> {
    let dynamodb = listen(IpAddr::V4(Ipv4Addr::LOCALHOST), arguments.dynamodb_port).await?;
    let folder = (!arguments.ephemeral).then_some(arguments.data);
    let lock = folder.as_deref().map(lock).transpose()?;
    let service = Arc::new(Service::open(options(folder.clone(), &arguments.host_name))?);
    log::start(&service.config);
    metric::start(&service.config, local::cloudwatch::writer, When::Answers(ANSWERS));
    service.rotate_what_is_due().await?;
    say(&format!("API        {api_url}/api/v1"));
    say(&format!("mail       {api_url}/_local/mail"));
    say(&format!("DynamoDB   http://{}", dynamodb.local_addr()?));
    say(&format!(
        "data       {}",
        folder.as_ref().map_or("in memory".to_owned(), |folder| folder.display().to_string())
    ));
    if let Some(folder) = folder.filter(|folder| is_open_to_others(folder)) {
        say(&format!(
            "careful    others may enter {0}, which holds password hashes and mails: chmod 700 {0}",
            folder.display()
        ));
    }
    if let Some(aws) = &service.aws {
        tasks.spawn(serve(dynamodb, Door::Database, service.clone()));
        tasks.spawn(sweep(aws.database.clone()));
    }
    tasks.spawn(async move {
        let _until_the_end = lock;
        pending::<()>().await;
    });
    tasks.spawn(deliver(service.clone()));
    tasks.spawn(rotate(service.clone()));
    for (function, schedule) in service.schedules() {
        tasks.spawn(repeat(service.clone(), function.clone(), period(schedule)?));
    }
    Ok(service)
}

async fn deliver(service: Arc<Service>) {
    loop {
        match service.drain_streams().await {
            Ok(Step::Idle | Step::Done) => {
                let _ = tokio::time::timeout(POLL, service.written.notified()).await;
            }
            Ok(Step::Failed) => tokio::time::sleep(RETRY).await,
            Err(fault) => {
                tracing::error!(error.cause = %fault, "a stream cannot be read");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn sweep(database: Database) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let database = database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        if let Ok(Err(error)) = swept {
            tracing::error!(error.cause = %error, "expired items cannot be swept out");
        }
    }
}

async fn rest(service: Arc<Service>) {
    loop {
        tokio::time::sleep(REST).await;
        service.rest();
    }
}

async fn rotate(service: Arc<Service>) {
    loop {
        tokio::time::sleep(ROTATE).await;
        if let Err(fault) = service.rotate_what_is_due().await {
            tracing::error!(error.cause = %fault, "a secret was not rotated");
        }
    }
}

async fn repeat(service: Arc<Service>, function: String, period: Duration) {
    loop {
        if let Err(fault) = service.call_later(&function, json!({})).await {
            tracing::error!(error.cause = %fault, "a schedule came to nothing");
        }
        tokio::time::sleep(period).await;
    }
}

/// The period of a schedule such as `rate(1 hour)`.
fn period(schedule: &Schedule) -> Result<Duration, Fault> {
    let expression = &schedule.schedule_expression;
    let unknown = || format!("the local stack does not know the schedule {expression}");
    let rate = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(unknown)?;
    let (number, unit) = rate.split_once(' ').ok_or_else(unknown)?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return Err(unknown().into()),
    };
    Ok(Duration::from_secs(number.parse::<u64>()? * seconds))
}
