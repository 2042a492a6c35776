"""What visitors are given: asked as they ask, without credentials, and by what the bucket's policy says of CloudFront."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ropeway.aws.session import Aws
from ropeway.errors import AccessDenied, AwsError, InputError, IntegrityError
from ropeway.outcome import Cancellation, Reason, counted, listing
from ropeway.s3.encryption import KMS, Encryption
from ropeway.s3.site.invalidating import Edges
from ropeway.s3.site.plan import SitePlan, SiteStep, Target
from ropeway.s3.state.place import StatePlace

OK = 200
FORBIDDEN = 403
NO_ACLS = {"NotImplemented", "MethodNotAllowed", "AccessControlListNotSupported"}
ALL_USERS = "/groups/global/AllUsers"
"""How the URI of everybody ends, signed or not (S3 user guide, "Access control list (ACL) overview")."""


# --- what Ropeway keeps -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Readable:
    """Whether visitors can read what Ropeway keeps, or may be able to; `warning` is a sentence of it."""

    public: bool
    warning: str = ""


_TELLS = "tells neither who released nor which commit"


def who_reads(aws: Aws, place: StatePlace, edges: Edges, cancellation: Cancellation) -> Readable:
    """Of the object, which is there. Where nobody can tell, it counts as public."""
    status, folder = _status(aws, place.bucket, place.key, cancellation), place.address.rpartition("/")[0]
    if status == OK:
        return Readable(
            True,
            f"Visitors can read what Ropeway keeps at {folder}: it {_TELLS}. Exclude .ropeway/ from the policy that lets them read, or name a "
            "private place (stateLocation).",
        )
    shown = [one.id for one in edges.distributions if _shows(one.paths_into(place.bucket), place.key)]
    if shown and _cloudfront_reads(aws, place):
        return Readable(
            True,
            f"Visitors of the distribution {', '.join(shown)} can read what Ropeway keeps at {folder}: it {_TELLS}. Exclude .ropeway/ from "
            "what the bucket's policy lets CloudFront read, begin the origin at the site's folder, or name a private place (stateLocation).",
        )
    if status is None:
        return Readable(
            True,
            f"Nobody could tell whether visitors can read what Ropeway keeps at {folder}, because {_address(aws, place.bucket)} does not answer "
            f"without credentials from here: it {_TELLS}.",
        )
    return Readable(public=False)


def _shows(paths: Iterable[str], key: str) -> bool:
    return any(f"/{key}".startswith(f"{path}/") for path in paths)


def _cloudfront_reads(aws: Aws, place: StatePlace) -> bool:
    """By the bucket's policy. Whoever may not read that hears that it may be so."""
    from ropeway.s3.website.documents import lets_cloudfront_read  # noqa: PLC0415 - start-up counts
    from ropeway.s3.website.endpoints import partition_of  # noqa: PLC0415 - the same

    try:
        policy = _policy(aws, place.bucket)
    except AccessDenied:
        return True
    return lets_cloudfront_read(policy, f"arn:{partition_of(aws.region)}:s3:::{place.bucket}/{place.key}")


def _policy(aws: Aws, bucket: str) -> Any:
    from ropeway.s3.website.settings import Buckets  # noqa: PLC0415 - start-up counts

    return Buckets(aws.client("s3"), aws.region, "").read("policy", bucket)


def _status(aws: Aws, bucket: str, key: str, cancellation: Cancellation) -> int | None:
    """What somebody without credentials is answered; None where nobody answers."""
    from ropeway.checks.asking import Asking, World  # noqa: PLC0415 - start-up counts
    from ropeway.checks.net.dialling import NoAnswer  # noqa: PLC0415 - the same
    from ropeway.checks.net.fetching import fetch  # noqa: PLC0415 - the same
    from ropeway.checks.net.messages import Request  # noqa: PLC0415 - the same

    request = Request(url=f"{_address(aws, bucket)}/{quote(key)}", redirects=0, most_bytes=1)
    try:
        return fetch(request, Asking(world=World(aws=aws, cancellation=cancellation))).status
    except NoAnswer:
        return None


def _address(aws: Aws, bucket: str) -> str:
    return aws.s3(bucket).url


# --- the site itself --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Openness:
    """Objects that a plan changes and that visitors can read before it: one of each group, by their keys below the prefix."""

    target: Target
    keys: tuple[str, ...] = ()

    def lost(self, aws: Aws, cancellation: Cancellation) -> IntegrityError | None:
        """Where visitors are refused by now what they could read before: an error that counts as a check that failed."""
        refused = [
            self.target.address(key)
            for key in self.keys
            if _status(aws, self.target.bucket, self.target.key(key), cancellation) == FORBIDDEN
        ]
        if not refused:
            return None
        return IntegrityError(
            f"Visitors could read {listing(refused)} before, and are refused now (403): what is written anew has neither the ACL nor the tags that "
            "others gave the object.",
            advice="Let the bucket's policy open the site (publicRead), or CloudFront alone, and give tags by ropeway.yml.",
        )


def refuse_kms(opened: Openness, encryption: Encryption) -> None:
    """Raises InputError where visitors could not read what is written (S3 user guide, "Using SSE-KMS": requests must be signed)."""
    if encryption.sse != KMS or not opened.keys:
        return
    names = listing([opened.target.address(key) for key in opened.keys])
    problem = (
        f"Visitors read {names} without credentials, which S3 refuses of what is under SSE-KMS. Nothing was changed."
    )
    raise InputError([problem]).advised("Set encryptionAlgorithm to AES256, or let CloudFront alone read the bucket.")


def openness(aws: Aws, plan: SitePlan, cancellation: Cancellation) -> Openness:
    """Asks at most once for each group that changes what is there already; nothing more once nobody answers."""
    found: list[str] = []
    for one in _one_of_each_group(plan):
        status = _status(aws, plan.target.bucket, plan.target.key(one.key), cancellation)
        if status is None:
            break
        if status == OK:
            found.append(one.key)
    return Openness(plan.target, tuple(found))


def _one_of_each_group(plan: SitePlan) -> Iterator[SiteStep]:
    groups = {one.group: one for one in plan.todo if one.group is not None and one.step.reason is not Reason.NEW}
    yield from groups.values()


def refuse_acls(aws: Aws, opened: Openness, plan: SitePlan, owner: str) -> None:
    """Raises InputError where visitors read by ACLs what no release has written: no write keeps an ACL, and they would be refused.

    What Ropeway has written has none, so that this asks about what a release takes over.
    """
    taken = [key for key in opened.keys if key in plan.strange]
    by_acl = [key for key in taken if _is_open_by_acl(aws, opened.target.bucket, opened.target.key(key), owner)]
    if not by_acl or _policy_opens(aws, opened.target, by_acl[0]):
        return
    names = listing([opened.target.address(key) for key in by_acl])
    problem = (
        f"Visitors read this site by the ACLs of its objects ({counted(len(by_acl), 'object')} looked at: {names}). What is released has none, and "
        "they would be refused it. Nothing was changed."
    )
    raise InputError([problem]).advised(
        "Let a policy open the site: set publicRead, or give the bucket a policy that lets everybody read it. Then deploy again."
    )


def _is_open_by_acl(aws: Aws, bucket: str, key: str, owner: str) -> bool:
    from ropeway.aws.answers import asking  # noqa: PLC0415 - botocore costs half a second cold: only who asks pays

    whose = {"ExpectedBucketOwner": owner} if owner else {}
    try:
        with asking(f"read the ACL of s3://{bucket}/{key}", action="s3:GetObjectAcl", bucket=bucket, region=aws.region):
            grants = aws.client("s3").get_object_acl(Bucket=bucket, Key=key, **whose)["Grants"]
    except AwsError as answer:
        if answer.code in NO_ACLS:
            return False
        raise
    return any(str(one["Grantee"].get("URI", "")).endswith(ALL_USERS) for one in grants)


def _policy_opens(aws: Aws, target: Target, key: str) -> bool:
    """Whoever may not read the policy is told to mend what can be seen."""
    from ropeway.s3.website.documents import lets_everybody_read  # noqa: PLC0415 - start-up counts
    from ropeway.s3.website.endpoints import partition_of  # noqa: PLC0415 - the same

    try:
        policy = _policy(aws, target.bucket)
    except AccessDenied:
        return False
    return lets_everybody_read(policy, f"arn:{partition_of(aws.region)}:s3:::{target.bucket}/{target.key(key)}")
