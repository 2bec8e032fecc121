//! Amazon SES, API version 2.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::ProvideErrorMetadata;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use aws_types::SdkConfig;
use user_config::Config;
use user_core::error::Error;

use crate::{Mail, Refusal};

/// The code of a refusal that no later attempt changes (`SendEmail`, "Errors"). `MessageRejected` is not one: an identity that is no
/// longer verified also causes it, and an operator can correct that.
const PERMANENT: &str = "BadRequestException";

/// SES with our sender and configuration set.
#[derive(Clone)]
pub struct Ses {
    client: Client,
    from: String,
    configuration_set: String,
}

impl Ses {
    pub(crate) fn new(config: &Config, sdk: &SdkConfig) -> Self {
        Self {
            client: Client::new(sdk),
            from: sender(&config.emails_from_name, config.emails_from_email.mailbox().as_str()),
            configuration_set: config.ses_configuration_set.clone(),
        }
    }

    pub(crate) async fn send(&self, mail: &Mail) -> Result<String, Refusal> {
        let message = self.message(mail).map_err(|_| Refusal { code: "ses-message".to_owned(), is_permanent: true })?;
        let send = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(mail.to.mailbox().as_str()).build())
            .configuration_set_name(&self.configuration_set)
            // The events that SES reports later carry these.
            .set_email_tags(Some([("letter", &mail.id), ("kind", &mail.kind)].into_iter().filter_map(tag).collect()))
            .content(EmailContent::builder().simple(message).build());
        let sent = send.send().await.map_err(|error| {
            let code = error.code().unwrap_or("no-answer");
            Refusal { code: format!("ses-{code}"), is_permanent: code == PERMANENT }
        })?;
        Ok(sent.message_id.unwrap_or_default())
    }

    fn message(&self, mail: &Mail) -> Result<Message, Error> {
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build().map_err(Error::internal);
        let body = Body::builder().text(content(&mail.text)?).html(content(&mail.html)?).build();
        Ok(Message::builder().subject(content(&mail.subject)?).body(body).build())
    }

    /// Checks that the account may send, and that its daily quota is not used up.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        let account = self.client.get_account().send().await;
        let account =
            account.map_err(|error| Error::internal(format!("SES: {}", error.code().unwrap_or("no answer"))))?;
        let used_up = account.send_quota().is_some_and(|quota| {
            quota.max24_hour_send() >= 0.0 && quota.sent_last24_hours() >= quota.max24_hour_send()
        });
        match (account.sending_enabled(), used_up) {
            (true, false) => Ok(()),
            (false, _) => Err(Error::internal("SES has paused sending for this account")),
            (true, true) => Err(Error::internal("the quota of SES is used up for the day")),
        }
    }
}

fn tag((name, value): (&str, &String)) -> Option<MessageTag> {
    MessageTag::builder().name(name).value(value).build().ok()
}

/// The most bytes of an encoded word (RFC 2047, 2) without its delimiters.
const WORD_BYTES: usize = 75 - "=?UTF-8?Q??=".len();

/// `"Name" <address>` (RFC 5322, 3.4) with a quoted name. A name outside ASCII is in encoded words (RFC 2047, 4.2), none of which splits a
/// character.
fn sender(name: &str, address: &str) -> String {
    if name.is_ascii() {
        let quoted: String = name.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
        return format!("\"{quoted}\" <{address}>");
    }
    let mut words: Vec<String> = Vec::new();
    for c in name.chars().filter(|c| !c.is_control()) {
        let hex: String = c.to_string().bytes().map(|byte| format!("={byte:02X}")).collect();
        match words.last_mut() {
            Some(word) if word.len() + hex.len() <= WORD_BYTES => word.push_str(&hex),
            _ => words.push(hex),
        }
    }
    let words: Vec<_> = words.iter().map(|word| format!("=?UTF-8?Q?{word}?=")).collect();
    format!("{} <{address}>", words.join(" "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_senders_name_cannot_break_out_of_its_quotes() {
        assert_eq!(super::sender("A \"B\"\r\n\\C", "a@example.com"), "\"A BC\" <a@example.com>");
    }

    #[test]
    fn a_senders_name_in_any_script_goes_in_encoded_words() {
        assert_eq!(super::sender("Ö k", "a@example.com"), "=?UTF-8?Q?=C3=96=20=6B?= <a@example.com>");
        let longest = super::sender(&"\u{1f44d}".repeat(32), &format!("{}@example.com", "a".repeat(64)));
        let words: Vec<_> = longest.split(' ').filter(|word| word.starts_with("=?")).collect();
        assert!(words.len() > 6 && words.iter().all(|word| word.len() <= 75 && word.ends_with("?=")), "{longest}");
        assert_eq!(longest.matches("=F0=9F=91=8D").count(), 32, "no character is cut in two");
        assert!(longest.len() < 998);
    }
}
