//! Arguments of the commands that restore data and replay events.

use std::collections::BTreeSet;

use clap::Subcommand;
use user_core::clock::Timestamp;
use userctl::dead_letters::Which;
use userctl::transfer::moment;

#[derive(clap::Args)]
pub(crate) struct Drill {
    /// Restore the table as it was at this time, such as 2026-11-23T08:00:00Z; by default the latest possible time
    #[arg(long, value_name = "MOMENT", value_parser = moment::read)]
    pub(crate) at: Option<Timestamp>,
    /// Keep the restored table, ready to be adopted by a stack
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Subcommand)]
pub(crate) enum DeadLetters {
    /// Show one line for each message: id, time, function, source, attempts, reason
    List,
    /// Show a message with its event, but without addresses and tokens
    Show {
        /// The message's id
        id: String,
    },
    /// Call the functions again with the events of messages, and delete the messages that Lambda accepted
    Replay(Chosen),
    /// Delete messages
    Drop(Chosen),
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Chosen {
    /// The messages' ids
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
