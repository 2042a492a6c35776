"""CloudFront invalidations complete, are not made twice, and are not many at a time.

CloudFront API reference, CreateInvalidation (CallerReference, errors), and developer guide, "Concurrent invalidation request maximum".
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

from moto.cloudfront.exceptions import CloudFrontException
from moto.cloudfront.models import CloudFrontBackend, Invalidation

from ropeway.local.instances.settings import SETTINGS
from ropeway.local.patches.patch import around

MOST_PATHS = 3000
MOST_WILDCARDS = 15
"""In progress, of one distribution."""
PATH = re.compile(r"/[A-Za-z0-9_.$+!'(),;:@&=/%-]{0,3999}\*?")
"""What is not ASCII, or unsafe by RFC 1738, is percent-encoded. (Developer guide, "What you need to know when invalidating paths".)"""


def _status(invalidation: Invalidation) -> str:
    return "InProgress" if time.monotonic() - invalidation.begun < SETTINGS.invalidation else "Completed"


def _check(earlier: Sequence[Invalidation], paths: Sequence[str]) -> None:
    """Raises CloudFrontException."""
    if wrong := [path for path in paths if not PATH.fullmatch(path)]:
        raise CloudFrontException(
            "InvalidArgument", f"Your request contains one or more invalid invalidation paths: {wrong[0]}"
        )
    active = [path for one in earlier if one.status == "InProgress" for path in one.paths]
    every = [*active, *paths]
    if len(every) > MOST_PATHS or sum(path.endswith("*") for path in every) > MOST_WILDCARDS:
        raise CloudFrontException(
            "TooManyInvalidationsInProgress",
            "Processing your request will cause you to exceed the maximum number of in-progress invalidations.",
        )


def mend() -> None:
    Invalidation.status = property(_status, lambda *_: None)

    @around(Invalidation, "__init__")
    def made(original: Any, invalidation: Invalidation, *args: Any, **kwargs: Any) -> None:
        invalidation.begun = time.monotonic()
        original(invalidation, *args, **kwargs)

    @around(CloudFrontBackend, "create_invalidation")
    def created(original: Any, cloudfront: CloudFrontBackend, dist_id: str, paths: list[str], reference: str) -> Any:
        earlier = cloudfront.invalidations.get(dist_id) or []
        for one in earlier:
            if one.caller_ref == reference and sorted(one.paths) == sorted(paths):
                return one
            if one.caller_ref == reference:
                message = (
                    "The caller reference that you are using to create an invalidation is associated with another one."
                )
                raise CloudFrontException("InvalidationBatchAlreadyExists", message)
        _check(earlier, paths)
        return original(cloudfront, dist_id, paths, reference)
