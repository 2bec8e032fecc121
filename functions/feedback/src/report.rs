//! The events of Amazon SES (SES Developer Guide, "Contents of event data that Amazon SES publishes"), as far as they matter here.

use serde::Deserialize;

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
    /// To whom it went; each of our mails goes to one.
    pub(crate) destination: Vec<String>,
    #[serde(default)]
    tags: Tags,
}

/// What the mailer gave the mail along.
#[derive(Default, Deserialize)]
struct Tags {
    #[serde(default)]
    letter: Vec<String>,
}

impl Mail {
    /// The letter that the mail is; none when it is not ours.
    pub(crate) fn letter_id(&self) -> Option<&str> {
        self.tags.letter.first().map(String::as_str)
    }
}

/// What an event says of a letter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Such as `bounce-permanent-general`.
    pub(crate) code: String,
    pub(crate) is_complaint: bool,
    /// Whether the address is to get no more letters.
    pub(crate) condemns: bool,
}

impl Detail {
    /// What is new; none for events that say nothing of delivery.
    pub(crate) fn news(&self) -> Option<Report> {
        let word = |text: &str| text.to_ascii_lowercase().replace(' ', "-");
        match (self.event_type.as_str(), &self.bounce, &self.complaint) {
            ("Bounce", Some(bounce), _) => Some(Report {
                code: format!("bounce-{}-{}", word(&bounce.bounce_type), word(&bounce.bounce_sub_type)),
                is_complaint: false,
                // The others pass: a full mailbox, a server that was away for long.
                condemns: bounce.bounce_type == "Permanent",
            }),
            ("Complaint", _, Some(complaint)) => {
                let kind = complaint.complaint_feedback_type.as_deref().map_or("unknown".to_owned(), word);
                // A reader who takes a mail out of the spam folder reports it, too (RFC 5965, 7.3).
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
