//! `cargo local`: the whole service on this machine.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use local::Fault;
use local::server::{answer, listen, say};
use local::service::{Options, Service};
use local::stream::Step;
use local::template::Schedule;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use user_core::clock::Clock;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The whole user-management service on this machine, with an embedded database; mails are printed and kept.
#[derive(Parser)]
struct Arguments {
    /// Where the API answers
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Where the embedded DynamoDB answers, for any AWS SDK
    #[arg(long, default_value_t = 8001)]
    dynamodb_port: u16,
    /// Where data lies
    #[arg(long, default_value = ".local")]
    data: PathBuf,
    /// Keep all data in memory and forget it at the end
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
}

/// How long a mail waits at most when nothing else told that one was written.
const POLL: Duration = Duration::from_millis(200);
/// How long a failed batch waits before it comes again.
const RETRY: Duration = Duration::from_secs(1);
/// How often expired items are swept out.
const SWEEP: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            tracing::error!("{fault}");
            say(&format!("error: {fault}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Fault> {
    let api = listen(arguments.port).await?;
    let dynamodb = listen(arguments.dynamodb_port).await?;
    let folder = (!arguments.ephemeral).then_some(arguments.data);
    let settings = local::settings();
    let service = Service::open(Options { folder: folder.clone(), clock: Clock::System, settings, print_mails: true })?;
    user_core::lambda::start_log(&service.config);
    let service = Arc::new(service);
    let api_url = format!("http://{}", api.local_addr()?);
    say(&format!("API        {api_url}/api/v1"));
    say(&format!("mail       {api_url}/_local/mail"));
    say(&format!("DynamoDB   http://{}", dynamodb.local_addr()?));
    say(&format!("data       {}", folder.map_or("in memory".to_owned(), |folder| folder.display().to_string())));

    let mut tasks = JoinSet::new();
    tasks.spawn(dynoxide::server::serve_on(dynamodb, service.database.clone()));
    tasks.spawn(serve(api, service.clone()));
    tasks.spawn(deliver(service.clone()));
    tasks.spawn(sweep(service.clone()));
    for (function, schedule) in service.schedules() {
        tasks.spawn(repeat(service.clone(), function.clone(), period(schedule)?));
    }
    tokio::signal::ctrl_c().await?;
    say("bye");
    tasks.shutdown().await;
    Ok(())
}

async fn serve(listener: TcpListener, service: Arc<Service>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let handler = service_fn(move |request| answer(service.clone(), request, peer.ip()));
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
            // A broken connection concerns nobody but its client.
            let _ = server.serve_connection(TokioIo::new(stream), handler).await;
        });
    }
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

async fn sweep(service: Arc<Service>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let database = service.database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        if let Ok(Err(error)) = swept {
            tracing::error!(error.cause = %error, "expired items cannot be swept out");
        }
    }
}

async fn repeat(service: Arc<Service>, function: String, period: Duration) {
    loop {
        if let Err(fault) = service.invoke(&function, json!({})).await {
            tracing::error!(error.cause = %fault, "a scheduled function failed");
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
