//! The Lambda function `users`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    user_app::start::serve(users::router, users::KEY_USE).await
}
