//! The token of those who read the metrics.

use user_core::error::Error;

use super::Store;
use super::failure::failed;

#[derive(serde::Deserialize)]
struct Secret {
    token: String,
}

impl Store {
    /// The token that is required to read the metrics.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the secret cannot be read; [`Error::Internal`] when it holds no token.
    pub async fn read_metrics_token(&self) -> Result<String, Error> {
        let answer = self.secrets.get_secret_value().secret_id(&self.metrics_secret_id).send().await.map_err(failed)?;
        // The parser's error would contain the text of the secret.
        let secret = serde_json::from_str(answer.secret_string().unwrap_or_default()).ok();
        let token = secret.map(|Secret { token }| token).filter(|token| !token.is_empty());
        token.ok_or_else(|| Error::internal("the secret of the metrics holds no token"))
    }
}
