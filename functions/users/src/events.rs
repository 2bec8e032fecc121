//! `GET /users/{user_id}/events`: what happened to an account, newest first, for as long as events are kept; also after its end.

use axum::Json;
use axum::extract::State;
use user_app::caller::{Caller, Others};
use user_app::{App, cursor};
use user_core::access::{Action, permit};
use user_core::event::{Actor, Event, EventName};
use user_core::id::{EventId, UserId};
use user_web::extract::Path;
use user_web::page::{Page, Place};
use user_web::problem::Problem;
use user_web::query::Query;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::OfUser;

/// An event as an administrator sees it.
#[derive(serde::Serialize, ToSchema)]
pub(crate) struct EventView {
    #[schema(value_type = String, example = "0193a5b2-9e40-7b1c-8d55-4f0a9c3e7b12")]
    id: EventId,
    /// What happened.
    #[schema(value_type = String, example = "signed-in")]
    name: EventName,
    /// To whom.
    #[schema(value_type = String, example = "0193a5b2-7c1e-7d4a-9f3b-2a6c8e0d4f51")]
    user_id: UserId,
    /// Who did it.
    #[schema(schema_with = actor)]
    actor: Actor,
    /// The source address that the gateway saw; empty without a request.
    #[schema(example = "192.0.2.7")]
    ip: String,
    /// The gateway's name for the request; empty without one.
    #[schema(example = "k3v9x2m7q1w8z5t4")]
    request_id: String,
    /// A word more, such as the new role.
    #[schema(required, example = "admin")]
    detail: Option<String>,
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    created_at: String,
}

/// The form of an [`Actor`].
fn actor() -> Object {
    let kind = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("`user`, `anonymous`, `operator` or `service`; a later release may know others"))
        .examples(["user"]);
    let id = ObjectBuilder::new().schema_type(Type::String).description(Some("The user's id, if it is a user"));
    ObjectBuilder::new().property("type", kind).required("type").property("id", id).build()
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let Event { id, name, user_id, actor, ip, request_id, detail, created_at } = event;
        Self { id, name, user_id, actor, ip, request_id, detail, created_at: created_at.to_string() }
    }
}

/// See what happened to an account
///
/// Security events of 90 days, newest first, also after the account's end; for administrators.
#[utoipa::path(
    get,
    path = "/api/v1/users/{user_id}/events",
    operation_id = "listEvents",
    tag = "Users",
    params(OfUser, Place),
    responses((status = 200, description = "A page.", body = Page<EventView>)),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "invalid"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(OfUser { user_id: id }): Path<OfUser>,
    Query(Place { limit, cursor }): Query<Place>,
) -> Result<Json<Page<EventView>>, Problem> {
    permit(&caller.principal, Action::ReadEvents)?;
    let list = format!("events {id}");
    let before = cursor.map(|text| cursor::place(&app, &list, &text)).transpose()?;
    let (events, next) = app.store.list_events(&id, before.as_deref(), limit, app.clock.now()).await?;
    if events.is_empty() && before.is_none() {
        crate::find(&app, &id).await?;
    }
    let next_cursor = next.map(|place| cursor::cursor(&app, &list, &place)).transpose()?;
    Ok(Json(Page { items: events.into_iter().map(EventView::from).collect(), next_cursor }))
}
