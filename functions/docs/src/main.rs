//! The Lambda function `docs`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    // No call of it asks the database, so that none is opened.
    let (app, _) = user_core::lambda::load().await?;
    lambda_http::run(docs::router(app)).await
}
