"""Where IAM policies decide, each service asks for its action on its resource, and says which one is missing in its own protocol.

moto asks on `*` alone, so that a policy for one resource denies everything; it answers JSON services in XML, calls CloudWatch's
actions `monitoring:`, and finds no signature of a REST service right. Signatures are not looked at here: as everywhere in the
embedded AWS, an access key says who it is. What is asked for on what: Service Authorization Reference, the page of the service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.responses import BaseResponse
from moto.iam.access_control import CreateAccessKeyFailure, IAMPolicy, PermissionResult, create_access_key
from moto.utilities.utils import get_partition

from ropeway.local.patches.patch import around
from ropeway.local.patches.protocols import refused

PREFIXES = {
    "acm": "acm",
    "autoscaling": "autoscaling",
    "cloudfront": "cloudfront",
    "cloudwatch": "cloudwatch",
    "ec2": "ec2",
    "efs": "elasticfilesystem",
    "elbv2": "elasticloadbalancing",
    "awslambda": "lambda",
    "iam": "iam",
    "route53": "route53",
    "ssm": "ssm",
}
"""What actions begin with. All other services are asked as moto asks them."""
NAMES = {("awslambda", "Invoke"): "InvokeFunction"}
"""Operations whose action is called otherwise."""
CODES = {
    "ec2": ("UnauthorizedOperation", 403),
    "acm": ("AccessDeniedException", 400),
    "efs": ("AccessDeniedException", 403),
    "awslambda": ("AccessDeniedException", 403),
    "ssm": ("AccessDeniedException", 400),
}
"""And the status; of the others, AccessDenied and 403."""
UNSIGNED = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
"""Asked for by whoever holds a token (STS API reference)."""

Resources = Callable[[BaseResponse, str], Sequence[str]]
"""The resources of a request, all of which must be allowed; the second argument is where ARNs of the service begin."""


Refusal = tuple[int, str, str]
"""Status, code and message."""


# --- on what -------------------------------------------------------------------------------------------------------------


def _given(request: BaseResponse, name: str) -> Any:
    """A parameter, in whichever protocol."""
    return request._get_param(name)  # noqa: SLF001 - moto's own way to know


def _anything(_: BaseResponse, __: str) -> Sequence[str]:
    return ["*"]


def _instances(request: BaseResponse, _: str) -> Sequence[str]:
    where = f"arn:{get_partition(request.region)}:ec2:{request.region}:{request.current_account}:instance"
    return [f"{where}/{instance_id}" for instance_id in _given(request, "InstanceIds") or ["*"]]


def _sent(request: BaseResponse, _: str) -> Sequence[str]:
    """The document, which is Amazon's own, and each instance."""
    document = f"arn:{get_partition(request.region)}:ssm:{request.region}::document/{_given(request, 'DocumentName')}"
    return [document, *_instances(request, _)]


def _one(name: str) -> Resources:
    """The ARN in a parameter."""
    return lambda request, _: [_given(request, name) or "*"]


def _alarms(request: BaseResponse, where: str) -> Sequence[str]:
    return [f"{where}:alarm:{name}" for name in _given(request, "AlarmNames") or ["*"]]


def _function(request: BaseResponse, where: str) -> Sequence[str]:
    """With its qualifier, when there is one: a policy for the bare function does not cover it."""
    found = re.search(r"/functions/([^/]+)", unquote(request.path))
    name = (found[1] if found else "*").rpartition(":function:")[2]
    qualifier = request.querystring.get("Qualifier", [""])[0]
    return [f"{where}:function:{name}" + (f":{qualifier}" if qualifier else "")]


def _group(request: BaseResponse, where: str) -> Sequence[str]:
    return [f"{where}:autoScalingGroup:*:autoScalingGroupName/{_given(request, 'AutoScalingGroupName')}"]


def _zone(request: BaseResponse, _: str) -> Sequence[str]:
    found = re.search(r"/hostedzone/([^/]+)", request.path)
    return [f"arn:{get_partition(request.region)}:route53:::hostedzone/{found[1] if found else '*'}"]


def _change(request: BaseResponse, _: str) -> Sequence[str]:
    found = re.search(r"/change/([^/]+)", request.path)
    return [f"arn:{get_partition(request.region)}:route53:::change/{found[1] if found else '*'}"]


def _distribution(request: BaseResponse, _: str) -> Sequence[str]:
    found = re.search(r"/distribution/([^/]+)", request.path)
    partition = get_partition(request.region)
    return [f"arn:{partition}:cloudfront::{request.current_account}:distribution/{found[1] if found else '*'}"]


RESOURCES: Mapping[str, Resources] = {
    "acm:DescribeCertificate": _one("CertificateArn"),
    "autoscaling:EnterStandby": _group,
    "autoscaling:ExitStandby": _group,
    "autoscaling:ResumeProcesses": _group,
    "autoscaling:SuspendProcesses": _group,
    "cloudfront:CreateInvalidation": _distribution,
    "cloudfront:GetDistribution": _distribution,
    "cloudfront:GetInvalidation": _distribution,
    "cloudwatch:DescribeAlarms": _alarms,
    "ec2:RebootInstances": _instances,
    "ec2:StartInstances": _instances,
    "ec2:StopInstances": _instances,
    "ec2:TerminateInstances": _instances,
    "elasticloadbalancing:DeregisterTargets": _one("TargetGroupArn"),
    "elasticloadbalancing:ModifyTargetGroupAttributes": _one("TargetGroupArn"),
    "elasticloadbalancing:RegisterTargets": _one("TargetGroupArn"),
    "lambda:GetFunction": _function,
    "lambda:GetFunctionConfiguration": _function,
    "lambda:InvokeFunction": _function,
    "route53:ChangeResourceRecordSets": _zone,
    "route53:GetChange": _change,
    "route53:GetHostedZone": _zone,
    "route53:ListResourceRecordSets": _zone,
    "ssm:SendCommand": _sent,
}
"""All other actions are asked for on `*`: most that only describe know no resources."""


# --- who -----------------------------------------------------------------------------------------------------------------


def _key(request: BaseResponse) -> Any:
    """Moto's access key of who signed. Raises CreateAccessKeyFailure when there is none such."""
    signed = re.search(r"Credential=([^/]+)/", request.headers.get("Authorization", ""))
    return create_access_key(
        account_id=request.current_account,
        partition=get_partition(request.region),
        access_key_id=signed[1] if signed else "",
        headers=request.headers,
    )


def _may(key: Any, action: str, resource: str) -> bool:
    results = [IAMPolicy(policy).is_action_permitted(action, resource) for policy in key.collect_policies()]
    return PermissionResult.DENIED not in results and PermissionResult.PERMITTED in results


def _refusal(request: BaseResponse) -> Refusal | None:
    service = request.service_name
    operation = request._get_action()  # noqa: SLF001 - moto's own way to know
    action = f"{PREFIXES[service]}:{NAMES.get((service, operation), operation)}"
    where = f"arn:{get_partition(request.region)}:{PREFIXES[service]}:{request.region}:{request.current_account}"
    try:
        key = _key(request)
    except CreateAccessKeyFailure:
        return 403, "UnrecognizedClientException", "The security token included in the request is invalid."
    for resource in RESOURCES.get(action, _anything)(request, where):
        if not _may(key, action, resource):
            return _denied(service, key.arn, action, resource)
    return None


def _denied(service: str, who: str, action: str, resource: str) -> Refusal:
    code, status = CODES.get(service, ("AccessDenied", 403))
    on = "" if resource == "*" else f" on resource: {resource}"
    why = f"because no identity-based policy allows the {action} action"
    begin = "You are not authorized to perform this operation. " if service == "ec2" else ""
    return status, code, f"{begin}User: {who} is not authorized to perform: {action}{on} {why}"


def decides() -> bool:
    return bool(ActionAuthenticatorMixin.request_count >= settings.INITIAL_NO_AUTH_ACTION_COUNT)


def mend() -> None:
    @around(BaseResponse, "_authenticate_and_authorize_normal_action")
    def authorized(original: Any, request: BaseResponse, *args: Any) -> None:
        """Those that are asked below are not asked again; moto counts as long as nobody is asked."""
        if not (decides() and (request.service_name in PREFIXES or request._get_action() in UNSIGNED)):  # noqa: SLF001 - as above
            original(request, *args)

    @around(BaseResponse, "call_action")
    def called(original: Any, request: BaseResponse) -> Any:
        refusal = _refusal(request) if decides() and request.service_name in PREFIXES else None
        if not refusal:
            return original(request)
        return refused(request, *refusal)
