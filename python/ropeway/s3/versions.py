"""One version of an object: asked for, and made sure of. Stores without versions answer with the object that they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ropeway.errors import AwsError

NULL = "null"
"""The version of what was written while the bucket kept none (S3 user guide, "Adding objects to versioning-enabled buckets")."""


def of_version(version_id: str) -> dict[str, str]:
    return {"VersionId": version_id} if version_id else {}


def version_in(answer: Mapping[str, Any]) -> str:
    """Empty where the bucket keeps no versions."""
    return str(answer.get("VersionId", ""))


def check_version(answer: Mapping[str, Any], version_id: str, doing: str) -> None:
    """Raises AwsError when the answer is not about this version. `doing` reads on from "Could not".

    A bucket that never kept versions names none; what it holds is the version `null`.
    """
    if version_id and (version_in(answer) or NULL) != version_id:
        raise AwsError(
            doing,
            code="NoSuchVersion",
            answer=f"version {version_id} was asked for, and {version_in(answer) or 'one without a version id'} came",
            advice="The store does not know version ids, or the bucket never kept versions.",
        )


def shown(bucket: str, key: str, version_id: str = "") -> str:
    """An object, or one version of it, in a sentence."""
    return f"s3://{bucket}/{key}{f' (version {version_id})' if version_id else ''}"
