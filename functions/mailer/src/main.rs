//! The Lambda function `mailer`.

use std::io::Write as _;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use mailer::Wake;
use serde_json::Value;
use transport::Transport;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let (app, sdk) = user_core::lambda::load().await?;
    let transport = Transport::new(&app.config, &sdk, Arc::new(|mail| writeln!(std::io::stdout(), "{mail}")))?;
    let (app, transport) = (&app, &transport);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let response = match Wake::read(event.payload) {
            Ok(wake) => mailer::handle(app, transport, wake).await,
            Err(error) => Err(error),
        };
        user_core::metric::flush();
        Ok::<_, lambda_runtime::Error>(response?)
    }))
    .await
}
