//! The Lambda function `cleanup`.

use std::time::Duration;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let (app, _) = user_app::start::load(cleanup::KEY_USE).await?;
    let app = &app;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let now = u64::try_from(app.clock.now_millis()).unwrap_or(0);
        let time = Duration::from_millis(event.context.deadline.saturating_sub(now));
        let report = cleanup::handle(app, time).await;
        user_telemetry::metric::flush();
        Ok::<_, lambda_runtime::Error>(report?)
    }))
    .await
}
