//! The events of Amazon SES (SES Developer Guide, "Contents of event data that Amazon SES publishes"), as far as they are used here.

use serde::Deserialize;
use user_core::email::Email;

#[derive(Deserialize)]
pub(crate) struct Envelope {
    pub(crate) detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detail {
    event_type: String,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    pub(crate) mail: Mail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complaint_feedback_type: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Mail {
    /// The recipients; each of our emails has one. The recipient in the bounce itself is the `Final-Recipient` of the remote server's
    /// report, which is another address if the mailbox forwards.
    destination: Vec<String>,
    #[serde(default)]
    tags: Tags,
}

/// The tags that the mailer set.
#[derive(Default, Deserialize)]
struct Tags {
    #[serde(default, rename = "letter")]
    message: Vec<String>,
}

impl Mail {
    /// The recipients, without those that are no addresses.
    pub(crate) fn recipients(&self) -> impl Iterator<Item = Email> {
        self.destination.iter().filter_map(|recipient| Email::known(bare(recipient)).ok())
    }

    /// The message of the email; `None` if it is not ours.
    pub(crate) fn message_id(&self) -> Option<&str> {
        self.tags.message.first().map(String::as_str)
    }
}

/// The address of a recipient, which may have a name and angle brackets (RFC 5322, 3.4).
fn bare(recipient: &str) -> &str {
    let recipient = recipient.trim();
    let bracketed = recipient.strip_suffix('>').and_then(|recipient| recipient.rsplit_once('<'));
    bracketed.map_or(recipient, |(_, address)| address)
}

/// What an event says about an email.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// For example `bounce-permanent-general`.
    pub(crate) code: String,
    pub(crate) is_complaint: bool,
    /// Whether the mailbox gets no more emails.
    pub(crate) condemns: bool,
}

impl Detail {
    /// The news in the event; `None` for events that are not about delivery.
    pub(crate) fn news(&self) -> Option<Report> {
        let word = |text: &str| text.to_ascii_lowercase().replace(' ', "-");
        match (self.event_type.as_str(), &self.bounce, &self.complaint) {
            ("Bounce", Some(bounce), _) => Some(Report {
                code: format!("bounce-{}-{}", word(&bounce.bounce_type), word(&bounce.bounce_sub_type)),
                is_complaint: false,
                // Other bounces are temporary: a full mailbox, a server that was down for a long time.
                condemns: bounce.bounce_type == "Permanent",
            }),
            ("Complaint", _, Some(complaint)) => {
                let kind = complaint.complaint_feedback_type.as_deref().map_or("unknown".to_owned(), word);
                // A reader who moves an email out of the spam folder causes a report, too (RFC 5965, 7.3).
                (kind != "not-spam").then(|| Report {
                    code: format!("complaint-{kind}"),
                    is_complaint: true,
                    condemns: true,
                })
            }
            ("Reject", ..) => Some(Report { code: "reject".to_owned(), is_complaint: false, condemns: false }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(event: serde_json::Value) -> Option<(String, bool)> {
        let mut event = event;
        event["mail"] = serde_json::json!({ "destination": ["ann@example.com"] });
        let detail: Detail = serde_json::from_value(event).unwrap();
        detail.news().map(|report| (report.code, report.condemns))
    }

    #[test]
    fn a_recipient_is_its_mailbox_in_whatever_form_it_is_reported() {
        for recipient in [
            "Ann@b\u{fc}cher.example",
            "Ann@xn--bcher-kva.example",
            " <Ann@XN--Bcher-KVA.Example> ",
            "Ann Bean <Ann@xn--bcher-kva.example>",
            "\"Bean, <Ann>\" <Ann@xn--bcher-kva.example>",
        ] {
            let mail: Mail =
                serde_json::from_value(serde_json::json!({ "destination": ["nobody", recipient] })).unwrap();
            let mailboxes: Vec<_> = mail.recipients().map(|email| email.mailbox().as_str().to_owned()).collect();
            assert_eq!(mailboxes, ["Ann@xn--bcher-kva.example"], "{recipient}");
        }
    }

    #[test]
    fn what_passes_does_not_condemn_an_address() {
        let bounce = |of: &str| serde_json::json!({ "eventType": "Bounce", "bounce": { "bounceType": of, "bounceSubType": "MailboxFull" } });
        assert_eq!(news(bounce("Transient")), Some(("bounce-transient-mailboxfull".to_owned(), false)));
        assert_eq!(news(bounce("Permanent")), Some(("bounce-permanent-mailboxfull".to_owned(), true)));
        let complaint =
            |of: &str| serde_json::json!({ "eventType": "Complaint", "complaint": { "complaintFeedbackType": of } });
        assert_eq!(news(complaint("abuse")), Some(("complaint-abuse".to_owned(), true)));
        assert_eq!(news(complaint("not-spam")), None);
        assert_eq!(news(serde_json::json!({ "eventType": "Delivery" })), None);
    }
}
