//! The words of a letter, in text and HTML, with the link that carries its token. The words are under `templates/`: a folder for each
//! language with a file for each kind of letter, and the layout beside them.

use std::sync::LazyLock;

use minijinja::{Environment, context};
use transport::Mail;
use user_core::app::App;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::letter::{Kind, Letter};
use user_core::token;
use user_core::user::{AddressTicket, User};

/// How long the link of a reset letter is good, in seconds.
const RESET_SECONDS: i64 = 30 * 60;

#[expect(clippy::expect_used, reason = "the macro checks each template as this is built; tests render them all")]
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    minijinja_embed::load_templates!(&mut templates);
    templates
});

/// The kind of token that a letter carries, the page that it leads to, and until when it is good.
fn link(app: &App, letter: &Letter, user: &User, now: Timestamp) -> Option<(token::Kind, &'static str, Timestamp)> {
    let end =
        |tickets: &[AddressTicket]| tickets.iter().find(|t| t.ticket == letter.ticket).map_or(now, |t| t.expires_at);
    match letter.kind {
        Kind::VerifyEmail => {
            let end = user.expires_at.unwrap_or_else(|| now.plus(app.config.unverified_user_ttl_seconds));
            Some((token::Kind::Verify, "verify-email", end))
        }
        Kind::ResetPassword | Kind::AccountExists => {
            Some((token::Kind::Reset, "reset-password", now.plus(RESET_SECONDS)))
        }
        Kind::ConfirmEmail => Some((token::Kind::ConfirmEmail, "confirm-email", end(user.email_change.as_slice()))),
        Kind::EmailChange => Some((token::Kind::RevertEmail, "revert-email", end(&user.reverts))),
        Kind::PasswordChanged => None,
    }
}

/// The letter to `user` as a mail. Its token is signed here and is stored nowhere.
pub(crate) fn mail(app: &App, letter: &Letter, user: &User) -> Result<Mail, Error> {
    let now = app.clock.now();
    let (mut address, mut end) = (String::new(), now);
    if let Some((kind, page, until)) = link(app, letter, user, now) {
        let token = app.keyring()?.tokens.ticket(kind, &user.id, &letter.ticket, now, until)?;
        address = format!("{}/{page}?token={token}", app.config.frontend_url);
        end = until;
    }
    let [subject, text, html] = render(letter.kind, user, &app.config.project_name, &address, end)?;
    Ok(Mail {
        id: letter.id.to_string(),
        to: letter.user_id.as_ref().map_or(&user.email, |_| &letter.to).clone(),
        kind: letter.kind.as_str().to_owned(),
        subject,
        text,
        html,
        sent_at: now.to_string(),
    })
}

/// Subject, text and HTML.
fn render(kind: Kind, user: &User, shop: &str, link: &str, end: Timestamp) -> Result<[String; 3], Error> {
    let language = user.language.as_str();
    let words = TEMPLATES.get_template(&format!("{language}/{}.txt", kind.as_str())).map_err(Error::internal)?;
    let scope = context! { shop, name => user.first_name.clone(), end => moment(end) };
    let mut words = words.render_captured(scope).map_err(Error::internal)?;
    let mut block = |name: &str| words.with_state_mut(|words| words.render_block(name)).map_err(Error::internal);
    let subject = block("subject")?;
    // The words are plain text; the layout escapes them where it is HTML.
    let letter = context! {
        language, shop, link,
        subject => subject.clone(),
        greeting => block("greeting")?,
        lead => block("lead")?,
        button => block("button")?,
        fallback => block("fallback")?,
        note => block("note")?,
    };
    let layout = |name: &str| TEMPLATES.get_template(name).and_then(|layout| layout.render(&letter));
    Ok([subject, layout("letter.txt").map_err(Error::internal)?, layout("letter.html").map_err(Error::internal)?])
}

/// A moment as readers of every language know it, to the minute.
fn moment(end: Timestamp) -> String {
    let text = end.to_string();
    text.get(..16).map_or_else(|| text.clone(), |minute| format!("{} UTC", minute.replace('T', " ")))
}

#[cfg(test)]
mod tests {
    use user_core::email::Email;
    use user_core::id::UserId;
    use user_core::language::Language;

    use super::*;

    fn letter(kind: Kind, language: Language, name: &str) -> [String; 3] {
        let email = Email::parse("ann@example.com").unwrap();
        let user = User::new(UserId::of("u"), email, Timestamp(0));
        let user = User { language, first_name: Some(name.to_owned()), ..user };
        render(kind, &user, "Bean & There", "https://shop.example/x?token=t", Timestamp(1_795_420_800)).unwrap()
    }

    #[test]
    fn every_kind_of_letter_says_everything_in_every_language() {
        for kind in Kind::ALL {
            let mut subjects: Vec<_> = Language::ALL
                .into_iter()
                .map(|language| {
                    let [subject, text, html] = letter(*kind, language, "Ann");
                    assert!(subject.contains("Bean & There") && !subject.contains('\n'), "{subject}");
                    assert!(text.contains(" Ann,") && html.contains(" Ann,"));
                    assert!(text.contains("https://shop.example/x?token=t"), "{text}");
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
    fn a_name_cannot_bring_markup_or_templates_into_the_letter() {
        let [_, text, html] = letter(Kind::VerifyEmail, Language::En, "<b>{{ link }}'&");
        assert!(text.contains("Hello <b>{{ link }}'&,"));
        assert!(html.contains("&lt;b&gt;{{ link }}&#x27;&amp;,") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn a_moment_is_written_to_the_minute() {
        assert_eq!(moment(Timestamp(1_795_420_859)), "2026-11-23 08:00 UTC");
    }
}
