//! What can be typed.

mod recovery;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use user_core::email::Email;
use user_core::user::Role;
use userctl::cost::assumptions::Behaviour;

pub(crate) use recovery::{DeadLetters, Drill};

/// Administers the users of the service, on AWS by the standard credentials chain or on this machine.
#[derive(Parser)]
#[command(name = "userctl", version)]
pub(crate) struct Arguments {
    /// Work on the local stack at its default port
    #[arg(long, global = true, conflicts_with = "endpoint")]
    pub(crate) local: bool,
    /// Work on the DynamoDB and Secrets Manager at this URL
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Print JSON for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    OnStage(OnStage),
    #[command(flatten)]
    OnPaper(OnPaper),
}

/// What needs no stack.
#[derive(Subcommand)]
pub(crate) enum OnPaper {
    /// The routes for `cargo lambda watch`, from template.yaml
    Routes {
        /// Put them into Cargo.toml, in the folder where the command runs
        #[arg(long)]
        write: bool,
    },
    /// What the service costs on AWS: a million calls of each route, and a month
    Cost(Behaviour),
    /// The OpenAPI document, from the handlers: userctl openapi > functions/docs/openapi.json
    Openapi,
    /// Print completions for a shell, such as: userctl completions bash > /etc/bash_completion.d/userctl
    Completions { shell: Shell },
}

/// What is done with the items of a stack.
#[derive(Subcommand)]
pub(crate) enum OnStage {
    /// Administrators
    #[command(subcommand)]
    Admin(Admin),
    /// Make a user an administrator
    Promote {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Take an administrator's rights away
    Demote {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Show a user
    Show {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// List users, newest first
    List(List),
    /// Switch an account on again
    Activate {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Switch an account off and end its sessions; it can be switched on again
    Deactivate {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// End every session of a user, and the links in emails with them
    SignOut {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Remove an account for good
    Delete {
        #[arg(value_parser = Email::known)]
        email: Email,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Count users, administrators and sessions
    Stats,
    /// Signing keys
    #[command(subcommand)]
    Keys(KeyCommand),
    /// Check the whole store: every user, login and session; exit status 1 when anything is wrong
    Check,
    /// Messages: "I never got the mail"
    #[command(subcommand)]
    Mail(MailCommand),
    /// Take users in from a file, with hashes, roles, flags, times and ids; start it again if it was cut off
    Import(Import),
    /// Write all users into a file that `import` reads; it holds password hashes
    Export {
        /// The file; - is standard output
        file: PathBuf,
        /// How users lie in it; by the name's ending without
        #[arg(long)]
        format: Option<FileFormat>,
    },
    /// Items of former releases
    #[command(subcommand)]
    Migrate(Migrate),
    /// Write every item of the table of users into a file; it holds password hashes
    Backup {
        /// The file, or a folder for one named by the moment; - is standard output
        #[arg(default_value = ".local/backups")]
        file: PathBuf,
    },
    /// Prove that the data comes back: restore a backup, or on AWS the table at a moment, into a copy, check and remove it
    Drill(Drill),
    /// What functions gave up
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Write every item of a backup that is whole into the table of users, and check it. Rotate the keys after it (--emergency):
    /// sessions that ended since the backup are good again otherwise
    Restore {
        /// The file; - is standard input
        file: PathBuf,
        /// Also into a table with users, over those that are there
        #[arg(long)]
        force: bool,
    },
}

#[derive(clap::Args)]
pub(crate) struct List {
    /// Only users with this role: user, admin
    #[arg(long)]
    pub(crate) role: Option<Role>,
    /// Only users whose address is proven
    #[arg(long, conflicts_with = "unverified")]
    pub(crate) verified: bool,
    /// Only users whose address is not proven
    #[arg(long)]
    pub(crate) unverified: bool,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(clap::Args)]
pub(crate) struct Import {
    /// The file; - is standard input
    pub(crate) file: PathBuf,
    /// Whose file it is
    #[arg(long, value_enum, default_value_t = Origin::Export)]
    pub(crate) from: Origin,
    /// How users lie in an export; by the name's ending without
    #[arg(long)]
    pub(crate) format: Option<FileFormat>,
    /// Where rows go that are not taken, with reasons; FILE.rejected.jsonl without
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Read and check everything, also who is there already, and write no user
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Give users who are not verified the time of a new one; without, they stay
    #[arg(long)]
    pub(crate) expire_unverified: bool,
    /// Take users whose hash is of no known form without a password, instead of refusing them
    #[arg(long)]
    pub(crate) drop_unknown_hashes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Origin {
    /// `userctl export`
    Export,
    /// The users table of a FastAPI service: CSV with a header, row_to_json, or pg_dump's COPY
    FastapiPostgres,
    /// aws cognito-idp list-users; there are no hashes, so users choose a password by email
    Cognito,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FileFormat {
    /// JSON Lines
    Jsonl,
    /// CSV with a header
    Csv,
}

#[derive(Subcommand)]
pub(crate) enum Migrate {
    /// Show which forms there are; exit status 1 when there is something to do
    Status,
    /// Bring every item to the present form; start it again if it was cut off
    Up,
}

#[derive(Subcommand)]
pub(crate) enum MailCommand {
    /// Show what became of the emails to an address, and whether it gets any
    Status {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Let an address have messages again that sent one back or called one spam, in whatever letter case
    Allow {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Show emails that were given up
    Failed,
    /// Have all emails tried again that were given up
    Retry,
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Show which keys there are and when they sign
    List,
    /// Bring a new key in; the present one signs until everybody can know the new one
    Rotate {
        /// Drop all other keys at once: everybody has to sign in again, and links under way are void
        #[arg(long)]
        emergency: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Admin {
    /// Create an administrator whose address needs no proof; asks for the password
    Create {
        #[arg(long, value_parser = Email::parse)]
        email: Email,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_former_rules_is_looked_up_and_gets_no_new_account() {
        let taken = |words: &[&str], email: &str| {
            let words = ["userctl"].iter().chain(words).chain([&email]);
            Arguments::try_parse_from(words.copied()).map(|_| ()).map_err(|error| error.to_string())
        };
        let looks: [&[&str]; 8] = [
            &["show"],
            &["promote"],
            &["demote"],
            &["activate"],
            &["deactivate"],
            &["delete"],
            &["mail", "status"],
            &["mail", "allow"],
        ];
        for former in ["\"a..b\"@example.com", "zo\u{eb}@example.com", "ann@\u{ff45}xample.com", "a@example.1"] {
            for look in looks {
                assert_eq!(taken(look, former), Ok(()), "{look:?} {former}");
            }
            assert!(taken(&["admin", "create", "--email"], former).is_err(), "{former}");
        }
        assert_eq!(taken(&["admin", "create", "--email"], "ann@b\u{fc}cher.example"), Ok(()));
        let why = taken(&["admin", "create", "--email"], "zo\u{eb}@example.com").unwrap_err();
        assert!(why.contains("ASCII alone before the @"), "{why}");
        assert!(taken(&["show"], "ann").is_err());
    }
}
