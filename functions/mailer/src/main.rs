//! The Lambda function `mailer`.

use std::io::Write as _;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use mailer::Wake;
use serde_json::Value;
use transport::Transport;
use transport::smtp::Password;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let (app, sdk, password) = user_app::start::load_for_mail(mailer::KEY_USE).await?;
    let password = Password::new(app.store.clone(), password);
    let transport =
        Transport::new(&app.config, &sdk, password, Arc::new(|mail| writeln!(std::io::stdout(), "{mail}")))?;
    let (app, transport) = (&app, &transport);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let response = match Wake::read(event.payload) {
            Ok(wake) => mailer::handle(app, transport, wake).await,
            Err(error) => Err(error),
        };
        user_telemetry::metric::flush();
        Ok::<_, lambda_runtime::Error>(response?)
    }))
    .await
}
