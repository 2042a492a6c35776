"""A presigned address works as long as it was made for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from moto.s3.responses import S3Response

from ropeway.local.patches.patch import Patch, Refused, query_has, query_value

LONGEST = 604_800
"""Seconds: a week. (S3 user guide, "Download and upload objects with presigned URLs".)"""


def _check(request: S3Response) -> None:
    end, now = _end(request), datetime.now(timezone.utc)
    if end and now > end:
        raise Refused(
            403,
            "AccessDenied",
            "Request has expired",
            Expires=f"{end:%Y-%m-%dT%H:%M:%SZ}",
            ServerTime=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        )


def _end(request: S3Response) -> datetime | None:
    """Of an address signed by version 4, or by version 2, which boto3 still uses in some regions."""
    begun, seconds = query_value(request, "X-Amz-Date"), query_value(request, "X-Amz-Expires")
    if begun and seconds:
        if int(seconds) > LONGEST:
            message = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
            raise Refused(400, "AuthorizationQueryParametersError", message)
        begin = datetime.strptime(begun, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        return begin + timedelta(seconds=int(seconds))
    end = query_value(request, "Expires") if query_has(request, "Signature") else None
    return datetime.fromtimestamp(int(end), timezone.utc) if end else None


PATCH = Patch("A presigned address works as long as it was made for.", _check)
