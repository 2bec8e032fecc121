//! The words of a letter, in text and HTML, with the link that carries its token.

use user_core::app::App;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::letter::{Kind, Letter};
use user_core::token;
use user_core::user::{AddressTicket, User};

use crate::backend::Mail;

/// How long the link of a reset letter is good, in seconds.
const RESET_SECONDS: i64 = 30 * 60;

/// What a letter says. `{shop}` stands for the shop's name, `{end}` for the end of its link.
struct Words {
    subject: &'static str,
    lead: &'static str,
    /// What the button says.
    button: &'static str,
    note: &'static str,
}

fn words(kind: Kind) -> Words {
    match kind {
        Kind::VerifyEmail => Words {
            subject: "Verify your address for {shop}",
            lead: "Welcome to {shop}. One step is left: verify that this address is yours.",
            button: "Verify my address",
            note: "The link is good until {end} and works once. If you did not sign up, ignore this letter: \
                   without verification the account is removed by itself.",
        },
        Kind::ResetPassword => Words {
            subject: "Choose a new password for {shop}",
            lead: "Somebody asked for a new password for this address. If it was you, choose one here.",
            button: "Choose a new password",
            note: "The link is good until {end} and works once. If it was not you, ignore this letter: \
                   nothing has changed.",
        },
        Kind::AccountExists => Words {
            subject: "You have an account for {shop}",
            lead: "Somebody signed up with this address, which has an account already. If it was you, sign in, \
                   or choose a new password here.",
            button: "Choose a new password",
            note: "The link is good until {end} and works once. If it was not you, ignore this letter: \
                   nothing has changed.",
        },
        Kind::ConfirmEmail => Words {
            subject: "Confirm your new address for {shop}",
            lead: "This is to become the address of your account. Confirm that it is yours.",
            button: "Confirm my new address",
            note: "The link is good until {end} and works once. Until then you sign in with the old address. \
                   If it was not you, ignore this letter: nothing changes.",
        },
        Kind::EmailChange => Words {
            subject: "The address of your account for {shop} is about to change",
            lead: "Somebody signed in to your account wants to change its address to another one. If it was you, \
                   there is nothing to do.",
            button: "Take it back",
            note: "If it was not you, take the change back until {end}: your address stays, or becomes yours again, \
                   and all sessions are ended. Then choose a new password.",
        },
        Kind::PasswordChanged => Words {
            subject: "Your password for {shop} was changed",
            lead: "The password of your account has just been changed, and all other sessions were ended.",
            button: "",
            note: "If it was not you, choose a new password at once by way of \"forgot password\".",
        },
    }
}

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
    let (mut token, mut address, mut end) = (String::new(), String::new(), now);
    if let Some((kind, page, until)) = link(app, letter, user, now) {
        token = app.keyring().tokens.ticket(kind, &user.id, &letter.ticket, now, until)?;
        address = format!("{}/{page}?token={token}", app.config.frontend_url);
        end = until;
    }
    let shop = &app.config.project_name;
    let fill = |text: &str| text.replace("{end}", &end.to_string()).replace("{shop}", shop);
    let Words { subject, lead, button, note } = words(letter.kind);
    let name = user.first_name.as_deref().map_or(String::new(), |name| format!(" {name}"));
    let paragraphs = [format!("Hello{name},"), fill(lead), address.clone(), fill(note), shop.clone()];
    let text: Vec<_> = paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()).collect();
    let action = if address.is_empty() { String::new() } else { ACTION.replace("{button}", button) };
    let html = HTML
        .replace("{action}", &action)
        .replace("{lead}", &escape(&fill(lead)))
        .replace("{note}", &escape(&fill(note)))
        .replace("{shop}", &escape(shop))
        .replace("{name}", &escape(&name))
        .replace("{link}", &escape(&address));
    Ok(Mail {
        id: letter.id.to_string(),
        to: letter.user_id.as_ref().map_or(&user.email, |_| &letter.to).clone(),
        kind: letter.kind.as_str().to_owned(),
        subject: fill(subject),
        text: format!("{}\n", text.join("\n\n")),
        html,
        link: address,
        token,
        sent_at: now.to_string(),
    })
}

const HTML: &str = include_str!("letter.html");
const ACTION: &str = include_str!("letter_action.html");

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
        let places = ["{action}", "{lead}", "{note}", "{shop}", "{name}", "{link}", "{button}"];
        let filled = places.iter().fold(format!("{HTML}{ACTION}"), |page, place| page.replace(place, ""));
        assert!(!filled.contains('{'), "{filled}");
    }
}
