//! The template and the configuration with which a service is opened.

use std::collections::BTreeMap;

use template::{Fault, Template};
use user_config::Config;

/// The settings of a local stack that differ from those of a deployed one; the environment overrides them.
const LOCAL: [(&str, &str); 4] =
    [("ENVIRONMENT", "development"), ("MAIL_BACKEND", "console"), ("LOG_FORMAT", "plain"), ("METRICS_DETAIL", "full")];

/// The template with these settings, and the configuration of its first function; the functions differ in nothing that the stack uses.
pub(super) fn outline(settings: &BTreeMap<String, String>) -> Result<(Template, Config), Fault> {
    let setting = |name: &str| {
        let local = LOCAL.iter().find(|(local, _)| *local == name).map(|(_, value)| (*value).to_owned());
        settings.get(name).cloned().or(local)
    };
    let template = Template::evaluate(setting)?;
    let (_, _, function) = template.functions().next().ok_or("the template has no functions")?;
    let environment = template.environment(function);
    let config = Config::read(|name| settings.get(name).or_else(|| environment.get(name)).cloned())?;
    Ok((template, config))
}
