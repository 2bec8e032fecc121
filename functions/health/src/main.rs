//! The Lambda function `health`.

use std::sync::Arc;

use transport::Transport;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let (app, sdk) = user_core::lambda::load().await?;
    let transport = Transport::new(&app.config, &sdk, Arc::new(|_| Ok(())))?;
    user_core::lambda::run(health::router(app, transport)).await
}
