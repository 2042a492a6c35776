"""The links at the places that tasks work on, and whether whoever deploys may work on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ropeway.aws.answers import asking
from ropeway.aws.run_command.packing import SHELL
from ropeway.aws.run_command.sending import SEND
from ropeway.aws.session import Aws
from ropeway.ec2.targets import Selection, resolve, tags
from ropeway.errors import AccessDenied, AwsError, TargetsMissing
from ropeway.outcome import counted, listing
from ropeway.s3.state.place import place_at
from ropeway.setup.doctor.account import ask, key_owner
from ropeway.setup.doctor.case import Case
from ropeway.setup.doctor.link import Found, Link, broken, holds, not_asked, unknown
from ropeway.setup.policy import Places, Wanted, prefix_for

ALLOWED, UNSAID = "allowed", "implicitDeny"
TRIED = "ropeway-doctor"
"""The last part of a key that permissions are asked for; nothing is written there."""
LOOKED_AT = 10
"""Instances that sending is asked for: the tags by which they are chosen are those of all."""
TAG_KEYS = ("ssm:resourceTag/", "aws:ResourceTag/", "ec2:ResourceTag/")
LOWER_TAG_KEYS = tuple(key.lower() for key in TAG_KEYS)
NARROWED = {
    "acm:DescribeCertificate",
    "autoscaling:EnterStandby",
    "autoscaling:ExitStandby",
    "autoscaling:ResumeProcesses",
    "autoscaling:SuspendProcesses",
    "cloudfront:CreateInvalidation",
    "cloudfront:GetDistribution",
    "cloudfront:GetInvalidation",
    "cloudwatch:DescribeAlarms",
    "elasticloadbalancing:DeregisterTargets",
    "elasticloadbalancing:ModifyTargetGroupAttributes",
    "elasticloadbalancing:RegisterTargets",
    "lambda:GetFunction",
    "lambda:GetFunctionConfiguration",
    "lambda:InvokeFunction",
    "route53:ChangeResourceRecordSets",
    "route53:GetChange",
    "route53:GetHostedZone",
    "route53:ListResourceRecordSets",
    SEND,
}
"""Actions that our policy allows on everything, and a narrower one on single resources (service authorization reference): `*` denied says nothing of these."""
AT_ONCE = 50
ELSEWHERE = 301
"""The status of an answer that names another region."""


# --- the bucket ---------------------------------------------------------------------------------------------------------------


def _bucket(case: Case) -> Found:
    name = case.asked.bucket_name
    if not name:
        return not_asked("No --bucket-name was given.")
    where = _region_of(case.aws, name)
    return holds(f"{name}, in {where}")


def _region_of(aws: Aws, bucket: str) -> str:
    """Raises BucketMissing, AccessDenied and other AwsErrors."""
    with asking(f"find the bucket {bucket}", action="s3:ListBucket", bucket=bucket, region=aws.region):
        try:
            told = aws.client("s3").head_bucket(Bucket=bucket)
        except ClientError as error:
            told = error.response
            if told["ResponseMetadata"]["HTTPStatusCode"] != ELSEWHERE:
                raise
    headers = told["ResponseMetadata"]["HTTPHeaders"]
    return str(headers.get("x-amz-bucket-region") or aws.region)


def _bucket_region(case: Case) -> Found:
    where = _region_of(case.aws, case.asked.bucket_name)
    if where != case.aws.region:
        return broken(
            f"{case.asked.bucket_name} lies in {where}, and the region is {case.aws.region}",
            f"Set regionName (here --region-name) to {where}.",
        )
    return holds(where)


def _state(case: Case) -> Found:
    if not case.asked.state_location:
        return not_asked("No --state-location was given: the state lies in the bucket itself.")
    place = place_at(case.asked.state_location)
    where = _region_of(case.aws, place.bucket)
    if where != case.aws.region:
        return broken(
            f"{place.bucket} lies in {where}, and the region is {case.aws.region}",
            "Keep state in the region of the bucket.",
        )
    return holds(place.address)


def _kms(case: Case) -> Found:
    key = case.asked.kms_key
    if not key:
        return not_asked("No --kms-key was given.")
    try:
        told = ask(case.aws, "kms", "describe_key", f"look at the KMS key {key}", "kms:DescribeKey", KeyId=key)
    except AccessDenied as error:
        return unknown(error, "It could not be looked at")
    state = told["KeyMetadata"]["KeyState"]
    if state != "Enabled":
        return broken(f"The KMS key {key} is {state}", "Enable it, cancel its deletion, or use another one.")
    return holds(key)


# --- permissions --------------------------------------------------------------------------------------------------------------


def _permissions(case: Case) -> Found:
    """By IAM's simulator: nothing is written, and nobody's identity is taken on."""
    if not case.tasks:
        return not_asked("No task was named: `ropeway doctor s3-deploy …`.")
    if not case.asked.bucket_name:
        return not_asked("No --bucket-name was given.")
    who = _deployer(case)
    try:
        denied = list(_missing(case, who))
    except AwsError as error:  # denied, or nobody that the simulator knows: the root, another account's user
        return unknown(error, f"What {who} may do could not be asked")
    if missing := [str(one) for one in denied if one.is_certain]:
        return broken(
            f"{who} may not: {listing(missing, 20)}",
            f"Allow it: `ropeway setup policy {' '.join('-'.join(task.command) for task in case.tasks)} … --apply` makes the least policy.",
        )
    if denied:
        return Found(
            "unknown",
            f"IAM's simulator cannot tell whether {who} may, where it is needed: {listing([str(one) for one in denied], 20)}",
            "Name the instances (--instance-tags), or see by a dry run whether it is allowed on what the tasks work on.",
        )
    return holds(
        f"{who} may do what {', '.join(task.name for task in case.tasks)} {'needs' if len(case.tasks) == 1 else 'need'}"
    )


def _deployer(case: Case) -> str:
    """The ARN of the role or user that tasks act as: the connection's, or the one of this machine."""
    if role := case.fields.get("assumeRoleArn"):
        return role
    if case.fields.get("username"):
        return f"arn:{case.partition}:iam::{case.aws.identity().account}:user/{key_owner(case)}"
    return as_principal(case.aws.identity().arn)


def as_principal(arn: str) -> str:
    """…:sts::1:assumed-role/deploy/session -> …:iam::1:role/deploy; others stay."""
    head, _, name = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{name.split('/')[0]}" if name else arn


@dataclass(frozen=True)
class Denied:
    """What the simulator did not allow. `is_certain` where no narrower permission, and no condition on what it does not know, can allow it all the same."""

    action: str
    resource: str
    is_certain: bool

    def __str__(self) -> str:
        return self.action if self.resource == "*" else f"{self.action} on {self.resource}"


def _missing(case: Case, who: str) -> Iterator[Denied]:
    asked = case.asked
    prefix = prefix_for(asked.target_folder, case.tasks)
    places = Places(asked.bucket_name, prefix, asked.kms_key, case.partition)
    document = Wanted(case.tasks, places, asked.using).document()
    for statement in document["Statement"]:
        for denied in _denied(case.aws, who, statement["Action"], _tried(statement["Resource"])):
            if denied.action == SEND and not denied.is_certain and (chosen := _some(case)):
                yield from _not_sent(case, who, chosen)
            else:
                yield denied


def _some(case: Case) -> list[str]:
    """Of the instances; none where there are none, which another link says."""
    try:
        return _chosen(case)[:LOOKED_AT] if case.asked.instance_tags else []
    except TargetsMissing:
        return []


def _tried(resource: str) -> str:
    """One of the resources that a pattern stands for."""
    return f"{resource[:-1]}{TRIED}" if resource.endswith("/*") and ":s3:::" in resource else resource


def _not_sent(case: Case, who: str, chosen: list[str]) -> Iterator[Denied]:
    """On the document and on instances: who narrows it, as docs/run-command.md advises, allows it on these, and not on everything."""
    region, account = case.aws.region, who.split(":")[4]
    yield from _denied(case.aws, who, [SEND], f"arn:{case.partition}:ssm:{region}::document/{SHELL}")
    for id, told in _tags_of(case, chosen).items():
        instance = f"arn:{case.partition}:ec2:{region}:{account}:instance/{id}"
        yield from _denied(case.aws, who, [SEND], instance, _context(told))


def _tags_of(case: Case, ids: list[str]) -> dict[str, dict[str, str]]:
    told = ask(
        case.aws, "ec2", "describe_instances", "read the tags of the instances", "ec2:DescribeInstances", InstanceIds=ids
    )  # fmt: skip
    found = [one for reservation in told["Reservations"] for one in reservation["Instances"]]
    return {one["InstanceId"]: {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())} for one in found}


def _context(tags_: Mapping[str, str]) -> list[dict[str, Any]]:
    """A tag by all names that conditions have for it."""
    return [
        {"ContextKeyName": f"{prefix}{key}", "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in tags_.items()
        for prefix in TAG_KEYS
    ]


def _denied(
    aws: Aws, who: str, actions: Iterable[str], resource: str, context: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Denied]:
    told = ask(
        aws, "iam", "simulate_principal_policy", f"ask what {who} may do", "iam:SimulatePrincipalPolicy",
        PolicySourceArn=who, ActionNames=list(actions), ResourceArns=[resource], ContextEntries=list(context),
    )  # fmt: skip
    for one in told["EvaluationResults"]:
        if one["EvalDecision"] != ALLOWED:
            yield Denied(str(one["EvalActionName"]), resource, _is_certain(one, resource))


def _is_certain(result: Mapping[str, Any], resource: str) -> bool:
    """A condition may hold in a run that it does not hold in here; a tag that an instance does not have, it has nowhere."""
    if result["EvalDecision"] != UNSAID:
        return True
    unknown_keys = [key for key in result.get("MissingContextValues", ()) if not key.lower().startswith(LOWER_TAG_KEYS)]
    return not unknown_keys and not (resource == "*" and str(result["EvalActionName"]) in NARROWED)


# --- instances ----------------------------------------------------------------------------------------------------------------


def _instances(case: Case) -> Found:
    if not case.asked.instance_tags:
        return not_asked("No --instance-tags were given.")
    chosen = _chosen(case)
    return holds(f"{counted(len(chosen), 'instance')}: {listing(chosen)}")


def _chosen(case: Case) -> list[str]:
    """Raises TargetsMissing."""
    selection = Selection(tags=tags(case.asked.instance_tags))
    return [target.id for target in resolve(selection, case.aws, case.run).targets]


def _ssm(case: Case) -> Found:
    ids = _chosen(case)
    online = set(_online(case.aws, ids))
    if silent := [id for id in ids if id not in online]:
        return broken(
            f"SSM's agent is not online on {listing(silent)}",
            "Start the SSM agent there, give the instance a role with AmazonSSMManagedInstanceCore, and a way to SSM's endpoints.",
        )
    return holds(f"Online on {counted(len(ids), 'instance')}")


def _online(aws: Aws, ids: list[str]) -> Iterator[str]:
    for start in range(0, len(ids), AT_ONCE):
        told = ask(
            aws, "ssm", "describe_instance_information", "see whether SSM's agents are online", "ssm:DescribeInstanceInformation",
            Filters=[{"Key": "InstanceIds", "Values": ids[start : start + AT_ONCE]}], MaxResults=AT_ONCE,
        )  # fmt: skip
        yield from (one["InstanceId"] for one in told["InstanceInformationList"] if one["PingStatus"] == "Online")


LINKS = (
    Link("bucket", "The bucket is there, and may be seen", _bucket, ("identity",)),
    Link("region of the bucket", "It lies in the region of the tasks", _bucket_region, ("bucket",)),
    Link("state location", "The bucket of the state is there", _state, ("identity",)),
    Link("KMS key", "The key is there and enabled", _kms, ("identity",)),
    Link(
        "permissions",
        "Whoever deploys may do what the tasks need",
        _permissions,
        ("identity",),
        ("identity in the connection", "role", "access key"),
    ),
    Link("instances", "There are instances with these tags, and they run", _instances, ("identity",)),
    Link("SSM agents", "SSM reaches all of them", _ssm, ("instances",)),
)
