//! Fields that several bodies have, as the OpenAPI document describes them.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};

/// The password that examples sign in with.
const CURRENT: &str = "Flat-Wh1te-please";

/// The account's password, where it is needed.
pub(crate) fn password() -> ObjectBuilder {
    secret("The account's password.", CURRENT)
}

/// The account's password, where [`prove_unless_fresh`](crate::prove::prove_unless_fresh) asks for it.
pub(crate) fn password_unless_fresh() -> ObjectBuilder {
    optional("The account's password; not needed within five minutes of signing in or stepping up.")
}

/// The account's password, for whoever is not signed in.
pub(crate) fn password_unless_signed_in() -> ObjectBuilder {
    optional("The account's password; not needed with an access token of the account.")
}

fn optional(description: &str) -> ObjectBuilder {
    secret(description, CURRENT).schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// The password of a new account.
pub(crate) fn first_password() -> ObjectBuilder {
    chosen(CURRENT)
}

/// A password in place of another one.
pub(crate) fn new_password() -> ObjectBuilder {
    chosen("Four-Qu1et-cups-of-tea")
}

fn chosen(example: &str) -> ObjectBuilder {
    secret("A password that the policy accepts.", example).min_length(Some(8)).max_length(Some(128))
}

fn secret(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        .description(Some(description))
        .examples([example])
}

/// The token of a link.
pub(crate) fn link_token() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("As it stands in the email's link."))
        .examples(["eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0.c2lnbmF0dXJl"])
}
