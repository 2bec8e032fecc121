//! What brings data and events back.

use std::collections::BTreeSet;

use clap::Subcommand;
use user_core::clock::Timestamp;
use userctl::dead_letters::Which;
use userctl::transfer::moment;

#[derive(clap::Args)]
pub(crate) struct Drill {
    /// Restore the table as it was then, such as 2026-11-23T08:00:00Z; the latest moment without
    #[arg(long, value_name = "MOMENT", value_parser = moment::read)]
    pub(crate) at: Option<Timestamp>,
    /// Keep the restored table, made ready for a stack to adopt
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Subcommand)]
pub(crate) enum DeadLetters {
    /// Show each message in a line: identifier, time, function, what it was, attempts, why
    List,
    /// Show a message with its event, without addresses and tokens
    Show {
        /// The message's identifier
        id: String,
    },
    /// Have functions called again with the events of messages, and delete those that Lambda took
    Replay(Chosen),
    /// Delete messages
    Drop(Chosen),
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Chosen {
    /// The messages' identifiers
    ids: Vec<String>,
    /// All messages
    #[arg(long)]
    all: bool,
}

impl From<Chosen> for Which {
    fn from(chosen: Chosen) -> Self {
        if chosen.all { Self::All } else { Self::These(chosen.ids.into_iter().collect::<BTreeSet<_>>()) }
    }
}
