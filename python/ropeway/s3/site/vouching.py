"""What is seen in the bucket, against what a manifest tells and a release asks for."""

from __future__ import annotations

from dataclasses import replace

from ropeway.s3.archive import ARCHIVES
from ropeway.s3.encryption import is_encrypted
from ropeway.s3.engine import Headers, Listed
from ropeway.s3.state.manifest import Entry
from ropeway.s3.stores import OWN_CLASSES


def is_as_left(seen: Listed, entry: Entry | None) -> bool:
    """HEAD tells whole seconds, and so do S3's listings: the same bytes with other headers, written in the same second, are not seen.

    A kept asset whose bytes nobody has read is vouched for by nobody, nor is what a lifecycle rule has moved where no visitor can read it.
    """
    if entry is None or not entry.sha256 or seen.storage_class in ARCHIVES:
        return False
    return (seen.etag, seen.size, int(seen.modified)) == (entry.etag, entry.size, int(entry.modified))


def untagged(headers: Headers) -> Headers:
    """As a HEAD shows them: it tells how many tags there are, not which."""
    return replace(headers, tags=())


def as_asked(left: Headers, asked: Headers) -> bool:
    """Of what a release has set, and what is asked for now. Where no encryption is, the one that it was given stays."""
    return left == asked or (not asked.sse and replace(left, sse="", kms_key_id="") == asked)


def same_headers(there: Headers, asked: Headers) -> bool:
    """Of what a release sets. What the bucket adds by itself (encryption, locks, another class by a lifecycle rule) is none of it."""
    stored = not asked.storage_class or _class(there) == _class(asked)
    return is_encrypted(there, asked) and stored and _compared(there) == _compared(asked)


def _class(headers: Headers) -> str:
    return "" if headers.storage_class in {"STANDARD", *OWN_CLASSES} else headers.storage_class


def _compared(headers: Headers) -> tuple[object, ...]:
    return (
        headers.content_type,
        headers.cache_control,
        headers.content_encoding,
        headers.content_disposition,
        headers.content_language,
        headers.website_redirect,
        headers.expires,
        tuple(sorted(headers.metadata)),
        tuple(sorted(headers.tags)),
    )
