//! The dead-letter queue: the events that functions gave up. An operator can read, replay and drop them. A replay deletes a message only
//! after Lambda has accepted its event.
//!
//! - [`message`](Message): what AWS services put into the queue.
//! - `queue`: the queue itself.

mod message;
mod queue;
mod shown;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use template::Fault;

use crate::outcome::Outcome;
use crate::signed;
use crate::stage::Stage;

use queue::Queue;

pub use message::Message;

/// Selects messages.
#[derive(Debug, Clone)]
pub enum Which {
    /// All messages in the queue.
    All,
    /// The messages with these identifiers.
    These(BTreeSet<String>),
}

/// The outcome for a message.
#[derive(Debug)]
struct Fate {
    id: String,
    function: String,
    problem: Option<String>,
}

/// Lists every message in a line, oldest first.
///
/// # Errors
/// If the queue is not known or does not answer.
pub async fn list(stage: &Stage) -> Result<Outcome, Fault> {
    let queue = Queue::of(stage)?;
    let mut messages = queue.take(|_| true).await?;
    queue.give_back(&messages).await?;
    messages.sort_by_key(|message| message.sent_at);
    let json = messages.iter().map(Message::json).collect();
    let lines: Vec<_> = messages.iter().map(Message::line).collect();
    let text = if lines.is_empty() { "none".to_owned() } else { lines.join("\n") };
    Ok(Outcome::Said { json, text, good: true })
}

/// Shows a message with its event, without addresses and tokens.
///
/// # Errors
/// If there is no such message, or if the queue is not known or does not answer.
pub async fn show(stage: &Stage, id: &str) -> Result<Outcome, Fault> {
    let queue = Queue::of(stage)?;
    let messages = queue.take(|message| message.id == id).await?;
    queue.give_back(&messages).await?;
    let message = messages.first().ok_or_else(|| absent(id))?;
    let (mut json, event) = (message.json(), message.shown_event());
    let text = format!("{}\n{}", message.line(), serde_json::to_string_pretty(&event)?);
    json["event"] = event;
    Ok(Outcome::Said { json, text, good: true })
}

/// Invokes the functions again with the events of messages, and deletes the messages that Lambda accepted.
///
/// # Errors
/// If the queue is not known or does not answer. Why a single message was refused is in the outcome.
pub async fn replay(stage: &Stage, which: &Which) -> Result<Outcome, Fault> {
    each(stage, which, "replayed", async |message| message.replay(stage).await).await
}

/// Deletes messages.
///
/// # Errors
/// As [`replay`].
pub async fn drop(stage: &Stage, which: &Which) -> Result<Outcome, Fault> {
    each(stage, which, "dropped", async |_| Ok(())).await
}

/// Applies `act` to each message; the messages for which it failed stay in the queue.
async fn each(
    stage: &Stage,
    which: &Which,
    done: &str,
    act: impl AsyncFn(&Message) -> Result<(), Fault>,
) -> Result<Outcome, Fault> {
    let queue = Queue::of(stage)?;
    let mut absent_ids = match which {
        Which::All => BTreeSet::new(),
        Which::These(ids) => ids.clone(),
    };
    let wanted = |message: &Message| match which {
        Which::All => true,
        Which::These(ids) => ids.contains(&message.id),
    };
    let (mut fates, mut left) = (Vec::new(), Vec::new());
    for message in queue.take(wanted).await? {
        absent_ids.remove(&message.id);
        let acted = match act(&message).await {
            Ok(()) => queue.delete(&message).await,
            Err(fault) => Err(fault),
        };
        let (id, function) = (message.id.clone(), message.function_name().to_owned());
        let problem = acted.err().map(|fault| fault.to_string());
        if problem.is_some() {
            left.push(message);
        }
        fates.push(Fate { id, function, problem });
    }
    queue.give_back(&left).await?;
    let problem = |id: &String| Some(absent(id).to_string());
    fates.extend(absent_ids.iter().map(|id| Fate { id: id.clone(), function: String::new(), problem: problem(id) }));
    Ok(outcome(&fates, done))
}

fn outcome(fates: &[Fate], done: &str) -> Outcome {
    let json: Value = fates
        .iter()
        .map(|Fate { id, function, problem }| json!({ "id": id, "function": function, done: problem.is_none(), "problem": problem }))
        .collect();
    let lines = fates.iter().map(|Fate { id, function, problem }| match problem {
        Some(problem) => format!("{id}  {problem}"),
        None => format!("{id}  {done}  {function}").trim_end().to_owned(),
    });
    let text = if fates.is_empty() { "none".to_owned() } else { lines.collect::<Vec<_>>().join("\n") };
    Outcome::Said { json, text, good: fates.iter().all(|fate| fate.problem.is_none()) }
}

fn absent(id: &str) -> Fault {
    format!("no message in the queue has the identifier {id}").into()
}

impl Message {
    /// Invokes the function again, asynchronously.
    async fn replay(&self, stage: &Stage) -> Result<(), Fault> {
        let event = self.event()?;
        let (url, region) = self.invocation(&stage.sdk)?;
        let headers = [("content-type", "application/json".to_owned()), ("x-amz-invocation-type", "Event".to_owned())];
        signed::post(&stage.sdk, ("lambda", &region), &url, &headers, &event).await.map(|_| ())
    }
}
