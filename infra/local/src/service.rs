//! The service: everything of the template, put together.

mod asynchronous;
mod outline;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_types::SdkConfig;
use serde_json::{Value, json};
use template::{Event, Fault, Invoke, Rotation, Rule, Schedule, Template};
use tokio::sync::{Mutex, Notify};
use transport::smtp::Password;
use transport::{Mail, Printer, Transport};
use user_app::App;
use user_config::{Config, Hidden};
use user_core::clock::Clock;
use user_core::signing::Keys;
use user_store::Store;
use userctl::stage::remote_config;

use crate::aws::{Aws, Wire};
use crate::cloudwatch::CloudWatch;
use crate::function::Function;
use crate::gateway::Gateway;
use crate::hosts::Hosts;
use crate::inbox::Inbox;
use crate::role::Role;
use crate::stream::{Poller, Step, matches};

use outline::outline;

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
    /// Where the functions' metrics are.
    pub cloudwatch: CloudWatch,
    /// The hosts that requests may name.
    pub hosts: Hosts,
    /// What disturbs the functions' calls of AWS services, in tests.
    pub wire: Option<Wire>,
}

/// The service on one machine.
pub struct Service {
    /// The AWS services, unless they are in another process.
    pub aws: Option<Aws>,
    /// The routes.
    pub gateway: Gateway,
    /// The hosts that it answers for.
    pub hosts: Hosts,
    /// The mails that were sent.
    pub inbox: Arc<Inbox>,
    /// The configuration of the functions.
    pub config: Config,
    /// The roles of the functions, by the functions' logical ids.
    pub roles: BTreeMap<String, Arc<Role>>,
    /// Told after every request that may have put something into a stream.
    pub written: Notify,
    clock: Clock,
    apps: Vec<App>,
    functions: Functions,
    schedules: Vec<(String, Schedule)>,
    rotations: Vec<Rotation>,
    rules: Vec<(String, Rule)>,
    pollers: Mutex<Vec<Poller>>,
    /// What becomes of asynchronous calls that failed, by function.
    asynchronous: BTreeMap<String, Invoke>,
}

impl Service {
    /// Opens the service with its own data. Data that is there stays as it is.
    ///
    /// # Errors
    /// A template, a setting or a data folder that cannot be used.
    pub fn open(options: Options) -> Result<Self, Fault> {
        let (template, config) = outline(&options.settings)?;
        let folder = options.folder.as_deref();
        folder.map(folder::create).transpose()?;
        let inbox = Arc::new(Inbox::open(folder)?);
        let (cloudwatch, deliver) = (options.cloudwatch.clone(), printer(&inbox, options.print_mails));
        let aws = Aws::open(folder, &template, deliver, options.clock.clone(), cloudwatch)?;
        let secret = aws.secrets.current(&config.signing_secret_id).ok_or("there is no such secret")?;
        let keys = Keys::from_secret(&secret)?;
        let password = match config.mail_secret() {
            Some(id) => aws.secrets.current(id).map(Hidden).ok_or("SMTP_USER needs SMTP_PASSWORD")?,
            None => Hidden::default(),
        };
        let (folder, wire) = (options.folder.clone(), options.wire.clone());
        let mut service = Self::assemble(
            &template,
            config,
            options,
            inbox,
            |role| aws.sdk_config_as(role, wire.clone()),
            (&keys, &password),
        )?;
        service.connect(&template, &aws, folder.as_deref())?;
        service.aws = Some(aws);
        Ok(service)
    }

    /// Opens a second instance of a service that runs at `url`, such as `http://127.0.0.1:8000`: its own functions and gateway on the
    /// other's data. The other one sends the emails and keeps the schedules.
    ///
    /// # Errors
    /// As [`Service::open`]; when nothing answers there.
    pub async fn join(url: &str, options: Options) -> Result<Self, Fault> {
        let (template, config) = outline(&options.settings)?;
        let sdk = remote_config(&format!("{}/_local/aws", url.trim_end_matches('/')));
        let store = Store::connect(&sdk, &config);
        let keys = store.read_keys().await.map_err(|_| format!("no `cargo local` answers at {url}"))?;
        let password = store.read_mail_password().await?;
        let inbox = Arc::new(Inbox::open(None)?);
        Self::assemble(&template, config, options, inbox, |_| sdk.clone(), (&keys, &password))
    }

    fn assemble(
        template: &Template,
        config: Config,
        options: Options,
        inbox: Arc<Inbox>,
        sdk: impl Fn(&Arc<Role>) -> SdkConfig,
        (keys, password): (&Keys, &Hidden),
    ) -> Result<Self, Fault> {
        let printer = printer(&inbox, options.print_mails);
        let (mut functions, mut roles, mut apps) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (id, binary, function) in template.functions() {
            let role = Arc::new(Role::of(template, function.role.trim_end_matches(".Arn")));
            let sdk = sdk(&role);
            let store = Store::connect(&sdk, &config);
            let password = Password::new(store.clone(), password.clone());
            let transport = Transport::new(&config, &sdk, password, printer.clone())?;
            roles.insert(id.to_owned(), role);
            let app = App::new(config.clone(), options.clock.clone(), store, keys.clone())?;
            apps.push(app.clone());
            let timeout = template.timeout_seconds(function);
            functions.insert(id.to_owned(), Arc::new(Function::new(binary, app, transport, &sdk, timeout)?));
        }
        let gateway = Gateway::new(template, &functions)?;
        let (written, pollers) = (Notify::new(), Mutex::default());
        let (schedules, rotations, rules) = (Vec::new(), Vec::new(), Vec::new());
        let (clock, hosts) = (options.clock, options.hosts);
        Ok(Self {
            aws: None,
            gateway,
            hosts,
            inbox,
            config,
            roles,
            written,
            clock,
            apps,
            functions,
            schedules,
            rotations,
            rules,
            pollers,
            asynchronous: template
                .functions()
                .filter_map(|(id, _, function)| Some((id.to_owned(), function.event_invoke_config.clone()?)))
                .collect(),
        })
    }

    /// Gives memory back that no function used since this was called the last time.
    pub fn rest(&self) {
        self.apps.iter().for_each(|app| app.hasher.rest());
    }

    /// Connects functions with what calls them besides the gateway.
    fn connect(&mut self, template: &Template, aws: &Aws, folder: Option<&Path>) -> Result<(), Fault> {
        for (id, name, event) in events(template) {
            match event {
                Event::DynamoDB(mapping) => {
                    let function = self.functions.get(id).cloned().ok_or("a mapping leads to no function")?;
                    let file = folder.map(|folder| folder.join(format!("{id}{name}.position")));
                    self.pollers.get_mut().push(Poller::open(aws, file, mapping, (id, function))?);
                }
                Event::ScheduleV2(schedule) => self.schedules.push((id.to_owned(), schedule.clone())),
                Event::EventBridgeRule(rule) => self.rules.push((id.to_owned(), rule.clone())),
                Event::HttpApi(_) => {}
            }
        }
        self.rotations = template.rotations().cloned().collect();
        Ok(())
    }

    /// Rotates the secrets whose time has come; a new one at once, as Secrets Manager does.
    ///
    /// # Errors
    /// What the rotation function reports.
    pub async fn rotate_what_is_due(&self) -> Result<(), Fault> {
        let Some(aws) = &self.aws else { return Ok(()) };
        for rotation in &self.rotations {
            let (id, now) = (&rotation.secret_id, self.clock.now());
            let period = rotation.rotation_rules.automatically_after_days * 86_400;
            if aws.secrets.rotated_at(id).is_none_or(|last| now.since(last) >= period) {
                self.rotate(id).await?;
            }
        }
        Ok(())
    }

    /// Rotates a secret now.
    ///
    /// # Errors
    /// When it has no rotation schedule, and what the rotation function reports.
    pub async fn rotate(&self, secret_id: &str) -> Result<(), Fault> {
        let rotation = self.rotations.iter().find(|rotation| rotation.secret_id == secret_id);
        let rotation = rotation.ok_or("the secret has no rotation schedule")?;
        let function = rotation.rotation_lambda_arn.trim_end_matches(".Alias");
        let version = user_core::id::version()?;
        for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
            let event = json!({ "Step": step, "SecretId": rotation.secret_id, "ClientRequestToken": version });
            self.invoke(function, event).await?;
        }
        self.aws.as_ref().map_or(Ok(()), |aws| aws.secrets.note_rotation(secret_id, self.clock.now()))
    }

    /// Calls a function by its logical id.
    ///
    /// # Errors
    /// When there is none, and what the function itself reports.
    pub async fn invoke(&self, id: &str, event: Value) -> Result<Value, Fault> {
        self.function(id)?.invoke(event).await
    }

    fn function(&self, id: &str) -> Result<&Function, Fault> {
        Ok(self.functions.get(id).ok_or_else(|| format!("there is no function {id}"))?)
    }

    /// The schedules, with the functions that they call.
    #[must_use]
    pub fn schedules(&self) -> &[(String, Schedule)] {
        &self.schedules
    }

    /// Brings what SES reported to the functions whose rules match.
    async fn bring_reports(&self) -> Result<(), Fault> {
        for report in self.aws.iter().flat_map(|aws| aws.ses.take_reports()) {
            for (id, _) in self.rules.iter().filter(|(_, rule)| matches(&rule.pattern, &report)) {
                self.call_later(id, report.clone()).await?;
            }
        }
        Ok(())
    }

    /// Brings what is in the streams, and what SES reported, to the functions, until nothing is left or something failed.
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
        self.bring_reports().await?;
        Ok(outcome)
    }
}

type Functions = BTreeMap<String, Arc<Function>>;

fn printer(inbox: &Arc<Inbox>, print: bool) -> Printer {
    let inbox = inbox.clone();
    Arc::new(move |mail: &Mail| {
        if print {
            crate::server::say(&mail.to_string());
        }
        inbox.keep(mail)
    })
}

fn events(template: &Template) -> impl Iterator<Item = (&str, &str, &Event)> {
    template
        .functions()
        .flat_map(|(id, _, function)| function.events.iter().map(move |(name, event)| (id, name.as_str(), event)))
}
