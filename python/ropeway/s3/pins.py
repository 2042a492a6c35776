"""Objects that are asked for in one version each, the current one or an older one: also when the newest says that it was deleted.

A point in time is not offered: what a lifecycle rule has removed, or was written while the bucket kept no versions, is missing from
the past without a trace, and nobody could tell that a file is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ropeway.errors import AwsError, NothingMatched
from ropeway.inputs import Pair
from ropeway.outcome import Cancellation, listing
from ropeway.s3.engine import CustomerKey, Head, Listed, ObjectEngine
from ropeway.s3.globs import Globs

FIND = "The output listFile of an upload and `aws s3api list-object-versions` tell version ids; a version that was deleted is gone."


@dataclass(frozen=True)
class Pins:
    """Names and version ids. The names start below the prefix, as globs do."""

    bucket: str
    prefix: str
    pairs: tuple[Pair, ...]

    @property
    def versions(self) -> dict[str, str]:
        return {self.prefix + pair.name: pair.value for pair in self.pairs}


def pinned_by(
    pins: Pins, globs: Globs, engine: ObjectEngine, key: CustomerKey | None, cancellation: Cancellation
) -> list[Listed]:
    """Each pinned object as it is in its version.

    Raises NothingMatched for what the globs leave out, AwsError for versions that are not there.
    """
    if left_out := [pair.name for pair in pins.pairs if not globs.matches_key(pair.name)]:
        raise NothingMatched(
            f"The globs leave out what a version was asked of: {listing(left_out)}.",
            advice="Mend globExpressions, or take the lines out of versionIds.",
        )
    versions = pins.versions
    heads = dict(engine.heads(pins.bucket, list(versions), key, versions=versions, cancellation=cancellation))
    if missing := [f"{name} in version {versions[name]}" for name, head in sorted(heads.items()) if head is None]:
        raise AwsError(
            f"find versions in s3://{pins.bucket}/{pins.prefix}",
            code="NoSuchVersion",
            answer=f"there is no {', no '.join(missing)}",
            advice=f"Check versionIds. {FIND}",
        )
    return list(_listed(versions, heads))


def _listed(versions: Mapping[str, str], heads: Mapping[str, Head | None]) -> Iterator[Listed]:
    for key, head in heads.items():
        if head is not None:
            kept_in = head.headers.storage_class
            yield Listed(key, head.size, head.etag, kept_in, head.modified, versions[key])


def with_pinned(listed: Sequence[Listed], pinned: Sequence[Listed]) -> list[Listed]:
    """The pinned ones in the place of the current ones, in key order."""
    if not pinned:
        return list(listed)
    return sorted(({each.key: each for each in listed} | {each.key: each for each in pinned}).values(), key=_in_utf8)


def _in_utf8(listed: Listed) -> bytes:
    """As S3 lists keys (API reference, ListObjectsV2)."""
    return listed.key.encode()
