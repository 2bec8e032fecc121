//! The Lambda function `discovery`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    user_app::start::serve(discovery::router, discovery::KEY_USE).await
}
