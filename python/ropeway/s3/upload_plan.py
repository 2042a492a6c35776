"""Which files of an upload are there already: found by HEAD or from a listing, by digests, and by tags where there are any. Nothing is written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ropeway.errors import AccessDenied, AwsError
from ropeway.outcome import Reason, Run, counted, listing
from ropeway.s3.compare import same_bytes
from ropeway.s3.compare_headers import has_tags, same_headers, under_any_key
from ropeway.s3.engine import CustomerKey, Head, Headers, Listed, ObjectEngine, Put
from ropeway.s3.locks import unseen

PAGE = 1000
"""Objects that one request lists (S3 API reference, ListObjectsV2)."""
SPARED = 50
"""Objects to look at that are worth a page of a listing, which may spare them: pages come one after the other, HEADs at once."""

DIRECTORY_BUCKETS = ("--x-s3", "--xa-s3")
"""How they, and their access points, are called (S3 user guide, "Directory bucket naming rules")."""


@dataclass
class Comparison:
    """`least_lock` takes the time at which an object was stored, and answers until when it must be locked (empty: no lock is asked for).

    All files go to one bucket.

    A listing tells what is missing or of another length. With `headers` each other object is looked at. Without, bytes alone are compared, by the
    listing as far as its ETags tell.
    """

    engine: ObjectEngine
    run: Run
    customer_key: CustomerKey | None
    least_lock: Callable[[float], str]
    headers: bool = True
    _hidden: Counter[str] = field(default_factory=Counter)
    _keys: set[str] = field(default_factory=set)

    def reasons(self, puts: Sequence[Put]) -> dict[str, Reason]:
        """Key -> why its file would be uploaded, or UNCHANGED."""
        known = self._by_listing(puts)
        return known | self._by_heads([put for put in puts if put.key not in known])

    def _by_listing(self, puts: Sequence[Put]) -> dict[str, Reason]:
        """Those of which a listing is proof enough. An identity that may look at objects and not list them is welcome where that is asked anyway."""
        try:
            listed = self._listed(puts)
        except AccessDenied:
            if not self.headers:
                raise
            listed = None
        if listed is None:
            return {}
        told = ((put.key, self._told_by(put, listed.get(put.key))) for put in puts)
        return {key: reason for key, reason in told if reason}

    def _listed(self, puts: Sequence[Put]) -> dict[str, Listed] | None:
        """Key -> its object. None where others lie between them, more than are worth it."""
        if not puts:
            return None
        pages = 1 + len(puts) // SPARED if self.headers else len(puts)
        keys, found = [put.key for put in puts], dict[str, Listed]()
        wanted = frozenset(keys)
        bucket = puts[0].bucket
        there = self.engine.list(bucket, _beginning(bucket, keys), cancellation=self.run.cancellation)
        for count, one in enumerate(there, 1):
            self.run.cancellation.check()
            if count > PAGE * pages:
                return None
            if one.key in wanted:
                found[one.key] = one
        return found

    def _told_by(self, put: Put, one: Listed | None) -> Reason | None:
        """None where that must be asked: headers are in no listing, and an ETag is no MD5 under a KMS key, after an upload in parts, and in some stores."""
        if one is None:
            return Reason.NEW
        if one.size != put.size:
            return Reason.CONTENT
        if self.headers:
            return None
        head = Head(one.size, one.etag, Headers(storage_class=one.storage_class))
        whole = "-" not in one.etag
        return Reason.UNCHANGED if whole and same_bytes(put.path, head, self.run.cancellation) else None

    def _by_heads(self, puts: Sequence[Put]) -> dict[str, Reason]:
        by_key = {put.key: put for put in puts}
        reasons: dict[str, Reason] = {}
        tagged: list[Put] = []
        for key, head in self._heads(puts):
            reasons[key] = self._reason(by_key[key], head)
            if self.headers and head and reasons[key] is Reason.UNCHANGED and has_tags(by_key[key], head):
                tagged.append(by_key[key])
        self._tell_hidden()
        self._tell_keys()
        return reasons | dict(self._tagged_otherwise(tagged))

    def _heads(self, puts: Sequence[Put]) -> Iterator[tuple[str, Head | None]]:
        if not puts:
            return
        keys = [put.key for put in puts]
        try:
            for found in self.engine.heads(puts[0].bucket, keys, self.customer_key, cancellation=self.run.cancellation):
                self.run.cancellation.check()
                yield found
        except AwsError as error:
            if error.code == "400":
                raise error.advised(f"{error.advice} {SWITCHED}") from error
            raise

    def _reason(self, put: Put, head: Head | None) -> Reason:
        if head is None:
            return Reason.NEW
        if head.size != put.size or not same_bytes(put.path, head, self.run.cancellation):
            return Reason.CONTENT
        if not self.headers:
            return Reason.UNCHANGED
        if same_headers(put, head, least_lock=self.least_lock(head.modified)):
            self._keys.update(under_any_key(put.headers, head.headers))
            return Reason.UNCHANGED
        self._hidden.update(unseen(put.headers, head.headers))
        return Reason.HEADERS

    def _tagged_otherwise(self, puts: Sequence[Put]) -> Iterator[tuple[str, Reason]]:
        if not puts:
            return
        asked = {put.key: put.headers.tags for put in puts}
        for key, tags in self.engine.tags(puts[0].bucket, list(asked), cancellation=self.run.cancellation):
            if tags != asked[key]:
                yield key, Reason.HEADERS

    def _tell_hidden(self) -> None:
        """S3 hides a lock from who may not see it, and says nothing of it."""
        for action, count in self._hidden.items():
            self.run.tell.note(
                f"S3 shows no such lock on {counted(count, 'object')} with the same bytes, and so they are uploaded again. If they are "
                f"locked, the identity lacks {action}."
            )

    def _tell_keys(self) -> None:
        """One key may be the account's own. Of two, one is another."""
        if len(self._keys) > 1:
            self.run.tell.note(
                f"Unchanged objects lie under {counted(len(self._keys), 'KMS key')}: {listing(sorted(self._keys))}. S3 does not tell which of them "
                "is the account's aws/s3, and none is named, so that any counts. For all to lie under one, name it (kmsMasterKeyId)."
            )


def _beginning(bucket: str, keys: Sequence[str]) -> str:
    """Of all these keys. S3 knows characters, and folders in directory buckets alone, which list nothing else (API reference, ListObjectsV2)."""
    prefix = os.path.commonprefix(keys)  # noqa: RUF071 - characters
    return prefix[: prefix.rfind("/") + 1] if bucket.endswith(DIRECTORY_BUCKETS) else prefix


SWITCHED = (
    "Where a customer key was switched on, off or to another one since the last upload, S3 cannot compare: run once without "
    "skipUnchanged."
)
