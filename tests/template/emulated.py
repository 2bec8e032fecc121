"""Resource types that moto's CloudFormation has no model of. If moto has the type's service, the resource is created with that service's
own call, as CloudFormation does; for the others only the used names are recorded."""

import contextlib
import json
import secrets
from functools import cache

import boto3
from moto.cloudformation import models, parsing
from moto.core.common_models import CloudFormationModel

from rules.names import at, identity
from transform import ROOT  # noqa: F401 (sets the region that boto3 requires)

# moto registers each model under the service in its module's name.
MODULE = "moto.cloudformation.emulated"
TAKEN = {}
# Templates are JSON, which moto would parse as YAML: that takes a second for each.
models.Stack.parse_template = staticmethod(json.loads)


@cache
def call(service, region):
    return boto3.client(service, region_name=region)


class Emulated(CloudFormationModel):
    """A resource of a type that moto's CloudFormation has no model of."""

    __module__ = MODULE
    kind = ""

    def __init__(self, name, properties, region):
        self.physical_resource_id, self.properties, self.region = name, properties, region
        self.key = (self.kind, region, *(str(at(properties, path) or name) for path in identity(self.kind) or [""]))
        if self.key in TAKEN:
            raise ValueError(f"{self.kind} {' '.join(self.key[2:])} exists already")
        self.make(call, region)
        TAKEN[self.key] = self

    def make(self, client, region):
        """Creates it with its service's own call, if moto has the service."""

    def end(self, client, region):
        """Deletes it with its service's own call."""

    def delete(self, _account, region):
        self.end(call, region)
        TAKEN.pop(self.key)

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        return cls(resource_name, cloudformation_json["Properties"], region_name)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        original_resource.delete(account_id, region_name)
        return cls(original_resource.physical_resource_id, cloudformation_json["Properties"], region_name)

    @classmethod
    def delete_from_cloudformation_json(cls, *_):
        raise NotImplementedError

    @classmethod
    def has_cfn_attr(cls, _):
        return True

    def get_cfn_attribute(self, attribute):
        return f"{self.physical_resource_id}.{attribute}"

    def is_created(self):
        return True


class Schedule(Emulated):
    __module__ = MODULE
    kind = "AWS::Scheduler::Schedule"

    def make(self, client, region):
        self.physical_resource_id = self.properties.get("Name", self.physical_resource_id)[-64:]
        client("scheduler", region).create_schedule(**{**self.properties, "Name": self.physical_resource_id})

    def end(self, client, region):
        client("scheduler", region).delete_schedule(Name=self.physical_resource_id)


class Secret(Emulated):
    __module__ = MODULE
    kind = "AWS::SecretsManager::Secret"

    def make(self, client, region):
        value, generated = self.properties.get("SecretString", ""), self.properties.get("GenerateSecretString")
        if generated:
            fields = json.loads(generated["SecretStringTemplate"])
            value = json.dumps({**fields, generated["GenerateStringKey"]: secrets.token_hex(generated["PasswordLength"] // 2)})
        name = self.properties.get("Name", self.physical_resource_id)
        made = client("secretsmanager", region).create_secret(Name=name, SecretString=value or "{}")
        self.physical_resource_id = made["ARN"]

    def end(self, client, region):
        client("secretsmanager", region).delete_secret(SecretId=self.physical_resource_id, ForceDeleteWithoutRecovery=True)


class Alarm(Emulated):
    __module__ = MODULE
    kind = "AWS::CloudWatch::Alarm"

    def make(self, client, region):
        self.physical_resource_id = self.properties.get("AlarmName", self.physical_resource_id)
        client("cloudwatch", region).put_metric_alarm(**{**self.properties, "AlarmName": self.physical_resource_id})

    def end(self, client, region):
        client("cloudwatch", region).delete_alarms(AlarmNames=[self.physical_resource_id])

    def get_cfn_attribute(self, attribute):
        return f"arn:aws:cloudwatch:{self.region}:123456789012:alarm:{self.physical_resource_id}"


class LogGroup(Emulated):
    """Replaces moto's model, which does not support updates."""

    __module__ = MODULE
    kind = "AWS::Logs::LogGroup"

    def make(self, client, region):
        self.physical_resource_id = self.properties.get("LogGroupName", self.physical_resource_id)
        logs = client("logs", region)
        logs.create_log_group(logGroupName=self.physical_resource_id)
        if "RetentionInDays" in self.properties:
            logs.put_retention_policy(logGroupName=self.physical_resource_id, retentionInDays=int(self.properties["RetentionInDays"]))

    def end(self, client, region):
        client("logs", region).delete_log_group(logGroupName=self.physical_resource_id)

    def get_cfn_attribute(self, attribute):
        return f"arn:aws:logs:{self.region}:123456789012:log-group:{self.physical_resource_id}:*"


class Version(Emulated):
    """Replaces moto's model, which does not return its number."""

    __module__ = MODULE
    kind = "AWS::Lambda::Version"

    def make(self, client, region):
        made = client("lambda", region).publish_version(FunctionName=self.properties["FunctionName"])
        self.physical_resource_id, self.number = made["FunctionArn"], made["Version"]

    def get_cfn_attribute(self, attribute):
        return self.number


class Alias(Emulated):
    __module__ = MODULE
    kind = "AWS::Lambda::Alias"

    def make(self, client, region):
        made = client("lambda", region).create_alias(**self.properties)
        self.physical_resource_id = made["AliasArn"]

    def end(self, client, region):
        functions = client("lambda", region)
        with contextlib.suppress(functions.exceptions.ResourceNotFoundException):  # It is deleted with its function.
            functions.delete_alias(FunctionName=self.properties["FunctionName"], Name=self.properties["Name"])


OWN = {each.kind: each for each in Emulated.__subclasses__()}


def support(kinds):
    """Adds those of these types that moto lacks, and returns the types that are only names."""
    lacking = sorted(set(kinds) - {each.cloudformation_type() for each in CloudFormationModel.__subclasses__()})
    for kind in {*lacking, *OWN}:
        base = OWN.get(kind, Emulated)
        names = {"__module__": MODULE, "kind": kind, "cloudformation_type": staticmethod(lambda kind=kind: kind)}
        parsing.get_model_map()[kind] = type("Emulated", (base,), {**names, "cloudformation_name_type": staticmethod(lambda: "")})
    return [kind for kind in lacking if kind not in OWN]
