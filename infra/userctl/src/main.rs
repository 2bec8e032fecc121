//! The command `userctl`. Exit status: 0 done, 1 refused, failed or found wrong, 2 not understood.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::Fault;
use local::template::Template;
use serde_json::json;
use user_core::email::Email;
use user_core::error::Error;
use user_core::password::Password;
use user_core::user::Role;
use userctl::check::check;
use userctl::outcome::Outcome;
use userctl::stage::Stage;
use userctl::{command, mail};

/// Where `cargo local` answers calls of AWS SDKs.
const LOCAL_ENDPOINT: &str = "http://127.0.0.1:8000/_local/aws";

/// Administers the users of the service, on AWS by the standard credentials chain or on this machine.
#[derive(Parser)]
struct Arguments {
    /// Work on the local stack at its default port
    #[arg(long, global = true, conflicts_with = "endpoint")]
    local: bool,
    /// Work on the DynamoDB and Secrets Manager at this URL
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Administrators
    #[command(subcommand)]
    Admin(Admin),
    /// Make a user an administrator
    Promote { email: Email },
    /// Take an administrator's rights away
    Demote { email: Email },
    /// Show a user
    Show { email: Email },
    /// Signing keys
    #[command(subcommand)]
    Keys(KeyCommand),
    /// Check the whole store: every user, login and session; exit status 1 when anything is wrong
    Check,
    /// The routes for `cargo lambda watch`, from template.yaml
    Routes {
        /// Put them into Cargo.toml, in the folder where the command runs
        #[arg(long)]
        write: bool,
    },
    /// Letters: "I never got the mail"
    #[command(subcommand)]
    Mail(MailCommand),
}

#[derive(Subcommand)]
enum MailCommand {
    /// Show what became of the letters to an address, and whether it gets any
    Status { email: Email },
    /// Let an address have letters again that sent one back or called one spam
    Allow { email: Email },
    /// Show letters that were given up
    Failed,
    /// Have all letters tried again that were given up
    Retry,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Show which keys there are and when they sign
    List,
    /// Bring a new key in; the present one signs until everybody can know the new one
    Rotate {
        /// Drop all other keys at once: everybody has to sign in again, and letters under way are void
        #[arg(long)]
        emergency: bool,
    },
}

#[derive(Subcommand)]
enum Admin {
    /// Create an administrator whose address needs no proof; asks for the password
    Create {
        #[arg(long)]
        email: Email,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    match run(arguments).await {
        Ok(outcome) => {
            let status = if outcome.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            print(&if json { outcome.json().to_string() } else { outcome.text() });
            status
        }
        Err(fault) => {
            let reason = reason(&fault);
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
    if let Command::Routes { write } = arguments.command {
        return routes(write);
    }
    let endpoint = arguments.endpoint.or_else(|| arguments.local.then(|| LOCAL_ENDPOINT.to_owned()));
    let stage = Stage::open(endpoint, local::settings()).await?;
    Ok(match arguments.command {
        Command::Admin(Admin::Create { email, password_stdin }) => {
            command::create_admin(&stage, email, read_password(password_stdin)?).await?.into()
        }
        Command::Promote { email } => command::set_role(&stage, &email, Role::Admin).await?.into(),
        Command::Demote { email } => command::set_role(&stage, &email, Role::User).await?.into(),
        Command::Show { email } => command::show(&stage, &email).await?.into(),
        Command::Routes { write } => routes(write)?,
        Command::Check => Outcome::Check(Box::new(Box::pin(check(&stage)).await?)),
        Command::Keys(KeyCommand::List) => Outcome::Keys(stage.store.read_keys().await?),
        Command::Keys(KeyCommand::Rotate { emergency: false }) => Outcome::Keys(command::rotate_keys(&stage).await?),
        Command::Keys(KeyCommand::Rotate { emergency: true }) => {
            Outcome::Keys(rotation::emergency(&stage.store, stage.clock.now()).await?)
        }
        Command::Mail(MailCommand::Status { email }) => Outcome::Mail(Box::new(mail::status(&stage, &email).await?)),
        Command::Mail(MailCommand::Allow { email }) => Outcome::Mail(Box::new(mail::allow(&stage, &email).await?)),
        Command::Mail(MailCommand::Failed) => Outcome::Letters(mail::failed(&stage).await?),
        Command::Mail(MailCommand::Retry) => Outcome::Count("letters to be tried again", mail::retry(&stage).await?),
    })
}

fn routes(write: bool) -> Result<Outcome, Fault> {
    let section = userctl::routes::section(&Template::evaluate(|_| None)?);
    if write {
        let manifest = std::fs::read_to_string("Cargo.toml")?;
        let replaced =
            userctl::routes::replaced(&manifest, &section).ok_or("Cargo.toml has no section for the routes")?;
        std::fs::write("Cargo.toml", replaced)?;
    }
    Ok(Outcome::Text(section))
}

/// The first line of standard input, or what is typed at a prompt that does not show it.
fn read_password(from_stdin: bool) -> Result<Password, Fault> {
    if !from_stdin {
        return Ok(Password::typed(&rpassword::prompt_password("password: ")?));
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(Password::typed(line.trim_end_matches(['\r', '\n'])))
}

fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A failure in a sentence for the operator.
fn reason(fault: &Fault) -> String {
    match fault.downcast_ref::<Error>() {
        Some(Error::NotFound) => "no user has this address".to_owned(),
        Some(Error::EmailTaken) => "an account with this address exists; use promote".to_owned(),
        Some(Error::Unavailable) => "the database or the secret does not answer; is the stack there?".to_owned(),
        Some(Error::Stale) => "another rotation went before; try again".to_owned(),
        Some(Error::LastAdmin) => "this is the last administrator; promote somebody else first".to_owned(),
        Some(Error::Invalid(errors)) => {
            errors.iter().map(|e| format!("{}: {}", e.field, e.detail)).collect::<Vec<_>>().join("; ")
        }
        _ => fault.to_string(),
    }
}
