//! The command `userctl`. Exit status: 0 done, 1 refused or failed, 2 not understood.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::Fault;
use serde_json::json;
use user_core::email::Email;
use user_core::error::Error;
use user_core::password::Password;
use user_core::user::{Role, User, UserView};
use userctl::command;
use userctl::stage::Stage;

const LOCAL_ENDPOINT: &str = "http://127.0.0.1:8001";

/// Administers the users of the service, on AWS by the standard credentials chain or on this machine.
#[derive(Parser)]
struct Arguments {
    /// Work on the local stack at its default port
    #[arg(long, global = true, conflicts_with = "endpoint")]
    local: bool,
    /// Work on the DynamoDB at this URL
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
        Ok(user) => {
            print(&if json { json!(UserView::from(user)).to_string() } else { table(&user) });
            ExitCode::SUCCESS
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

async fn run(arguments: Arguments) -> Result<User, Fault> {
    let endpoint = arguments.endpoint.or_else(|| arguments.local.then(|| LOCAL_ENDPOINT.to_owned()));
    let stage = Stage::open(endpoint, local::settings()).await?;
    Ok(match arguments.command {
        Command::Admin(Admin::Create { email, password_stdin }) => {
            command::create_admin(&stage, email, read_password(password_stdin)?).await?
        }
        Command::Promote { email } => command::set_role(&stage, &email, Role::Admin).await?,
        Command::Demote { email } => command::set_role(&stage, &email, Role::User).await?,
        Command::Show { email } => command::show(&stage, &email).await?,
    })
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

fn table(user: &User) -> String {
    let name =
        [user.first_name.as_deref(), user.last_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    format!(
        "id        {}\nemail     {}\nname      {name}\nrole      {}\nverified  {}\nactive    {}\ncreated   {}\nupdated   {}",
        user.id,
        user.email.as_str(),
        user.role.as_str(),
        user.is_verified,
        user.is_active,
        user.created_at,
        user.updated_at
    )
}

fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A failure in a sentence for the operator.
fn reason(fault: &Fault) -> String {
    match fault.downcast_ref::<Error>() {
        Some(Error::NotFound) => "no user has this address".to_owned(),
        Some(Error::EmailTaken) => "an account with this address exists; use promote".to_owned(),
        Some(Error::LastAdmin) => "this is the last administrator; promote somebody else first".to_owned(),
        Some(Error::Invalid(errors)) => {
            errors.iter().map(|e| format!("{}: {}", e.field, e.detail)).collect::<Vec<_>>().join("; ")
        }
        _ => fault.to_string(),
    }
}
