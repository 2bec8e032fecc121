//! `GET /users`: pages of users, newest first.

use axum::Json;
use axum::extract::State;
use user_app::caller::{Caller, Others};
use user_app::{App, cursor};
use user_core::access::{Action, permit};
use user_core::email::Email;
use user_core::error::Refusal;
use user_core::user::{Role, User, UserView};
use user_store::directory::Filter;
use user_web::body::Fields;
use user_web::page::{Page, Place};
use user_web::problem::Problem;
use user_web::query::{Parameters, Query};

/// Which users to list.
pub(crate) struct Listing {
    place: Place,
    email: Option<Email>,
    filter: Filter,
}

impl Parameters for Listing {
    fn read(fields: &mut Fields) -> Option<Self> {
        let place = Place::read(fields);
        let role = fields.parameter("role", str::parse);
        let verified = fields.parameter("verified", verified);
        let email = fields.parameter("email", Email::known);
        Some(Self { place: place?, email: email?, filter: Filter { role: role?, verified: verified? } })
    }
}

fn verified(text: &str) -> Result<bool, Refusal> {
    text.parse().map_err(|_| Refusal::new("wrong-type", "true or false is needed"))
}

/// List users
///
/// Pages of users, newest first; for administrators. A cursor belongs to the filters that it was made with. `email` finds the one account
/// of that address, whatever its letter case.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    operation_id = "listUsers",
    tag = "Users",
    params(
        Place,
        ("role" = Option<Role>, Query, description = "Only users of this role"),
        ("verified" = Option<bool>, Query, description = "Only users whose address is proven, or is not"),
        ("email" = Option<String>, Query, format = "email", description = "Only the user of this address", example = "ann@example.com")
    ),
    responses((status = 200, description = "A page.", body = Page<UserView>)),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "invalid"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<UserView>>, Problem> {
    permit(&caller.principal, Action::List)?;
    let (users, next) = match &listing.email {
        Some(email) => (by_email(&app, email, &listing.filter).await?, None),
        None => {
            let query = listing.filter.query();
            let before =
                listing.place.cursor.as_deref().map(|cursor| cursor::place(&app, &query, cursor)).transpose()?;
            let (users, next) =
                app.store.list_users(&listing.filter, before, listing.place.limit, app.clock.now()).await?;
            (users, next.map(|place| cursor::cursor(&app, &query, &place)).transpose()?)
        }
    };
    Ok(Json(Page { items: users.into_iter().map(UserView::from).collect(), next_cursor: next }))
}

async fn by_email(app: &App, email: &Email, filter: &Filter) -> Result<Vec<User>, Problem> {
    let Some(login) = app.store.read_login(&email.key()).await? else {
        return Ok(Vec::new());
    };
    match crate::find(app, &login.user_id).await {
        Ok(user) => Ok(Some(user).filter(|user| filter.holds(user)).into_iter().collect()),
        Err(Problem::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
