"""The version `null`: what was written while the bucket kept no versions (S3 user guide, "Working with objects in a versioning-suspended bucket")."""

from __future__ import annotations

from typing import Any

from moto.s3.responses import S3Response

from ropeway.local.patches.patch import Answer, Patch, around, bucket_of

NULL = "null"


def _mend() -> None:
    @around(S3Response, "head_object")
    def head(
        original: Any, request: S3Response, bucket: str, query: dict[str, Any], *named: Any, **more: Any
    ) -> Answer:
        if query.get("versionId") != [NULL]:
            answer: Answer = original(request, bucket, query, *named, **more)
            return answer
        versioned = bool(bucket_of(request).is_versioned)
        if not versioned:
            query = {name: values for name, values in query.items() if name != "versionId"}
        status, headers, body = original(request, bucket, query, *named, **more)
        if versioned and status == 200:
            headers.setdefault("x-amz-version-id", NULL)
        return status, headers, body


PATCH = Patch(
    "What was written while the bucket kept no versions is its version `null`: a HEAD finds it by that.",
    mend=_mend,
)
