//! The command `userctl`. Exit status: 0 for success, 1 for a refusal, a failure or a found problem, 2 for wrong arguments.

mod arguments;
mod reason;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, Parser as _};
use serde_json::json;
use template::{Fault, Template};
use user_core::email::Email;
use user_core::password::Password;
use user_core::user::Role;
use user_store::directory::Filter;
use userctl::check::check;
use userctl::cost::Report;
use userctl::drill::{self, interrupted};
use userctl::outcome::Outcome;
use userctl::stage::Stage;
use userctl::transfer::archive::file_for;
use userctl::transfer::backup::{backup, restore};
use userctl::transfer::export::export;
use userctl::transfer::import::{Plan, Source, import};
use userctl::transfer::{Format, is_standard};
use userctl::{command, dead_letters, directory, mail, migrate, routes};

use arguments::{
    Admin, Arguments, Command, DeadLetters, Drill, FileFormat, Import, KeyCommand, List, MailCommand, Migrate, OnPaper,
    OnStage, Origin,
};
use reason::reason;

/// The URL at which `cargo local` answers calls of AWS SDKs.
const LOCAL_ENDPOINT: &str = "http://127.0.0.1:8000/_local/aws";

/// The default folder of backups.
const BACKUPS: &str = ".local/backups";

/// How often the progress of a restore is read from AWS.
const POLL: Duration = Duration::from_secs(5);

/// The advice after a restore, which cannot know the sessions that have ended.
const SESSIONS: &str = "sessions that ended since the backup are valid again until: userctl keys rotate --emergency";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (json, endpoint) = (arguments.json, arguments.endpoint.clone());
    match Box::pin(run(arguments)).await {
        Ok(outcome) => {
            let status = if outcome.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            print(&if json {
                Some(outcome.json()).filter(|json| !json.is_null()).map(|json| json.to_string()).unwrap_or_default()
            } else {
                outcome.text()
            });
            status
        }
        Err(fault) => {
            let reason = reason(&fault, endpoint.as_deref());
            let _ = if json {
                writeln!(std::io::stderr(), "{}", json!({ "error": reason }))
            } else {
                writeln!(std::io::stderr(), "error: {reason}")
            };
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<Outcome, Fault> {
    let Arguments { local, endpoint, command, .. } = arguments;
    match command {
        Command::OnPaper(command) => on_paper(&command),
        Command::OnStage(command) => {
            let endpoint = endpoint.or_else(|| local.then(|| LOCAL_ENDPOINT.to_owned()));
            let stage = Stage::open(endpoint, template::settings()).await?;
            Box::pin(on_stage(&stage, command)).await
        }
    }
}

fn on_paper(command: &OnPaper) -> Result<Outcome, Fault> {
    match command {
        OnPaper::Routes { write } => {
            let section = routes::section(&Template::evaluate(|_| None)?);
            if *write {
                let manifest = std::fs::read_to_string("Cargo.toml")?;
                let replaced =
                    routes::replaced(&manifest, &section).ok_or("Cargo.toml has no section for the routes")?;
                std::fs::write("Cargo.toml", replaced)?;
            }
            Ok(Outcome::Text(section))
        }
        OnPaper::Cost(behaviour) => Ok(Outcome::Cost(Box::new(Report::of(*behaviour)?))),
        OnPaper::Openapi => Ok(Outcome::Text(userctl::openapi::text()?)),
        OnPaper::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "userctl", &mut script);
            Ok(Outcome::Text(String::from_utf8(script)?))
        }
    }
}

async fn on_stage(stage: &Stage, command: OnStage) -> Result<Outcome, Fault> {
    Ok(match command {
        OnStage::Admin(Admin::Create { email, password_stdin }) => {
            command::create_admin(stage, email, read_password(password_stdin)?).await?.into()
        }
        OnStage::Promote { email } => command::set_role(stage, &email, Role::Admin).await?.into(),
        OnStage::Demote { email } => command::set_role(stage, &email, Role::User).await?.into(),
        OnStage::Show { email } => command::show(stage, &email).await?.into(),
        OnStage::List(options) => list(stage, &options).await?,
        OnStage::Activate { email } => command::set_active(stage, &email, true).await?.into(),
        OnStage::Deactivate { email } => command::set_active(stage, &email, false).await?.into(),
        OnStage::SignOut { email } => command::sign_out(stage, &email).await?.into(),
        OnStage::Delete { email, yes } => delete(stage, &email, yes).await?,
        OnStage::Stats => {
            let stats = directory::stats(stage).await?;
            said(stats.json(), stats.text(), true)
        }
        OnStage::Check => Outcome::Check(Box::new(Box::pin(check(stage)).await?)),
        OnStage::Keys(options) => keys(stage, &options).await?,
        OnStage::Mail(options) => messages(stage, options).await?,
        OnStage::Import(options) => {
            let plan = plan(options);
            let summary = Box::pin(import(stage, &plan, false)).await?;
            said(summary.json(), summary.text(&plan), summary.rejected.is_empty())
        }
        OnStage::Export { file, format } => {
            let format = format.map_or_else(|| Format::of(&file), format_of);
            written(&file, Box::pin(export(stage, &file, format, false)).await?, "users")
        }
        OnStage::Migrate(options) => {
            let status = match options {
                Migrate::Status => migrate::status(stage).await?,
                Migrate::Up => migrate::up(stage).await?,
            };
            said(status.json(), status.text(), status.is_current())
        }
        OnStage::Backup { file } => {
            if file == Path::new(BACKUPS) {
                folder::create(&file)?;
            }
            let file = file_for(&file, stage.clock.now());
            written(&file, Box::pin(backup(stage, &file, false)).await?, "items")
        }
        OnStage::Drill(Drill { at, keep }) => {
            let from = drill::From { at, keep, poll: POLL, hidden: false };
            drilled(Box::pin(drill::from_table(stage, &from, interrupted())).await)?
        }
        OnStage::DeadLetters(options) => given_up(stage, options).await?,
        OnStage::Restore { file, force } => {
            let count = Box::pin(restore(stage, &file, force, false)).await?;
            let report = Box::pin(check(stage)).await?;
            let text = format!("{count} items restored\n{}\n{SESSIONS}", report.text());
            said(json!({ "items": count, "check": report.json() }), text, report.is_clean())
        }
    })
}

fn drilled(drill: Result<drill::Drill, Fault>) -> Result<Outcome, Fault> {
    drill.map(|drill| said(drill.json(), drill.text(), drill.is_good()))
}

fn said(json: serde_json::Value, text: String, good: bool) -> Outcome {
    Outcome::Said { json, text, good }
}

/// The outcome of writing a file; there is no message if the file is standard output.
fn written(file: &Path, count: u64, things: &str) -> Outcome {
    if is_standard(file) {
        return said(serde_json::Value::Null, String::new(), true);
    }
    let name = file.display().to_string();
    said(json!({ things: count, "file": name }), format!("{count} {things} written to {name}"), true)
}

async fn keys(stage: &Stage, options: &KeyCommand) -> Result<Outcome, Fault> {
    Ok(Outcome::Keys(match options {
        KeyCommand::List => stage.store.read_keys().await?,
        KeyCommand::Rotate { emergency: false } => command::rotate_keys(stage).await?,
        KeyCommand::Rotate { emergency: true } => rotation::emergency(&stage.store, stage.clock.now()).await?,
    }))
}

async fn messages(stage: &Stage, options: MailCommand) -> Result<Outcome, Fault> {
    Ok(match options {
        MailCommand::Status { email } => Outcome::Mail(Box::new(mail::status(stage, &email).await?)),
        MailCommand::Allow { email } => Outcome::Mail(Box::new(mail::allow(stage, &email).await?)),
        MailCommand::Failed => Outcome::Messages(mail::failed(stage).await?),
        MailCommand::Retry => Outcome::Count("emails to be tried again", mail::retry(stage).await?),
    })
}

async fn given_up(stage: &Stage, options: DeadLetters) -> Result<Outcome, Fault> {
    match options {
        DeadLetters::List => dead_letters::list(stage).await,
        DeadLetters::Show { id } => dead_letters::show(stage, &id).await,
        DeadLetters::Replay(chosen) => dead_letters::replay(stage, &chosen.into()).await,
        DeadLetters::Drop(chosen) => dead_letters::drop(stage, &chosen.into()).await,
    }
}

async fn list(stage: &Stage, options: &List) -> Result<Outcome, Fault> {
    let verified = (options.verified || options.unverified).then_some(options.verified);
    let users = directory::list(stage, &Filter { role: options.role, verified }, options.limit).await?;
    let text = directory::users_table(&users);
    Ok(said(directory::users_json(users), text, true))
}

async fn delete(stage: &Stage, email: &Email, yes: bool) -> Result<Outcome, Fault> {
    if !yes {
        if !std::io::stdin().is_terminal() {
            return Err("nobody can be asked here; --yes removes the account".into());
        }
        write!(std::io::stderr(), "Remove {} for good? Type yes: ", email.as_str())?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if answer.trim() != "yes" {
            return Err("nothing was removed".into());
        }
    }
    let user = command::delete(stage, email).await?;
    Ok(said(json!({ "deleted": user.id }), format!("user {} is removed", user.id), true))
}

fn format_of(format: FileFormat) -> Format {
    match format {
        FileFormat::Jsonl => Format::Jsonl,
        FileFormat::Csv => Format::Csv,
    }
}

fn plan(options: Import) -> Plan {
    let source = match options.from {
        Origin::Export => Source::Export(options.format.map_or_else(|| Format::of(&options.file), format_of)),
        Origin::FastapiPostgres => Source::FastapiPostgres,
        Origin::Cognito => Source::Cognito,
    };
    let beside = || {
        let mut name =
            if is_standard(&options.file) { OsString::from("stdin") } else { options.file.clone().into_os_string() };
        name.push(".rejected.jsonl");
        PathBuf::from(name)
    };
    let rejects = options.rejects.clone().unwrap_or_else(beside);
    let Import { file, dry_run, expire_unverified, drop_unknown_hashes, .. } = options;
    Plan { file, source, rejects, dry_run, expire_unverified, drop_unknown_hashes }
}

/// The first line of standard input, or the input at a prompt that does not echo it.
fn read_password(from_stdin: bool) -> Result<Password, Fault> {
    if !from_stdin {
        let typed = rpassword::prompt_password("password: ");
        return match typed {
            Ok(typed) => Ok(Password::typed(&typed)),
            Err(_) => {
                Err("nobody can be asked for the password here; give it on standard input with --password-stdin".into())
            }
        };
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(Password::typed(line.trim_end_matches(['\r', '\n'])))
}

fn print(text: &str) {
    if text.is_empty() {
        return;
    }
    let _ = writeln!(std::io::stdout(), "{text}");
}
