//! The service: everything of the template, put together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dynoxide::Database;
use mailer::{Backend, Mail};
use serde_json::Value;
use tokio::sync::{Mutex, Notify};
use user_core::app::App;
use user_core::clock::Clock;
use user_core::config::Config;
use user_core::signing::Keys;
use user_core::store::Store;

use crate::function::Function;
use crate::gateway::Gateway;
use crate::inbox::Inbox;
use crate::stream::{Poller, Step};
use crate::template::{Event, Resource, Schedule, Template};
use crate::{Fault, database, secret};

/// What a stack on a developer's machine has otherwise than a deployed one; the environment has the last word.
const LOCAL: [(&str, &str); 3] = [("ENVIRONMENT", "development"), ("MAIL_BACKEND", "console"), ("LOG_FORMAT", "plain")];

/// How to open the service.
pub struct Options {
    /// Where data lies; `None` keeps it in memory.
    pub folder: Option<PathBuf>,
    /// Where time comes from.
    pub clock: Clock,
    /// Settings by environment name, over the template's parameters and variables.
    pub settings: BTreeMap<String, String>,
    /// Whether each mail is printed.
    pub print_mails: bool,
}

/// The service on one machine.
pub struct Service {
    /// The tables.
    pub database: Database,
    /// The routes.
    pub gateway: Gateway,
    /// The mails that were sent.
    pub inbox: Arc<Inbox>,
    /// The configuration of the functions.
    pub config: Config,
    /// Told after every request, because it may have put something into a stream.
    pub written: Notify,
    functions: Functions,
    schedules: Vec<(String, Schedule)>,
    pollers: Mutex<Vec<Poller>>,
}

impl Service {
    /// Opens the service. Data that is there stays as it is.
    ///
    /// # Errors
    /// A template, a setting or a data folder that cannot be used.
    pub fn open(options: Options) -> Result<Self, Fault> {
        let Options { folder, clock, settings, print_mails } = options;
        let setting = |name: &str| {
            let local = LOCAL.iter().find(|(local, _)| *local == name).map(|(_, value)| (*value).to_owned());
            settings.get(name).cloned().or(local)
        };
        let template = Template::evaluate(setting)?;
        if let Some(folder) = &folder {
            database::create_folder(folder)?;
        }
        let database = database::open(folder.as_deref(), &template)?;
        let inbox = Arc::new(Inbox::open(folder.as_deref())?);
        let parts = Parts {
            backend: Arc::new(backend(&inbox, print_mails)),
            client: database::client(&database),
            secrets: secrets(&template, folder.as_deref())?,
            clock,
        };
        let (functions, config) = functions(&template, &settings, &parts)?;
        let gateway = Gateway::new(&template, &functions)?;
        let (mut schedules, mut pollers) = (Vec::new(), Vec::new());
        for (id, name, event) in events(&template) {
            match event {
                Event::DynamoDB(mapping) => {
                    let function = functions.get(id).cloned().ok_or("a mapping leads to no function")?;
                    let name = format!("{id}{name}");
                    pollers.push(Poller::open(&database, folder.as_deref(), &name, mapping, function)?);
                }
                Event::ScheduleV2(schedule) => schedules.push((id.to_owned(), schedule.clone())),
                Event::HttpApi(_) => {}
            }
        }
        let (written, pollers) = (Notify::new(), Mutex::new(pollers));
        Ok(Self { database, gateway, inbox, config, written, functions, schedules, pollers })
    }

    /// Calls a function by its logical id.
    ///
    /// # Errors
    /// When there is none, and what the function itself reports.
    pub async fn invoke(&self, id: &str, event: Value) -> Result<Value, Fault> {
        self.functions.get(id).ok_or_else(|| format!("there is no function {id}"))?.invoke(event).await
    }

    /// The schedules, with the functions that they call.
    #[must_use]
    pub fn schedules(&self) -> &[(String, Schedule)] {
        &self.schedules
    }

    /// Brings what is in the streams to the functions, until nothing is left or something failed.
    ///
    /// # Errors
    /// When the database does not answer or a position cannot be written.
    pub async fn drain_streams(&self) -> Result<Step, Fault> {
        let mut outcome = Step::Idle;
        for poller in self.pollers.lock().await.iter_mut() {
            loop {
                match poller.step().await? {
                    Step::Idle => break,
                    Step::Done => outcome = Step::Done,
                    Step::Failed => return Ok(Step::Failed),
                }
            }
        }
        Ok(outcome)
    }
}

/// What all functions are made from.
struct Parts {
    backend: Arc<Backend>,
    client: aws_sdk_dynamodb::Client,
    secrets: BTreeMap<String, String>,
    clock: Clock,
}

type Functions = BTreeMap<String, Arc<Function>>;

/// The functions by logical id, and the configuration of one of them: they differ in nothing that the stack itself needs.
fn functions(
    template: &Template,
    settings: &BTreeMap<String, String>,
    parts: &Parts,
) -> Result<(Functions, Config), Fault> {
    let mut functions = BTreeMap::new();
    let mut config = None;
    for (id, binary, function) in template.functions() {
        let environment = template.environment(function);
        let own = Config::read(|name| settings.get(name).or_else(|| environment.get(name)).cloned())?;
        let keys = Keys::from_secret(parts.secrets.get(&own.signing_secret_id).ok_or("there is no such secret")?)?;
        let app = App::new(own.clone(), parts.clock.clone(), Store::new(parts.client.clone(), &own), &keys)?;
        let timeout = template.timeout_seconds(function);
        functions.insert(id.to_owned(), Arc::new(Function::new(binary, app, parts.backend.clone(), timeout)?));
        config = Some(own);
    }
    Ok((functions, config.ok_or("the template has no functions")?))
}

fn backend(inbox: &Arc<Inbox>, print: bool) -> Backend {
    let inbox = inbox.clone();
    Backend::Console(Arc::new(move |mail: &Mail| {
        if print {
            crate::server::say(&mail.to_string());
        }
        inbox.keep(mail)
    }))
}

fn events(template: &Template) -> impl Iterator<Item = (&str, &str, &Event)> {
    template
        .functions()
        .flat_map(|(id, _, function)| function.events.iter().map(move |(name, event)| (id, name.as_str(), event)))
}

fn secrets(template: &Template, folder: Option<&Path>) -> Result<BTreeMap<String, String>, Fault> {
    let secrets = template.resources.iter().filter_map(|(id, resource)| match resource {
        Resource::Secret { properties } => Some(secret::open(folder, id, properties).map(|text| (id.clone(), text))),
        _ => None,
    });
    secrets.collect()
}
