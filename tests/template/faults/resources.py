"""Faults of policies, data, queues and schedules."""

from faults import add, fault, first


@fault("no policy of a resource is for everybody")
def public_queue(deployment):
    document = first(deployment, "AWS::SQS::QueuePolicy")["PolicyDocument"]
    document["Statement"] = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}


@fault("a service acts for this account's resources alone")
def confused_deputy(deployment):
    first(deployment, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"][0].pop("Condition", None)


@fault("whoever may invoke a function is named")
def any_api(deployment):
    permission = first(deployment, "AWS::Lambda::Permission", lambda p: "SourceArn" in p)
    del permission["SourceArn"]
    permission.pop("SourceAccount", None)


@fault("no function has an address of its own")
def url(deployment):
    add(deployment, "AWS::Lambda::Url", {"AuthType": "NONE", "TargetFunctionArn": "x"})


@fault("data at rest is encrypted")
def plain_table(deployment):
    first(deployment, "AWS::DynamoDB::Table").pop("SSESpecification", None)


@fault("data at rest is encrypted")
def plain_queue(deployment):
    add(deployment, "AWS::SQS::Queue", {})


@fault("a key of one's own encrypts tables, secrets, log groups and queues", "smtp")
def log_with_a_key_of_aws(deployment):
    deployment.outcome["Resources"]["AccessLogs"]["Properties"].pop("KmsKeyId", None)


@fault("the table of record outlives its stack")
def table_that_goes(deployment):
    deployment.outcome["Resources"]["UsersTable"]["DeletionPolicy"] = "Delete"


@fault("whatever holds data says what becomes of it")
def says_nothing(deployment):
    deployment.outcome["Resources"]["EphemeralTable"].pop("DeletionPolicy", None)


@fault("a batch of a stream or queue that fails goes somewhere")
def lost_batch(deployment):
    first(deployment, "AWS::Lambda::EventSourceMapping").pop("DestinationConfig", None)


@fault("a batch of a stream or queue that fails goes somewhere")
def for_ever(deployment):
    first(deployment, "AWS::Lambda::EventSourceMapping").pop("MaximumRetryAttempts", None)


@fault("an event or a schedule that is not taken goes somewhere")
def lost_schedule(deployment):
    first(deployment, "AWS::Scheduler::Schedule", lambda p: "DeadLetterConfig" in p["Target"])["Target"].pop("DeadLetterConfig")


@fault("an event or a schedule that is not taken goes somewhere")
def lost_event(deployment):
    first(deployment, "AWS::Events::Rule")["Targets"][0].pop("DeadLetterConfig", None)


@fault("a function that fails without a caller is told of, or is not tried again")
def dropped(deployment):
    first(deployment, "AWS::Lambda::EventInvokeConfig").update(DestinationConfig={}, MaximumRetryAttempts=2)


@fault("the dead-letter queue keeps what it gets as long as it can")
def four_days(deployment):
    first(deployment, "AWS::SQS::Queue").pop("MessageRetentionPeriod", None)
