//! What Lambda itself does on behalf of a function, without a call in our code. It follows from the template: a function that configures it
//! must have the permission, for the resource in its configuration, and no other function may.

use std::collections::BTreeSet;

use local::role::Permission;
use template::{Destinations, Event, Function, Template};

/// An activity of Lambda.
struct Chore {
    actions: &'static [&'static str],
    /// Actions without a resource.
    anywhere: &'static [&'static str],
    /// The AWS page that lists the permissions; read it for every new chore.
    source: &'static str,
    /// The service that encrypts the data, and the actions that this needs.
    sealed: Option<(&'static str, &'static [&'static str])>,
}

/// Writing the log to an existing log group.
const LOG: Chore = Chore {
    actions: &["logs:CreateLogStream", "logs:PutLogEvents"],
    anywhere: &[],
    source: "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
    sealed: None,
};

/// Reading a stream of a table.
const STREAM: Chore = Chore {
    actions: &["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
    anywhere: &["dynamodb:ListStreams"],
    source: "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaDynamoDBExecutionRole.html",
    sealed: Some(("dynamodb", &["kms:Decrypt"])),
};

/// Sending given-up events to a queue.
const QUEUE: Chore = Chore {
    actions: &["sqs:SendMessage"],
    anywhere: &[],
    source: "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
    sealed: Some(("sqs", &["kms:Decrypt", "kms:GenerateDataKey"])),
};

/// Sending traces.
const TRACE: Chore = Chore {
    actions: &[],
    anywhere: &["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    source: "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
    sealed: None,
};

impl Chore {
    fn on(&self, resource: &str, key: Option<&str>) -> Vec<Permission> {
        assert!(self.source.starts_with("https://docs.aws.amazon.com/"), "{:?} is a guess", self.actions);
        let named = self.actions.iter().map(|action| Permission::new(action, resource));
        let anywhere = self.anywhere.iter().map(|action| Permission::new(action, "*"));
        let sealed = self.sealed.zip(key).into_iter().flat_map(|((service, actions), key)| {
            let by = format!("{service}.local.amazonaws.com");
            actions.iter().map(move |action| Permission::new(action, key).with(&by))
        });
        named.chain(anywhere).chain(sealed).collect()
    }
}

/// The permissions that Lambda needs in a function's role; `key` is the customer-managed key.
pub(super) fn permissions(template: &Template, function: &Function, key: Option<&str>) -> BTreeSet<Permission> {
    let queue = |destinations: &Destinations| QUEUE.on(&destinations.on_failure.destination, key);
    let mut needed = BTreeSet::new();
    let group = function.logging_config.as_ref().and_then(|log| log.log_group.as_ref());
    let log = group.map(|group| LOG.on(&format!("{group}.Arn"), key));
    needed.extend(log.into_iter().flatten());
    for event in function.events.values() {
        if let Event::DynamoDB(mapping) = event {
            needed.extend(STREAM.on(&mapping.stream, key));
            needed.extend(queue(&mapping.destination_config));
        }
    }
    let invoke = function.event_invoke_config.as_ref().and_then(|config| config.destination_config.as_ref());
    needed.extend(invoke.into_iter().flat_map(queue));
    if template.is_traced(function) {
        needed.extend(TRACE.on("*", key));
    }
    needed
}

#[test]
fn what_lambda_does_for_a_function_is_found_in_the_template() {
    let template = Template::evaluate(|_| None).unwrap();
    let of = |id: &str| {
        let (.., function) = template.functions().find(|(other, ..)| *other == id).unwrap();
        permissions(&template, function, None)
    };
    let actions = |id: &str| of(id).into_iter().map(|permission| permission.action).collect::<Vec<_>>();
    let log = ["logs:CreateLogStream", "logs:PutLogEvents"];
    assert_eq!(actions("DocsFunction"), log);
    assert_eq!(actions("CleanupFunction"), [&log[..], &["sqs:SendMessage"]].concat());
    let stream =
        ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];
    assert_eq!(actions("MailerFunction"), [&stream[..], &log, &["sqs:SendMessage"]].concat());
    assert!(of("MailerFunction").contains(&Permission::new("dynamodb:GetRecords", "OutboxTable.StreamArn")));
}
