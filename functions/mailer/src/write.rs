//! The text of a message, as text and HTML, with the link that contains its token. The texts are under `templates/`: a folder for each
//! language with a file for each kind of message, and the layout in `templates/` itself.

use std::sync::LazyLock;

use minijinja::{Environment, context};
use transport::Mail;
use user_app::App;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::language::Language;
use user_core::message::{Message, MessageKind};
use user_core::ticket::Purpose;

use crate::resolve::Outgoing;

#[expect(clippy::expect_used, reason = "the macro checks each template as this is built; tests render them all")]
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    minijinja_embed::load_templates!(&mut templates);
    templates
});

/// The email of a message. The token of its link is signed here and not stored.
pub(crate) fn mail(app: &App, message: &Message, outgoing: &Outgoing) -> Result<Mail, Error> {
    let Outgoing { user, to, kind, link } = outgoing;
    let now = app.clock.now();
    let (mut address, mut end) = (String::new(), now);
    if let Some((purpose, ticket)) = link {
        let token = app.keyring()?.tokens.ticket(*purpose, ticket, now)?;
        address = format!("{}/{}?token={token}", app.config.frontend_url, page(*purpose));
        end = ticket.expires_at;
    }
    // A stranger's text is sent to nobody: only a user with a verified address is greeted by the account's name. If addresses need no
    // verification, nobody is.
    let proven = app.config.email_verification_enabled && user.is_verified && *kind != MessageKind::ConfirmEmail;
    let name = user.first_name.as_deref().filter(|_| proven);
    let [subject, text, html] = render(*kind, user.language, name, &app.config.project_name, &address, end)?;
    Ok(Mail {
        id: message.id.to_string(),
        to: to.clone(),
        kind: kind.as_str().to_owned(),
        subject,
        text,
        html,
        sent_at: now.to_string(),
    })
}

/// The page of a link.
fn page(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Verify => "verify-email",
        Purpose::ConfirmEmail => "confirm-email",
        Purpose::RevertEmail => "revert-email",
        Purpose::Reset => "reset-password",
    }
}

/// Subject, text and HTML.
fn render(
    kind: MessageKind,
    language: Language,
    name: Option<&str>,
    project: &str,
    link: &str,
    end: Timestamp,
) -> Result<[String; 3], Error> {
    let language = language.spoken();
    let language = language.as_str();
    let words = TEMPLATES.get_template(&format!("{language}/{}.txt", kind.as_str())).map_err(Error::internal)?;
    let scope = context! { project, name, end => moment(end) };
    let mut words = words.render_captured(scope).map_err(Error::internal)?;
    let mut block = |name: &str| words.with_state_mut(|words| words.render_block(name)).map_err(Error::internal);
    let subject = block("subject")?;
    // These texts are plain; the HTML layout escapes them.
    let message = context! {
        language, project, link,
        subject => subject.clone(),
        greeting => block("greeting")?,
        lead => block("lead")?,
        button => block("button")?,
        fallback => block("fallback")?,
        note => block("note")?,
    };
    let layout = |name: &str| TEMPLATES.get_template(name).and_then(|layout| layout.render(&message));
    Ok([subject, layout("message.txt").map_err(Error::internal)?, layout("message.html").map_err(Error::internal)?])
}

/// A time in UTC to the minute, in a format for readers of every language.
fn moment(end: Timestamp) -> String {
    let text = end.to_string();
    text.get(..16).map_or_else(|| text.clone(), |minute| format!("{} UTC", minute.replace('T', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: MessageKind, language: Language, name: &str) -> [String; 3] {
        render(
            kind,
            language,
            Some(name),
            "Bean & There",
            "https://project.example/x?token=t",
            Timestamp(1_795_420_800),
        )
        .unwrap()
    }

    #[test]
    fn every_kind_of_message_says_everything_in_every_language() {
        for kind in MessageKind::ALL {
            let mut subjects: Vec<_> = Language::ALL
                .iter()
                .map(|language| {
                    let [subject, text, html] = message(*kind, *language, "Ann");
                    assert!(subject.contains("Bean & There") && !subject.contains('\n'), "{subject}");
                    assert!(text.contains(" Ann,") && html.contains(" Ann,"));
                    assert!(text.contains("https://project.example/x?token=t"), "{text}");
                    assert!(
                        html.contains("Bean &amp; There") && html.contains(&format!("lang=\"{}\"", language.as_str()))
                    );
                    assert!(!text.contains("{{") && !text.contains("{%") && !text.contains("\n\n\n"), "{text}");
                    subject
                })
                .collect();
            subjects.dedup();
            assert_eq!(subjects.len(), Language::ALL.len(), "each language has words of its own");
        }
    }

    #[test]
    fn a_name_cannot_bring_markup_or_templates_into_the_email() {
        let [_, text, html] = message(MessageKind::VerifyEmail, Language::En, "<b>{{ link }}'&");
        assert!(text.contains("Hello <b>{{ link }}'&,"));
        assert!(html.contains("&lt;b&gt;{{ link }}&#x27;&amp;,") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn a_moment_is_written_to_the_minute() {
        assert_eq!(moment(Timestamp(1_795_420_859)), "2026-11-23 08:00 UTC");
    }
}
