//! The Lambda function `fleet`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let (app, sdk) = user_core::lambda::load().await?;
    user_core::lambda::run(fleet::router(app, fleet::Source::new(&sdk))).await
}
