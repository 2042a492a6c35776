"""What is mended beside S3, and when: once moto has loaded the service. Loading one takes a good part of a second."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from importlib import import_module

PACKAGE = __package__ or ""


@dataclass(frozen=True)
class Later:
    """A patch of a service that is mended when it is first used. `module` is the file here that has a function `mend`."""

    service: str
    module: str
    aws: str


LATER = (
    Later(
        "ec2",
        "instances",
        "An instance is a machine: it has a loopback address of its own, what runs on it dies when it is stopped, rebooted or "
        "terminated, and its status checks can fail.",
    ),
    Later(
        "ssm",
        "run_command",
        "SSM's Run Command runs: real exit codes, outputs (cut as the API cuts them, whole in S3), time limits, `MaxConcurrency`, "
        "`MaxErrors`, cancel, reboot; instances that are lost; the states that SSM goes through, also the flattering ones of a command as a whole; "
        "`ListCommandInvocations`, `CancelCommand` and `DescribeInstanceInformation`. Where IAM policies decide, an instance with a profile is known to SSM, and is "
        "sent commands, as far as its role lets SSM's agent.",
    ),
    Later(
        "elbv2",
        "target_health",
        "The targets of a target group are probed at their own port and path, by its interval, thresholds and matcher, and are "
        "`initial`, `healthy`, `unhealthy`, `unused` or `draining` with AWS's reason codes.",
    ),
    Later(
        "autoscaling",
        "standby",
        "An instance that goes into standby leaves the target groups of its Auto Scaling group, and is there once they have drained it; nobody joins them while `AddToLoadBalancer` is "
        "suspended. None goes where fewer than its group's minimum would be left.",
    ),
    Later(
        "awslambda",
        "functions",
        "A Lambda function in Python runs, in a process of its own: payloads, `FunctionError` with Lambda's error types, time limits, "
        "`LogResult`, versions and aliases, `Event` and `DryRun`.",
    ),
    Later(
        "acm",
        "certificates",
        "A certificate that waits for its validation has no dates; `InUseBy` names the load balancers that have it now.",
    ),
    Later(
        "cloudwatch",
        "metrics",
        "A new alarm has `INSUFFICIENT_DATA`, and follows its metric as data come; a metric is its name with all of its dimensions; "
        "percentiles are calculated, and so are expressions over several metrics (`100 * errors / requests`).",
    ),
    Later(
        "cloudfront",
        "invalidations",
        "A CloudFront invalidation is `InProgress`, then `Completed`; the same `CallerReference` makes none again; too many at a time, and paths "
        "that are not percent-encoded, are refused.",
    ),
    Later(
        "route53",
        "records",
        "Route 53 checks a batch of changes, does all of it or nothing, and is `PENDING` before it is `INSYNC`: a record is not created twice, "
        "an alias names the zone of its target, a `CNAME` stands alone, and only what is there, as it is there, is deleted.",
    ),
    Later("iam", "providers", "The audiences of an identity provider of IAM's can be added and removed."),
    Later(
        "iam",
        "simulating",
        "IAM's simulator says what the policies of a role or user allow (`SimulatePrincipalPolicy`).",
    ),
    Later(
        "core",
        "identities",
        "Where IAM policies decide, EC2, SSM, ELB, Auto Scaling, ACM, CloudWatch, CloudFront, Lambda, EFS, Route 53 and IAM itself ask for each action "
        "on its resource, name the one that is missing, and say so in their own protocol.",
    ),
    Later(
        "core",
        "throttling",
        "Any action beside S3 can be throttled: `ThrottlingException`, `Throttling`, EC2's `RequestLimitExceeded`.",
    ),
)

_done: set[Later] = set()
_lock = threading.Lock()


def mend_loaded() -> None:
    """Mend what moto has loaded by now."""
    with _lock:
        for later in LATER:
            if later not in _done and f"moto.{later.service}.models" in sys.modules:
                _done.add(later)
                import_module(f"{PACKAGE}.{later.module}").mend()
