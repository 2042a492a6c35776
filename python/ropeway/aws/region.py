"""Which region: the first source that names one counts, and a malformed name is an error at once."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator

from botocore.exceptions import InvalidRegionError
from botocore.session import Session
from botocore.utils import BadIMDSRequestError, IMDSRegionProvider, validate_region_name

from ropeway.aws.answers import asking
from ropeway.aws.endpoint import is_aws
from ropeway.aws.region_names import ANY, SHAPE
from ropeway.errors import InputError

NOWHERE = (
    "There is no AWS region: neither the task nor the variable AWS.Region, AWS_REGION, AWS_DEFAULT_REGION, the AWS profile or this "
    "machine's metadata names one."
)


def find_region(session: Session, given: str, default: str, endpoint_url: str) -> str:
    """`given` is the task's input, `default` what the door found in AWS.Region. Raises InputError."""
    foreign = bool(endpoint_url) and not is_aws(endpoint_url)
    with asking("find the AWS region"):
        for source, region in _sources(session, given, default, ask_machine=not foreign):
            if region:
                return _checked(session, source, region, foreign=foreign)
    if foreign:
        return ANY
    raise InputError([NOWHERE]).advised("Name it in regionName, for example eu-west-1.")


def _sources(session: Session, given: str, default: str, *, ask_machine: bool) -> Iterator[tuple[str, str]]:
    yield "The region of the task", given
    yield "The variable AWS.Region", default
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        yield name, os.environ.get(name, "")
    profile = session.get_config_variable("profile") or "default"
    yield f"The region of AWS profile {profile}", session.get_scoped_config().get("region") or ""
    if ask_machine:
        yield "This machine's metadata", _of_this_machine(session)


def _of_this_machine(session: Session) -> str:
    """By IMDSv2, one second; AWS_EC2_METADATA_DISABLED is honoured."""
    try:
        return IMDSRegionProvider(session).provide() or ""
    except BadIMDSRequestError:
        return ""  # Azure's machines have a metadata service at the same address: it answers 400 to a stranger.


def _checked(session: Session, source: str, region: str, *, foreign: bool) -> str:
    region = region.strip().lower()
    if foreign:
        _check_label(source, region)
    elif not SHAPE.fullmatch(region):
        raise InputError([f"{source} is {region!r}, which is no AWS region. {_nearest(session, region)}"])
    return region


def _check_label(source: str, region: str) -> None:
    """Stores have regions of their own (auto, garage, nyc3); the name still becomes a part of signatures and hosts."""
    try:
        validate_region_name(region)
    except InvalidRegionError:
        raise InputError([f"{source} is {region!r}: a region's name has letters, digits and hyphens only."]) from None


def _nearest(session: Session, region: str) -> str:
    known = [name for part in session.get_available_partitions() for name in session.get_available_regions("s3", part)]
    near = difflib.get_close_matches(region, known, n=1)
    return f"Did you mean {near[0]}?" if near else "Write it as AWS does, for example eu-west-1."
