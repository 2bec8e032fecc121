//! The Lambda function `auth`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    user_app::start::serve(auth::router, auth::KEY_USE).await
}
