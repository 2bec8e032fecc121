//! The Lambda function `rotation`.

use aws_lambda_events::event::secretsmanager::SecretsManagerSecretRotationEvent;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let (app, _) = user_app::start::load(rotation::KEY_USE).await?;
    let app = &app;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SecretsManagerSecretRotationEvent>| {
        let outcome = rotation::handle(app, event.payload).await;
        user_telemetry::metric::flush();
        Ok::<_, lambda_runtime::Error>(outcome?)
    }))
    .await
}
