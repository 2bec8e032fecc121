//! The Lambda function `mailer`.

use std::io::Write as _;
use std::sync::Arc;

use aws_lambda_events::event::dynamodb::Event;
use lambda_runtime::{LambdaEvent, service_fn};
use mailer::Backend;
use user_core::config::MailBackend;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let (app, sdk) = user_core::lambda::load().await?;
    let backend = match app.config.mail_backend {
        MailBackend::Ses => Backend::Ses(aws_sdk_sesv2::Client::new(&sdk)),
        MailBackend::Console => Backend::Console(Arc::new(|mail| writeln!(std::io::stdout(), "{mail}"))),
    };
    let (app, backend) = (&app, &backend);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Event>| {
        let response = mailer::handle(app, backend, event.payload).await;
        user_core::metric::flush();
        Ok::<_, lambda_runtime::Error>(response)
    }))
    .await
}
