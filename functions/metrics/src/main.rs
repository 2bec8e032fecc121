//! The Lambda function `metrics`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let (app, sdk) = user_app::start::load(metrics::KEY_USE).await?;
    user_runtime::run(metrics::router(app, metrics::Source::new(&sdk))).await
}
