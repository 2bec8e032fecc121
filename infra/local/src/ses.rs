//! Amazon SES, API version 2, for the calls of the functions. Emails go to the inbox; addresses of SES's mailbox simulator report the same
//! events as on AWS (SES Developer Guide, "Using the mailbox simulator").

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use transport::{Mail, Printer};
use user_core::clock::Clock;
use user_core::email::Email;

/// The service, for one account.
pub struct Ses {
    deliver: Printer,
    clock: Clock,
    paused: AtomicBool,
    reports: Mutex<Vec<Value>>,
}

impl Ses {
    /// An account that may send; `deliver` receives its emails.
    #[must_use]
    pub fn new(deliver: Printer, clock: Clock) -> Arc<Self> {
        Arc::new(Self { deliver, clock, paused: AtomicBool::new(false), reports: Mutex::default() })
    }

    /// Pauses or resumes the account's sending. AWS pauses an account whose emails bounce too often.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
    }

    /// The events since the last call.
    #[must_use]
    pub fn take_reports(&self) -> Vec<Value> {
        std::mem::take(&mut self.reports.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn answer(&self, operation: &str, body: &[u8]) -> (u16, String) {
        let paused = self.paused.load(Ordering::SeqCst);
        let answer = match operation {
            "GetAccount" => {
                let quota = json!({ "Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0 });
                Ok(json!({ "SendingEnabled": !paused, "ProductionAccessEnabled": true, "SendQuota": quota }))
            }
            "SendEmail" if paused => Err("SendingPausedException"),
            "SendEmail" => self.send(&serde_json::from_slice(body).unwrap_or_default()).ok_or("BadRequestException"),
            _ => Err("NotFoundException"),
        };
        match answer {
            Ok(answer) => (200, answer.to_string()),
            Err(code) => (400, json!({ "__type": code, "message": "" }).to_string()),
        }
    }

    fn send(&self, request: &Value) -> Option<Value> {
        let tag = |name: &str| {
            let tags = request["EmailTags"].as_array().into_iter().flatten();
            tags.filter(|tag| tag["Name"] == name).find_map(|tag| tag["Value"].as_str()).unwrap_or_default().to_owned()
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if ["letter", "kind"].iter().any(|name| !tag(name).bytes().all(plain)) {
            return None;
        }
        // SES has no SMTPUTF8 (API reference, `Destination`): addresses are ASCII, domains as A-labels.
        let to = request["Destination"]["ToAddresses"][0].as_str()?;
        if ![Some(to), request["FromEmailAddress"].as_str()].iter().all(|text| text.is_some_and(str::is_ascii)) {
            return None;
        }
        let text = |value: &Value| value["Data"].as_str().map(str::to_owned);
        let simple = &request["Content"]["Simple"];
        let mail = Mail {
            id: tag("letter"),
            to: Email::known(to).ok()?,
            kind: tag("kind"),
            subject: text(&simple["Subject"])?,
            text: text(&simple["Body"]["Text"])?,
            html: text(&simple["Body"]["Html"])?,
            sent_at: self.clock.now().to_string(),
        };
        (self.deliver)(&mail).ok()?;
        let message_id = format!("ses-{}", mail.id);
        if let Some(report) = report(&mail, &message_id, &request["ConfigurationSetName"]) {
            self.reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        }
        Some(json!({ "MessageId": message_id }))
    }
}

/// The event for an email to the mailbox simulator; such an address may have a label, as in `bounce+ann@...`.
fn report(mail: &Mail, message_id: &str, configuration_set: &Value) -> Option<Value> {
    let (local, domain) = mail.to.as_str().split_once('@')?;
    let name = local.split('+').next().filter(|_| domain == "simulator.amazonses.com")?;
    let address = mail.to.as_str();
    let (detail_type, mut detail) = match name {
        "bounce" => {
            let bounced = json!([{ "emailAddress": address, "action": "failed", "status": "5.1.1" }]);
            let bounce = json!({ "bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": bounced });
            ("Email Bounced", json!({ "eventType": "Bounce", "bounce": bounce }))
        }
        "complaint" => {
            let complained = json!([{ "emailAddress": address }]);
            let complaint = json!({ "complainedRecipients": complained, "complaintFeedbackType": "abuse" });
            ("Email Complaint Received", json!({ "eventType": "Complaint", "complaint": complaint }))
        }
        _ => return None,
    };
    let tags = json!({ "ses:configuration-set": [configuration_set], "letter": [mail.id], "kind": [mail.kind] });
    detail["mail"] = json!({ "messageId": message_id, "destination": [address], "tags": tags });
    Some(json!({ "version": "0", "source": "aws.ses", "detail-type": detail_type, "detail": detail }))
}
