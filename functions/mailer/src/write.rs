//! The words of a letter, in text and HTML, with the link that carries its token.

use user_core::app::App;
use user_core::error::Error;
use user_core::letter::{Kind, Letter};
use user_core::token;
use user_core::user::User;

use crate::backend::Mail;

/// The letter to `user` as a mail. Its token is signed here and is stored nowhere.
pub(crate) fn mail(app: &App, letter: &Letter, user: &User) -> Result<Mail, Error> {
    let now = app.clock.now();
    let (kind, path, end) = match letter.kind {
        Kind::VerifyEmail => {
            let end = user
                .expires_at
                .unwrap_or_else(|| now.plus(app.config.unverified_user_ttl_seconds));
            (token::Kind::Verify, "verify-email", end)
        }
    };
    let token = app.tokens.ticket(kind, &user.id, &letter.ticket, now, end)?;
    let link = format!("{}/{path}?token={token}", app.config.frontend_url);
    let shop = &app.config.project_name;
    let name = user
        .first_name
        .as_deref()
        .map_or(String::new(), |name| format!(" {name}"));
    let subject = format!("Verify your address for {shop}");
    let text = format!(
        "Hello{name},\n\nwelcome to {shop}. Please open this link to verify your address:\n\n{link}\n\n\
         The link is good until {end} and works once. If you did not sign up, ignore this letter: without\n\
         verification the account is removed by itself.\n\n{shop}\n"
    );
    let html = HTML
        .replace("{shop}", &escape(shop))
        .replace("{name}", &escape(&name))
        .replace("{link}", &escape(&link))
        .replace("{end}", &end.to_string());
    Ok(Mail {
        id: letter.id.to_string(),
        to: user.email.clone(),
        kind: letter.kind.as_str().to_owned(),
        subject,
        text,
        html,
        link,
        token,
        sent_at: now.to_string(),
    })
}

const HTML: &str = include_str!("verify_email.html");

/// Text as HTML; braces too, so that no value can name another one's place in the page.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' | '{' | '}' => escaped.push_str(&format!("&#{};", u32::from(c))),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_bring_markup_or_placeholders_into_the_letter() {
        assert_eq!(escape("<b>{link}'&"), "&#60;b&#62;&#123;link&#125;&#39;&#38;");
    }

    #[test]
    fn the_page_names_only_places_that_are_filled() {
        let filled = ["{shop}", "{name}", "{link}", "{end}"]
            .iter()
            .fold(HTML.to_owned(), |page, place| page.replace(place, ""));
        assert!(!filled.contains('{'), "{filled}");
    }
}
