//! The Lambda function `health`.

use std::sync::Arc;

use transport::Transport;
use transport::smtp::Password;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let (app, sdk, password) = user_app::start::load_for_mail(health::KEY_USE).await?;
    let password = Password::new(app.store.clone(), password);
    let transport = Transport::new(&app.config, &sdk, password, Arc::new(|_| Ok(())))?;
    user_runtime::run(health::router(app, transport)).await
}
