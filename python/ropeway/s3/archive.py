"""Objects in archive storage cannot be read until they are restored; said before anything is written."""

from __future__ import annotations

from collections.abc import Sequence

from ropeway.errors import Archived
from ropeway.outcome import Cancellation, counted, listing
from ropeway.s3.engine import CustomerKey, Head, Listed, ObjectEngine

ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}
"""S3 user guide, "Working with archived objects". GLACIER_IR reads at once; INTELLIGENT_TIERING tells only when it is read."""


def refuse_archived(
    bucket: str, objects: Sequence[Listed], engine: ObjectEngine, key: CustomerKey | None, cancellation: Cancellation
) -> None:
    """Raises Archived when objects lie in an archive and no restored copy of them is there."""
    suspects = {listed.key: listed.version_id for listed in objects if listed.storage_class in ARCHIVES}
    heads = engine.heads(bucket, list(suspects), key, versions=suspects, cancellation=cancellation)
    archived = sorted(name for name, head in heads if not is_restored(head))
    if archived:
        raise Archived(
            f"{counted(len(archived), 'object')} in s3://{bucket} must be restored before they can be read: {listing(archived)}.",
            advice="Restore them (aws s3api restore-object), which takes minutes to hours, or take them out with a ! line.",
        )


def is_restored(head: Head | None) -> bool:
    """`x-amz-restore: ongoing-request="false", expiry-date="..."` (S3 API reference, HeadObject)."""
    return head is not None and 'ongoing-request="false"' in head.restore
