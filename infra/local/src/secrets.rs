//! Secrets Manager: generates secrets as CloudFormation does, and keeps them in the data folder, with their versions and stages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use folder::write_private;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use template::{Fault, Generate, Resource, Template};
use user_core::clock::Timestamp;
use user_core::id::random_below;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const CURRENT: &str = "AWSCURRENT";

/// The secrets of the template.
pub struct Secrets {
    folder: Option<PathBuf>,
    secrets: Mutex<BTreeMap<String, Secret>>,
}

/// A secret's versions; each stage belongs to one of them.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Secret {
    versions: BTreeMap<String, Version>,
    rotated_at: Option<Timestamp>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Version {
    string: String,
    stages: BTreeSet<String>,
}

/// The request of any operation.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
    client_request_token: Option<String>,
    secret_string: Option<String>,
    #[serde(default)]
    version_stages: BTreeSet<String>,
    move_to_version_id: Option<String>,
    remove_from_version_id: Option<String>,
}

/// The type and message of an error.
type Refusal = (&'static str, &'static str);

impl Secrets {
    /// Opens the template's secrets: those in `folder`, and new ones, which are written there first.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn open(folder: Option<PathBuf>, template: &Template) -> Result<Self, Fault> {
        let secrets = Self { folder, secrets: Mutex::default() };
        for (id, resource) in &template.resources {
            let Resource::Secret { properties } = resource else { continue };
            let secret = match (&properties.secret_string, &properties.generate_secret_string) {
                // The value is stored elsewhere, such as in CloudFormation's parameters.
                (Some(given), _) => Secret::of(given.clone()),
                (None, Some(request)) => secrets.kept_or_generated(id, request)?,
                // Something writes it later.
                (None, None) => secrets.kept(id)?.unwrap_or_default(),
            };
            secrets.lock().insert(id.clone(), secret);
        }
        Ok(secrets)
    }

    fn kept(&self, id: &str) -> Result<Option<Secret>, Fault> {
        let Some(file) = self.file(id).filter(|file| file.exists()) else { return Ok(None) };
        let text = fs::read_to_string(file)?;
        // Before there were versions, the file contained only the string.
        Ok(Some(serde_json::from_str(&text).unwrap_or_else(|_| Secret::of(text))))
    }

    fn kept_or_generated(&self, id: &str, request: &Generate) -> Result<Secret, Fault> {
        if let Some(kept) = self.kept(id)? {
            return Ok(kept);
        }
        let mut value: Map<String, Value> = serde_json::from_str(&request.secret_string_template)?;
        value.insert(request.generate_string_key.clone(), Value::String(password(request.password_length)));
        let new = Secret::of(Value::Object(value).to_string());
        self.keep(id, &new)?;
        Ok(new)
    }

    /// The current value of a secret, if there is such a secret.
    #[must_use]
    pub fn current(&self, id: &str) -> Option<String> {
        let secrets = self.lock();
        let current = secrets.get(id)?.versions.values().find(|version| version.stages.contains(CURRENT));
        current.map(|version| version.string.clone())
    }

    /// Gives a secret without a value its first one, unless it has one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(&self, id: &str, string: String) -> Result<(), Fault> {
        if let Some(secret) = self.lock().get_mut(id).filter(|secret| secret.versions.is_empty()) {
            *secret = Secret::of(string);
            self.keep(id, secret)?;
        }
        Ok(())
    }

    /// Takes every version of a secret away, as in a stack in which nothing has written it yet.
    pub fn empty(&self, id: &str) {
        if let Some(secret) = self.lock().get_mut(id) {
            secret.versions.clear();
        }
    }

    /// When a secret was last rotated; `None` before the first rotation.
    #[must_use]
    pub fn rotated_at(&self, id: &str) -> Option<Timestamp> {
        self.lock().get(id)?.rotated_at
    }

    /// Records the time of a rotation.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note_rotation(&self, id: &str, now: Timestamp) -> Result<(), Fault> {
        if let Some(secret) = self.lock().get_mut(id) {
            secret.rotated_at = Some(now);
            self.keep(id, secret)?;
        }
        Ok(())
    }

    /// Answers a call of the JSON protocol.
    pub(crate) fn answer(&self, operation: &str, body: &[u8]) -> (u16, String) {
        let outcome = match serde_json::from_slice(body) {
            Ok(request) => self.act(operation, &request),
            Err(_) => Err(("InvalidRequestException", "the request cannot be read")),
        };
        match outcome {
            Ok(answer) => (200, answer.to_string()),
            Err((kind, message)) => (400, json!({ "__type": kind, "Message": message }).to_string()),
        }
    }

    fn act(&self, operation: &str, request: &Asked) -> Result<Value, Refusal> {
        let mut secrets = self.lock();
        let unknown = ("ResourceNotFoundException", "there is no such secret");
        let mut secret = secrets.get(&request.secret_id).cloned().ok_or(unknown)?;
        let answer = match operation {
            "GetSecretValue" => return secret.value(request),
            "DescribeSecret" => return Ok(secret.describe(&request.secret_id)),
            "PutSecretValue" => secret.put(request)?,
            "UpdateSecretVersionStage" => secret.move_stage(request)?,
            _ => return Err(("InvalidRequestException", "the local stack does not know this operation")),
        };
        self.keep(&request.secret_id, &secret).map_err(|_| ("InternalServiceError", "the secret was not written"))?;
        secrets.insert(request.secret_id.clone(), secret);
        Ok(answer)
    }

    fn file(&self, id: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{id}.json")))
    }

    fn keep(&self, id: &str, secret: &Secret) -> Result<(), Fault> {
        if let Some(file) = self.file(id) {
            write_private(&file, serde_json::to_string(secret)?.as_bytes())?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Secret {
    fn of(string: String) -> Self {
        let version = Version { string, stages: BTreeSet::from([CURRENT.to_owned()]) };
        Self { versions: BTreeMap::from([("initial".to_owned(), version)]), rotated_at: None }
    }

    fn value(&self, request: &Asked) -> Result<Value, Refusal> {
        let stage = request.version_stage.as_deref().or(request.version_id.is_none().then_some(CURRENT));
        let wanted = |(id, version): &(&String, &Version)| {
            request.version_id.as_ref().is_none_or(|wanted| wanted == *id)
                && stage.is_none_or(|stage| version.stages.contains(stage))
        };
        let found = self.versions.iter().find(wanted);
        let (id, version) = found.ok_or(("ResourceNotFoundException", "the secret has no such version"))?;
        Ok(json!({
            "ARN": request.secret_id,
            "Name": request.secret_id,
            "VersionId": id,
            "SecretString": version.string,
            "VersionStages": version.stages,
        }))
    }

    fn describe(&self, id: &str) -> Value {
        let stages: BTreeMap<_, _> = self.versions.iter().map(|(id, version)| (id, &version.stages)).collect();
        json!({ "ARN": id, "Name": id, "VersionIdsToStages": stages })
    }

    fn put(&mut self, request: &Asked) -> Result<Value, Refusal> {
        let needed = ("InvalidParameterException", "ClientRequestToken and SecretString are needed");
        let (id, string) = request.client_request_token.clone().zip(request.secret_string.clone()).ok_or(needed)?;
        if self.versions.get(&id).is_some_and(|kept| kept.string != string) {
            return Err(("ResourceExistsException", "the version has another content"));
        }
        let answer = json!({ "ARN": request.secret_id, "Name": request.secret_id, "VersionId": id });
        // A version that exists stays as it is, with its stages (API reference, PutSecretValue).
        if self.versions.contains_key(&id) {
            return Ok(answer);
        }
        self.versions.insert(id.clone(), Version { string, stages: BTreeSet::new() });
        let mut stages = request.version_stages.clone();
        // A secret's first version becomes the current one in any case (API reference, PutSecretValue).
        if stages.is_empty() || self.versions.len() == 1 {
            stages.insert(CURRENT.to_owned());
        }
        for stage in &stages {
            self.set_stage(stage, &id);
        }
        Ok(answer)
    }

    fn move_stage(&mut self, request: &Asked) -> Result<Value, Refusal> {
        let refused = ("InvalidParameterException", "the stage is not at the version that it is to be removed from");
        let (stage, to) = request.version_stage.clone().zip(request.move_to_version_id.clone()).ok_or(refused)?;
        let at = self.versions.iter().find(|(_, version)| version.stages.contains(&stage)).map(|(id, _)| id);
        if at != request.remove_from_version_id.as_ref() || !self.versions.contains_key(&to) {
            return Err(refused);
        }
        self.set_stage(&stage, &to);
        Ok(json!({ "ARN": request.secret_id, "Name": request.secret_id }))
    }

    /// Moves a stage to a version. `AWSCURRENT` leaves `AWSPREVIOUS` at its former version. A version without a stage is deleted.
    fn set_stage(&mut self, stage: &str, to: &str) {
        let left = self.versions.iter().find(|(_, version)| version.stages.contains(stage)).map(|(id, _)| id.clone());
        for (id, version) in &mut self.versions {
            version.stages.remove(stage);
            if id == to {
                version.stages.insert(stage.to_owned());
            }
        }
        if let Some(left) = left.filter(|left| stage == CURRENT && left != to) {
            self.set_stage("AWSPREVIOUS", &left);
        }
        self.versions.retain(|_, version| !version.stages.is_empty());
    }
}

fn password(length: usize) -> String {
    let message =
        || ALPHABET.get(usize::try_from(random_below(ALPHABET.len() as u64)).unwrap_or(0)).copied().unwrap_or(b'A');
    (0..length).map(|_| char::from(message())).collect()
}
