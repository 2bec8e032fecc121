"""Asynchronous events are not lost silently."""

from evaluate import symbols
from rules import rule

# Schedules whose next run does the work of a failed one.
REPEATS = {"rate(1 minute)"}


def asynchronous(deployment):
    """The functions that are invoked asynchronously, each with its invoker."""
    functions = {name for name, _ in deployment.stack.of_type("AWS::Lambda::Function")}
    for name, schedule in deployment.stack.of_type("AWS::Scheduler::Schedule"):
        for symbol in symbols(schedule["Target"]["Arn"]):
            yield target(symbol, functions), name
    for name, event in deployment.stack.of_type("AWS::Events::Rule"):
        for each in event.get("Targets", []):
            for symbol in symbols(each["Arn"]):
                yield target(symbol, functions), name
    for name, subscription in deployment.stack.of_type("AWS::SNS::Subscription"):
        if subscription.get("Protocol") == "lambda":
            for symbol in symbols(subscription["Endpoint"]):
                yield target(symbol, functions), name


def target(symbol, functions):
    """The function of an alias, whose logical name the translator makes of the function's and the alias' names."""
    return next((name for name in functions if symbol == name or symbol.startswith(f"{name}Alias")), symbol)


@rule("a batch of a stream or queue that fails goes somewhere")
def streams(deployment):
    for name, mapping in deployment.stack.of_type("AWS::Lambda::EventSourceMapping"):
        if not mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
            yield f"{name} has no destination on failure"
        if int(mapping.get("MaximumRetryAttempts", -1)) < 0:
            yield f"{name} is tried for ever, and holds its shard up"
        if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
            yield f"{name} repeats a whole batch for one of it"


@rule("an event or a schedule that is not taken goes somewhere")
def messages(deployment):
    for name, schedule in deployment.stack.of_type("AWS::Scheduler::Schedule"):
        aim = schedule["Target"]
        repeats = schedule["ScheduleExpression"] in REPEATS and aim.get("RetryPolicy", {}).get("MaximumRetryAttempts") == 0
        if not repeats and not aim.get("DeadLetterConfig", {}).get("Arn"):
            yield f"{name} has no dead-letter queue"
    for name, event in deployment.stack.of_type("AWS::Events::Rule"):
        for aim in event.get("Targets", []):
            if not aim.get("DeadLetterConfig", {}).get("Arn"):
                yield f"{name} has no dead-letter queue"


@rule("a function that fails without a caller is told of, or is not tried again")
def failures(deployment):
    configured = {}
    for _, config in deployment.stack.of_type("AWS::Lambda::EventInvokeConfig"):
        for symbol in symbols(config["FunctionName"]):
            configured[symbol] = config
    for function, cause in sorted(set(asynchronous(deployment))):
        config = configured.get(function, {})
        told = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if not told and config.get("MaximumRetryAttempts") != 0:
            yield f"{function}, which {cause} invokes: Lambda repeats it twice and then drops it"
        wanted = {name for name, alias in deployment.stack.of_type("AWS::Lambda::Alias") if function in symbols(alias["FunctionName"])}
        if config and wanted and config.get("Qualifier") == "$LATEST":
            yield f"{function}: what is said of failures is about $LATEST, and {cause} invokes its alias"


@rule("the dead-letter queue keeps what it gets as long as it can")
def kept(deployment):
    for name, queue in deployment.stack.of_type("AWS::SQS::Queue"):
        if int(queue.get("MessageRetentionPeriod", 0)) < 1_209_600:
            yield f"{name}: {queue.get('MessageRetentionPeriod')} seconds"
