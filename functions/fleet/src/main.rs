//! The Lambda function `fleet`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let (app, sdk) = user_app::start::load().await?;
    user_runtime::run(fleet::router(app, fleet::Source::new(&sdk))).await
}
