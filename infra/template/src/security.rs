//! Secrets, their rotation, and roles in the template.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::statement::Statement;

/// `AWS::SecretsManager::Secret`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "CloudFormation's names")]
pub struct Secret {
    pub generate_secret_string: Option<Generate>,
    pub secret_string: Option<String>,
    pub kms_key_id: Option<String>,
}

/// See [`Secret`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "CloudFormation's names")]
pub struct Generate {
    pub secret_string_template: String,
    pub generate_string_key: String,
    pub password_length: usize,
}

/// `AWS::SecretsManager::RotationSchedule`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "CloudFormation's names")]
pub struct Rotation {
    pub secret_id: String,
    #[serde(rename = "RotationLambdaARN")]
    pub rotation_lambda_arn: String,
    pub rotation_rules: RotationRules,
}

/// See [`Rotation`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "CloudFormation's names")]
pub struct RotationRules {
    #[serde(deserialize_with = "number")]
    pub automatically_after_days: i64,
}

/// A parameter that comes from the environment is a string.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    super::text(&Value::deserialize(deserializer)?).parse().map_err(serde::de::Error::custom)
}

/// `AWS::IAM::Role`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "CloudFormation's names")]
pub struct RoleProperties {
    #[serde(default)]
    pub policies: Vec<Policy>,
}

/// See [`RoleProperties`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "CloudFormation's names")]
pub struct Policy {
    pub policy_document: PolicyDocument,
}

/// See [`Policy`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "IAM's names")]
pub struct PolicyDocument {
    pub statement: Vec<Statement>,
}
