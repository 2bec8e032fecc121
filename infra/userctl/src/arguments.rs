//! The command line: commands, arguments and their help.

mod recovery;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use user_core::email::Email;
use user_core::user::Role;
use userctl::cost::assumptions::Behaviour;

pub(crate) use recovery::{DeadLetters, Drill};

/// Administers the users of the service, on AWS (with the SDK's standard credential chain) or in a local stack
#[derive(Parser)]
#[command(name = "userctl", version)]
pub(crate) struct Arguments {
    /// Use the local stack at its default port
    #[arg(long, global = true, conflicts_with = "endpoint")]
    pub(crate) local: bool,
    /// Use DynamoDB and Secrets Manager at this URL
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Print JSON
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

/// Commands that need no stack.
#[derive(Subcommand)]
pub(crate) enum OnPaper {
    /// Print the routes for `cargo lambda watch`, read from template.yaml
    Routes {
        /// Write them into Cargo.toml in the current directory
        #[arg(long)]
        write: bool,
    },
    /// Estimate what the service costs on AWS: for a million calls of each route, and for a month
    Cost(Behaviour),
    /// Print the OpenAPI document, made from the handlers: userctl openapi > functions/docs/openapi.json
    Openapi,
    /// Print the completion script of a shell, for example: userctl completions bash > /etc/bash_completion.d/userctl
    Completions { shell: Shell },
}

/// Commands that use the tables and secrets of a stack.
#[derive(Subcommand)]
pub(crate) enum OnStage {
    /// Create administrators
    #[command(subcommand)]
    Admin(Admin),
    /// Make a user an administrator
    Promote {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Take the administrator role from a user
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
    /// Activate a deactivated account
    Activate {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Deactivate an account and end its sessions; `activate` reverses it
    Deactivate {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// End all sessions of a user, and void the links in emails
    SignOut {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Delete an account permanently
    Delete {
        #[arg(value_parser = Email::known)]
        email: Email,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Count users, administrators and sessions
    Stats,
    /// List and rotate the signing keys
    #[command(subcommand)]
    Keys(KeyCommand),
    /// Check every user, login and session in the tables; the exit status is 1 if anything is wrong
    Check,
    /// Find out why an email did not arrive, and send it again
    #[command(subcommand)]
    Mail(MailCommand),
    /// Import users from a file, with hashes, roles, flags, times and ids; run it again if it was interrupted
    Import(Import),
    /// Export all users to a file that `import` reads; the file contains password hashes
    Export {
        /// The file; - for standard output
        file: PathBuf,
        /// The format; by default the file's extension decides
        #[arg(long)]
        format: Option<FileFormat>,
    },
    /// Migrate items that former releases wrote
    #[command(subcommand)]
    Migrate(Migrate),
    /// Write every item of the users table to a file; the file contains password hashes
    Backup {
        /// The file, or a directory for a file that is named after the time; - for standard output
        #[arg(default_value = ".local/backups")]
        file: PathBuf,
    },
    /// Test recovery: restore the users table of AWS at a point in time into a copy, check the copy and delete it
    Drill(Drill),
    /// Show, replay or delete the events that functions gave up
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Restore every item of a complete backup into the users table, and check the table. Rotate the keys afterwards (keys rotate
    /// --emergency): otherwise sessions that ended since the backup are valid again
    Restore {
        /// The file; - for standard input
        file: PathBuf,
        /// Restore even into a table that contains users, and overwrite them
        #[arg(long)]
        force: bool,
    },
}

#[derive(clap::Args)]
pub(crate) struct List {
    /// Only users with this role: user or admin
    #[arg(long)]
    pub(crate) role: Option<Role>,
    /// Only users whose address is verified
    #[arg(long, conflicts_with = "unverified")]
    pub(crate) verified: bool,
    /// Only users whose address is not verified
    #[arg(long)]
    pub(crate) unverified: bool,
    /// The maximum number of users
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(clap::Args)]
pub(crate) struct Import {
    /// The file; - for standard input
    pub(crate) file: PathBuf,
    /// Where the file comes from
    #[arg(long, value_enum, default_value_t = Origin::Export)]
    pub(crate) from: Origin,
    /// The format of an export; by default the file's extension decides
    #[arg(long)]
    pub(crate) format: Option<FileFormat>,
    /// The file for rejected rows and the reasons; by default FILE.rejected.jsonl
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Read and check every row, also against the users that exist, but write no user
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Let unverified users expire as new ones do; by default they do not expire
    #[arg(long)]
    pub(crate) expire_unverified: bool,
    /// Import users whose hash has an unknown format without a password, instead of rejecting them
    #[arg(long)]
    pub(crate) drop_unknown_hashes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Origin {
    /// A file of `userctl export`
    Export,
    /// The users table of a FastAPI service: CSV with a header, rows of row_to_json, or COPY as pg_dump writes it
    FastapiPostgres,
    /// The output of aws cognito-idp list-users; it has no hashes, so users choose a new password by email
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
    /// Show which schema versions the items have; the exit status is 1 if there is something to do
    Status,
    /// Migrate every item to the current schema version; run it again if it was interrupted
    Up,
}

#[derive(Subcommand)]
pub(crate) enum MailCommand {
    /// Show the emails to an address with their outcome, and whether the address gets emails
    Status {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Allow emails to an address again after a bounce or a spam complaint, in any letter case
    Allow {
        #[arg(value_parser = Email::known)]
        email: Email,
    },
    /// Show the emails that were given up
    Failed,
    /// Try all emails again that were given up
    Retry,
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Show the keys, and when each of them signs
    List,
    /// Add a new key; the current key signs until everybody can know the new one
    Rotate {
        /// Remove all other keys at once: all users have to sign in again, and links in emails are void
        #[arg(long)]
        emergency: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Admin {
    /// Create an administrator with a verified address; asks for the password
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
