//! `template.yaml` as the local stack needs it: evaluated, then typed. No name of a resource is repeated here.

mod evaluate;
mod platform;
mod route;
mod security;
mod settings;
mod statement;
mod throttle;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use platform::{Destination, Destinations, Invoke, Logging};
pub use route::Route;
pub use security::{Generate, Policy, PolicyDocument, RoleProperties, Rotation, RotationRules, Secret};
pub use settings::{REGION, environment_name, settings};
pub use statement::{Condition, Effect, Statement};
pub use throttle::{Throttle, Throttles};

/// An error, in words for the person who started the command.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The template of the service, as it was when this program was built.
const SOURCE: &str = include_str!("../../../template.yaml");

/// The evaluated template.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Template {
    /// By logical id.
    pub resources: BTreeMap<String, Resource>,
    globals: Globals,
}

/// A resource of a kind that the local stack builds.
#[derive(Debug, Deserialize)]
#[serde(tag = "Type")]
#[expect(missing_docs, reason = "each is the CloudFormation type of its name")]
pub enum Resource {
    #[serde(rename = "AWS::Serverless::HttpApi", rename_all = "PascalCase")]
    HttpApi { properties: HttpApi },
    #[serde(rename = "AWS::Serverless::Function", rename_all = "PascalCase")]
    Function { properties: Function, metadata: Metadata },
    #[serde(rename = "AWS::DynamoDB::Table", rename_all = "PascalCase")]
    Table { properties: Map<String, Value> },
    #[serde(rename = "AWS::SecretsManager::Secret", rename_all = "PascalCase")]
    Secret { properties: Secret },
    #[serde(rename = "AWS::SQS::Queue")]
    Queue,
    #[serde(rename = "AWS::IAM::Role", rename_all = "PascalCase")]
    Role { properties: RoleProperties },
    #[serde(rename = "AWS::SecretsManager::RotationSchedule", rename_all = "PascalCase")]
    Rotation { properties: Rotation },
    #[serde(other)]
    Other,
}

/// `AWS::Serverless::HttpApi`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct HttpApi {
    pub cors_configuration: Cors,
    #[serde(flatten)]
    pub throttles: Throttles,
}

/// `CorsConfiguration` of an HTTP API.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names; MaxAge in seconds")]
pub struct Cors {
    pub allow_origins: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_headers: Vec<String>,
    pub expose_headers: Vec<String>,
    pub max_age: u32,
}

/// `AWS::Serverless::Function`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names; Timeout in seconds, MemorySize in megabytes")]
pub struct Function {
    #[serde(default)]
    pub role: String,
    pub timeout: Option<u64>,
    pub memory_size: Option<u64>,
    pub tracing: Option<String>,
    pub logging_config: Option<Logging>,
    pub event_invoke_config: Option<Invoke>,
    #[serde(default)]
    pub environment: Environment,
    #[serde(default)]
    pub events: BTreeMap<String, Event>,
}

/// How SAM builds a function.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Metadata {
    pub build_properties: BuildProperties,
}

/// See [`Metadata`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct BuildProperties {
    pub binary: String,
}

/// An event source of a function.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "Type", content = "Properties")]
#[expect(missing_docs, reason = "SAM's names")]
pub enum Event {
    HttpApi(Route),
    DynamoDB(Mapping),
    ScheduleV2(Schedule),
    EventBridgeRule(Rule),
}

/// A stream mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Mapping {
    pub stream: String,
    pub batch_size: usize,
    pub maximum_retry_attempts: u32,
    pub filter_criteria: Filters,
    pub destination_config: Destinations,
}

/// `FilterCriteria` of a mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Filters {
    pub filters: Vec<Filter>,
}

/// See [`Filters`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Filter {
    pub pattern: String,
}

/// A schedule.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Schedule {
    pub schedule_expression: String,
}

/// A rule of the default event bus.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Rule {
    pub pattern: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Globals {
    function: Function,
}

/// Environment variables of a function.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Environment {
    pub variables: BTreeMap<String, Value>,
}

impl Template {
    /// Evaluates the template. `setting` returns the values of parameters that differ from their defaults, by environment name:
    /// `FRONTEND_URL` for `FrontendUrl`.
    ///
    /// # Errors
    /// If the template uses something that the local stack does not support.
    pub fn evaluate(setting: impl Fn(&str) -> Option<String>) -> Result<Self, Fault> {
        Ok(serde_json::from_value(evaluate::evaluate(SOURCE, setting)?)?)
    }

    /// The functions with their logical ids and their binaries.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str, &Function)> {
        self.resources.iter().filter_map(|(id, resource)| match resource {
            Resource::Function { properties, metadata } => {
                Some((id.as_str(), metadata.build_properties.binary.as_str(), properties))
            }
            _ => None,
        })
    }

    /// The routes with the logical ids of their functions.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &Route)> {
        self.functions().flat_map(|(id, _, function)| {
            function.events.values().filter_map(move |event| match event {
                Event::HttpApi(route) => Some((id, route)),
                _ => None,
            })
        })
    }

    /// The statements of the role `name`.
    pub fn statements(&self, name: &str) -> impl Iterator<Item = Statement> {
        let policies = match self.resources.get(name) {
            Some(Resource::Role { properties }) => properties.policies.as_slice(),
            _ => &[],
        };
        policies.iter().flat_map(|policy| policy.policy_document.statement.iter().cloned())
    }

    /// The schedules by which secrets are rotated.
    pub fn rotations(&self) -> impl Iterator<Item = &Rotation> {
        self.resources.values().filter_map(|resource| match resource {
            Resource::Rotation { properties } => Some(properties),
            _ => None,
        })
    }

    /// The queues.
    pub fn queues(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().filter_map(|(id, resource)| matches!(resource, Resource::Queue).then_some(id.as_str()))
    }

    /// The environment of a function: its own variables override the global ones.
    #[must_use]
    pub fn environment(&self, function: &Function) -> BTreeMap<String, String> {
        let all = self.globals.function.environment.variables.iter().chain(&function.environment.variables);
        all.map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// The timeout of a function, in seconds.
    #[must_use]
    pub fn timeout_seconds(&self, function: &Function) -> u64 {
        function.timeout.or(self.globals.function.timeout).unwrap_or(3)
    }

    /// Whether calls of a function are traced.
    #[must_use]
    pub fn is_traced(&self, function: &Function) -> bool {
        function.tracing.as_ref().or(self.globals.function.tracing.as_ref()).is_some_and(|tracing| tracing == "Active")
    }

    /// The memory of a function, in megabytes.
    #[must_use]
    pub fn memory_mb(&self, function: &Function) -> u64 {
        function.memory_size.or(self.globals.function.memory_size).unwrap_or(128)
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_takes_the_place_of_a_default() {
        let setting = |name: &str| (name == "CORS_ORIGINS").then(|| "https://a.example,https://b.example".to_owned());
        let template = Template::evaluate(setting).unwrap();
        let cors = template.resources.values().find_map(|resource| match resource {
            Resource::HttpApi { properties } => Some(properties.cors_configuration.allow_origins.clone()),
            _ => None,
        });
        assert_eq!(cors.unwrap(), ["https://a.example", "https://b.example"]);
        assert_eq!(environment_name("Argon2MemoryKib"), "ARGON2_MEMORY_KIB");
    }
}
