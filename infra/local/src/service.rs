//! The service, assembled from everything in the template.

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
use crate::function::{Function, SecretsAtStart};
use crate::gateway::Gateway;
use crate::hosts::Hosts;
use crate::inbox::Inbox;
use crate::role::Role;
use crate::stream::{Poller, Step, matches};

use outline::outline;

/// The options of a service.
pub struct Options {
    /// Where the data is stored; `None` keeps it in memory.
    pub folder: Option<PathBuf>,
    /// The source of time.
    pub clock: Clock,
    /// Settings by environment name. They override the template's parameters and variables.
    pub settings: BTreeMap<String, String>,
    /// Whether each email is printed.
    pub print_mails: bool,
    /// The store of the functions' metrics.
    pub cloudwatch: CloudWatch,
    /// The hosts that requests may name.
    pub hosts: Hosts,
    /// Faults on the functions' calls to AWS services, in tests.
    pub wire: Option<Wire>,
}

/// The service on one machine.
pub struct Service {
    /// The AWS services, unless they are in another process.
    pub aws: Option<Aws>,
    /// The routes.
    pub gateway: Gateway,
    /// The hosts whose requests it answers.
    pub hosts: Hosts,
    /// The emails that were sent.
    pub inbox: Arc<Inbox>,
    /// The configuration of the functions.
    pub config: Config,
    /// The roles of the functions, by the functions' logical ids.
    pub roles: BTreeMap<String, Arc<Role>>,
    /// Notified after every request that may have written to a stream.
    pub written: Notify,
    clock: Clock,
    apps: Vec<App>,
    functions: Functions,
    schedules: Vec<(String, Schedule)>,
    rotations: Vec<Rotation>,
    rules: Vec<(String, Rule)>,
    pollers: Mutex<Vec<Poller>>,
    /// What happens to failed asynchronous calls, by function.
    asynchronous: BTreeMap<String, Invoke>,
}

impl Service {
    /// Opens the service with its own data. Existing data stays as it is.
    ///
    /// # Errors
    /// If the template, a setting or the data folder cannot be used.
    pub fn open(options: Options) -> Result<Self, Fault> {
        let (template, config) = outline(&options.settings)?;
        let folder = options.folder.as_deref();
        folder.map(folder::create).transpose()?;
        let inbox = Arc::new(Inbox::open(folder)?);
        let (cloudwatch, deliver) = (options.cloudwatch.clone(), printer(&inbox, options.print_mails));
        let aws = Aws::open(folder, &template, deliver, options.clock.clone(), cloudwatch)?;
        let secret = |id: &str| aws.secrets.current(id).ok_or("there is no such secret");
        let signing = Keys::from_secret(&secret(&config.signing_secret_id)?)?;
        // On AWS the first rotation writes it, right after the stack is created.
        aws.secrets.begin(&config.verification_secret_id, signing.for_verifiers().to_secret()?)?;
        let verification = Keys::from_secret(&secret(&config.verification_secret_id)?)?;
        let mail = match config.mail_secret() {
            Some(id) => aws.secrets.current(id).map(Hidden).ok_or("SMTP_USER needs SMTP_PASSWORD")?,
            None => Hidden::default(),
        };
        let secrets = SecretsAtStart { signing, verification, mail };
        let (folder, wire) = (options.folder.clone(), options.wire.clone());
        let mut service =
            Self::assemble(&template, config, options, inbox, |role| aws.sdk_config_as(role, wire.clone()), &secrets)?;
        service.connect(&template, &aws, folder.as_deref())?;
        service.aws = Some(aws);
        Ok(service)
    }

    /// Opens a second instance of a service that runs at `url`, such as `http://127.0.0.1:8000`. It has its own functions and gateway and
    /// uses the data of the first instance, which sends the emails and runs the schedules.
    ///
    /// # Errors
    /// As [`Service::open`]; if nothing answers at `url`.
    pub async fn join(url: &str, options: Options) -> Result<Self, Fault> {
        let (template, config) = outline(&options.settings)?;
        let sdk = remote_config(&format!("{}/_local/aws", url.trim_end_matches('/')));
        let store = Store::connect(&sdk, &config);
        let signing = store.read_keys().await.map_err(|_| format!("no `cargo local` answers at {url}"))?;
        let (verification, mail) = (store.read_verification_keys().await?, store.read_mail_password().await?);
        let secrets = SecretsAtStart { signing, verification, mail };
        let inbox = Arc::new(Inbox::open(None)?);
        Self::assemble(&template, config, options, inbox, |_| sdk.clone(), &secrets)
    }

    fn assemble(
        template: &Template,
        config: Config,
        options: Options,
        inbox: Arc<Inbox>,
        sdk: impl Fn(&Arc<Role>) -> SdkConfig,
        secrets: &SecretsAtStart,
    ) -> Result<Self, Fault> {
        let printer = printer(&inbox, options.print_mails);
        let (mut functions, mut roles, mut apps) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (id, binary, function) in template.functions() {
            let role = Arc::new(Role::of(template, function.role.trim_end_matches(".Arn")));
            let sdk = sdk(&role);
            let store = Store::connect(&sdk, &config);
            let password = Password::new(store.clone(), secrets.mail.clone());
            let transport = Transport::new(&config, &sdk, password, printer.clone())?;
            roles.insert(id.to_owned(), role);
            let app = App::new(config.clone(), options.clock.clone(), store, secrets.keys_for(binary))?;
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

    /// Frees the memory that no function has used since the last call of this method.
    pub fn rest(&self) {
        self.apps.iter().for_each(|app| app.hasher.rest());
    }

    /// Connects the functions with their event sources other than the gateway.
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

    /// Rotates the secrets that are due. A new secret is rotated at once, as Secrets Manager does.
    ///
    /// # Errors
    /// Any error of the rotation function.
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
    /// If it has no rotation schedule, and any error of the rotation function.
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
    /// If there is no such function, and any error of the function itself.
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

    /// Delivers what SES reported to the functions whose rules match.
    async fn bring_reports(&self) -> Result<(), Fault> {
        for report in self.aws.iter().flat_map(|aws| aws.ses.take_reports()) {
            for (id, _) in self.rules.iter().filter(|(_, rule)| matches(&rule.pattern, &report)) {
                self.call_later(id, report.clone()).await?;
            }
        }
        Ok(())
    }

    /// Delivers stream records and SES reports to the functions, until nothing is left or something failed.
    ///
    /// # Errors
    /// If the database does not answer or a position cannot be written.
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
