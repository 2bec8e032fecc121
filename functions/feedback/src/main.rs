//! The Lambda function `feedback`.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let (app, _) = user_app::start::load(feedback::KEY_USE).await?;
    let app = &app;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let outcome = feedback::handle(app, event.payload).await;
        user_telemetry::metric::flush();
        Ok::<_, lambda_runtime::Error>(outcome?)
    }))
    .await
}
