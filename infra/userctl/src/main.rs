//! The command `userctl`. Exit status: 0 done, 1 refused or failed, 2 not understood.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::Fault;
use serde_json::{Value, json};
use user_core::email::Email;
use user_core::error::Error;
use user_core::password::Password;
use user_core::signing::{Key, Keys};
use user_core::user::{Role, User, UserView};
use userctl::command;
use userctl::stage::Stage;

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

/// What a command shows.
enum Outcome {
    User(Box<User>),
    Keys(Keys),
}

impl Outcome {
    fn json(self) -> Value {
        match self {
            Self::User(user) => json!(UserView::from(*user)),
            Self::Keys(keys) => keys.iter().map(key).collect(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::User(user) => table(user),
            Self::Keys(keys) => keys.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// A key without its secret.
fn key(key: &Key) -> Value {
    let until = key.good_until.map(|end| end.to_string());
    json!({ "kid": key.kid, "algorithm": key.algorithm, "signs_from": key.signs_from.to_string(), "good_until": until })
}

fn line(key: &Key) -> String {
    let until = key.good_until.map(|end| format!("  good until {end}")).unwrap_or_default();
    format!("{:<22}  {}  signs from {}{until}", key.kid, key.algorithm, key.signs_from)
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
            print(&if json { outcome.json().to_string() } else { outcome.text() });
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

async fn run(arguments: Arguments) -> Result<Outcome, Fault> {
    let endpoint = arguments.endpoint.or_else(|| arguments.local.then(|| LOCAL_ENDPOINT.to_owned()));
    let stage = Stage::open(endpoint, local::settings()).await?;
    let user = match arguments.command {
        Command::Admin(Admin::Create { email, password_stdin }) => {
            command::create_admin(&stage, email, read_password(password_stdin)?).await?
        }
        Command::Promote { email } => command::set_role(&stage, &email, Role::Admin).await?,
        Command::Demote { email } => command::set_role(&stage, &email, Role::User).await?,
        Command::Show { email } => command::show(&stage, &email).await?,
        Command::Keys(KeyCommand::List) => return Ok(Outcome::Keys(stage.store.read_keys().await?)),
        Command::Keys(KeyCommand::Rotate { emergency: false }) => {
            return Ok(Outcome::Keys(command::rotate_keys(&stage).await?));
        }
        Command::Keys(KeyCommand::Rotate { emergency: true }) => {
            return Ok(Outcome::Keys(rotation::emergency(&stage.store, stage.clock.now()).await?));
        }
    };
    Ok(Outcome::User(Box::new(user)))
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
        Some(Error::Unavailable) => "the database or the secret does not answer; is the stack there?".to_owned(),
        Some(Error::Stale) => "another rotation went before; try again".to_owned(),
        Some(Error::LastAdmin) => "this is the last administrator; promote somebody else first".to_owned(),
        Some(Error::Invalid(errors)) => {
            errors.iter().map(|e| format!("{}: {}", e.field, e.detail)).collect::<Vec<_>>().join("; ")
        }
        _ => fault.to_string(),
    }
}
