//! `GET /users/{user_id}/events`: what happened to an account, newest first, for as long as events are kept; also after its end.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use user_core::access::{Action, permit};
use user_core::app::App;
use user_core::error::Error;
use user_core::event::{Actor, Event, Name};
use user_core::http::extract::Caller;
use user_core::http::page::{self, Page};
use user_core::id::{EventId, UserId};

use crate::list::{LIMIT_DEFAULT, limit, one};

/// An event as an administrator sees it.
#[derive(serde::Serialize)]
pub(crate) struct EventView {
    id: EventId,
    name: Name,
    user_id: UserId,
    actor: Actor,
    ip: String,
    request_id: String,
    detail: Option<String>,
    created_at: String,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let Event { id, name, user_id, actor, ip, request_id, detail, created_at } = event;
        Self { id, name, user_id, actor, ip, request_id, detail, created_at: created_at.to_string() }
    }
}

pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    Query(mut query): Query<HashMap<String, String>>,
) -> Result<Json<Page<EventView>>, Error> {
    permit(&caller.user, Action::ReadEvents)?;
    let mut errors = Vec::new();
    let limit = one(&mut query, "limit", limit, &mut errors).unwrap_or(LIMIT_DEFAULT);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let list = format!("events {id}");
    let before = query.remove("cursor").map(|cursor| page::place(&app, &list, &cursor)).transpose()?;
    let (events, next) = app.store.list_events(&id, before.as_deref(), limit, app.clock.now()).await?;
    if events.is_empty() && before.is_none() {
        crate::find(&app, &id).await?;
    }
    let next_cursor = next.map(|place| page::cursor(&app, &list, &place));
    Ok(Json(Page { items: events.into_iter().map(EventView::from).collect(), next_cursor }))
}
