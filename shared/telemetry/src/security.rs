//! Security events in the log.

use user_core::event::{Actor, Event};

use crate::metric;

/// Counts a security event and writes its log line.
pub fn note(event: &Event) {
    let (actor, actor_id) = match &event.actor {
        Actor::User(id) => ("user", id.as_str()),
        Actor::Anonymous => ("anonymous", ""),
        Actor::Operator => ("operator", ""),
        Actor::Service => ("service", ""),
        Actor::Other { kind, id } => (kind.as_str(), id.as_deref().unwrap_or_default()),
    };
    metric::EVENTS.add(&[event.name.as_str()], 1);
    tracing::info!(
        event.name = event.name.as_str(),
        event.id = event.id.as_str(),
        event.detail = event.detail.as_deref(),
        user.id = event.user_id.as_str(),
        actor.type = actor,
        actor.id = actor_id,
        source.address = event.ip,
        request.id = event.request_id,
        "security event"
    );
}
