"""Where moto only pretends, it is mended: a file here is one thing that AWS does and moto does not."""

from __future__ import annotations

import functools
from typing import Any

from moto.s3.responses import S3Response

from ropeway.local.patches import (
    access,
    answers,
    bodies,
    checksums,
    copies,
    demands,
    encryption,
    expiry,
    keys,
    limits,
    locks,
    memory,
    multipart,
    permissions,
    public,
    regions,
    versions,
)
from ropeway.local.patches.later import mend_loaded
from ropeway.local.patches.patch import around

__all__ = ["PATCHES", "apply", "mend_loaded"]

# In the order in which S3 asks: where, who, what.
PATCHES = (
    regions.PATCH,
    access.PATCH,
    expiry.PATCH,
    permissions.PATCH,
    public.PATCH,
    demands.PATCH,
    limits.PATCH,
    keys.PATCH,
    bodies.PATCH,
    checksums.PATCH,
    multipart.PATCH,
    encryption.PATCH,
    copies.PATCH,
    locks.PATCH,
    versions.PATCH,
    memory.PATCH,
    answers.PATCH,
)


@functools.cache
def apply() -> None:
    """Mend moto, once a process."""

    @around(S3Response, "setup_class")
    def checked(original: Any, request: S3Response, *args: Any, **kwargs: Any) -> None:
        original(request, *args, **kwargs)
        for patch in PATCHES:
            if patch.check:
                patch.check(request)

    for patch in PATCHES:
        if patch.mend:
            patch.mend()
