//! The one way in which any field of a user changes, and the answer that shows a user.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::ETAG;
use user_app::App;
use user_app::caller::Caller;
use user_core::id::UserId;
use user_core::user::{Edit, User, UserView};
use user_web::extract::IfMatch;
use user_web::problem::Problem;
use utoipa::openapi::{self, ContentBuilder, HeaderBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// The answer that shows a user.
pub(crate) struct Shown(pub(crate) User);

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        ([(ETAG, self.0.etag())], Json(UserView::from(self.0))).into_response()
    }
}

impl IntoResponses for Shown {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let etag = HeaderBuilder::new()
            .schema(Some(String::schema()))
            .description(Some("The version of the record, for `If-Match`"));
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(UserView::name())));
        let shown = ResponseBuilder::new()
            .description("The user's record, as it is now.")
            .header(ETAG.as_str(), etag.build())
            .content("application/json", body.build());
        BTreeMap::from([("200".to_owned(), shown.build().into())])
    }
}

/// Applies `edit` to the user `id` and shows the outcome.
pub(crate) async fn change<C>(
    app: &App,
    caller: Caller<C>,
    id: UserId,
    if_match: &IfMatch,
    edit: &Edit,
) -> Result<Shown, Problem> {
    let now = app.clock.now();
    let by = caller.by(app);
    let known = (id == caller.principal.user.id).then_some(caller.principal.user);
    let decide = |user: &User| {
        crate::existing(user, now)?;
        if_match.check(user)?;
        Ok(user.edited(edit, now).into())
    };
    app.store.change_user(&id, known, &by, decide).await.map(Shown)
}
