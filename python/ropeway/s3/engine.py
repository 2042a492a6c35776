"""The object engine as a port: plans hand it work, it answers with results. `s3.boto` is the engine on boto3.

Nothing above this module knows how bytes travel; another engine is another implementation of `ObjectEngine`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ropeway.errors import BucketMissing, Cancelled, CredentialsError, NetworkError, RopewayError, WrongRegion
from ropeway.outcome import Cancellation

Pairs = tuple[tuple[str, str], ...]
"""Names and values in order: hashable, where a dict is not."""


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """SSE-C: the key (32 bytes) that S3 encrypts with and forgets. Never printed."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Headers:
    """What S3 keeps beside the bytes. Empty means: not sent. `sse` is AES256, aws:kms or aws:kms:dsse.

    `lock_mode` is GOVERNANCE or COMPLIANCE and goes with `lock_until`, a time as 2027-01-31T00:00:00Z. `website_redirect` is where a
    website's endpoint leads to instead of answering with the object; `expires` a time as HTTP writes it.
    """

    content_type: str = ""
    cache_control: str = ""
    content_encoding: str = ""
    content_disposition: str = ""
    content_language: str = ""
    metadata: Pairs = ()
    tags: Pairs = ()
    storage_class: str = ""
    acl: str = ""
    sse: str = ""
    kms_key_id: str = ""
    customer_key: CustomerKey | None = None
    lock_mode: str = ""
    lock_until: str = ""
    legal_hold: bool = False
    expires: str = ""
    website_redirect: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """Send a local file. Size in bytes and mtime in nanoseconds are those of the plan: a file that differs by then is an error.

    With `keep_modified` the object's metadata tell the mtime too.
    """

    path: str
    bucket: str
    key: str
    size: int
    mtime_ns: int
    headers: Headers
    keep_modified: bool = False


@dataclass(frozen=True, slots=True)
class Get:
    """Fetch an object to `path`, whole or not at all (a temporary name beside it, then a rename). Parent folders are made.

    `etag` pins what the plan saw: another one by then is an error. `version_id` asks for that version, empty for the current one.
    With `keep_modified` the file's mtime is the one in the metadata, else the time at which the object was stored. `only_new`: what
    somebody has put at `path` meanwhile stays, and is an error.
    """

    bucket: str
    key: str
    path: str
    size: int
    etag: str
    customer_key: CustomerKey | None = None
    version_id: str = ""
    keep_modified: bool = False
    only_new: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """Make an object from another one on the server's side. It gets these headers and none of the source's: no tags, no ACL, no lock.

    `etag` pins the source that the plan saw: another one by then is an error (PreconditionFailed), as it is for Get. Where source
    and target are the same object, only its headers change; its bytes are written anew all the same, as a new version where the
    bucket keeps them. Size in bytes: S3 copies more than 5 GB in parts only. `headers.customer_key` encrypts the target,
    `source_customer_key` is what the source is encrypted with; `source_version_id` empty for the current version. No bytes come
    by here: `sent` is told of the size of what was copied.
    """

    bucket: str
    key: str
    source_bucket: str
    source_key: str
    size: int
    etag: str
    headers: Headers
    source_version_id: str = ""
    source_customer_key: CustomerKey | None = None


Transfer = Put | Get | Copy


@dataclass(frozen=True, slots=True)
class Transferred:
    """What became of one transfer: `error` is None only when every byte has arrived and was verified.

    `version_id` is that of the object which was written or read, where the bucket keeps versions.
    """

    work: Transfer
    seconds: float
    error: RopewayError | None = None
    version_id: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it. `modified` is seconds since the epoch; an ETag is held without its quotes.

    A listing shows current versions, whose `version_id` it does not tell.
    """

    key: str
    size: int
    etag: str
    storage_class: str
    modified: float
    version_id: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """An object as HEAD shows it. `checksums` are (algorithm, base64) pairs; `checksum_type` FULL_OBJECT or COMPOSITE.

    An ETag is held without its quotes. `modified` is seconds since the epoch, `version_id` empty where the bucket never kept versions.
    """

    size: int
    etag: str
    headers: Headers
    tag_count: int = 0
    checksums: Pairs = ()
    checksum_type: str = ""
    restore: str = ""
    modified: float = 0.0
    version_id: str = ""


@dataclass(frozen=True, slots=True)
class Small:
    """An object that is read or written whole in one request: state that Ropeway keeps.

    `date` is the server's clock when it answered (HTTP's `Date`, whole seconds since the epoch), `modified` the same clock when it was
    written (`Last-Modified`; 0 where the answer does not say, as that to a write); an ETag is held without its quotes.
    """

    body: bytes = field(repr=False)
    etag: str
    version_id: str
    date: float
    modified: float = 0.0


@dataclass(frozen=True, slots=True)
class Condition:
    """When a write may happen: only where nothing is (`absent`, If-None-Match), or only over what has this ETag (If-Match). Not both."""

    absent: bool = False
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What every request says: whose bucket it must be (an account id; empty: anybody's), and whether the requester pays for it.

    A copy says the same of the bucket it copies from.
    """

    bucket_owner: str = ""
    requester_pays: bool = False


Sent = Callable[[int], None]
"""Told of bytes that went over the wire since the last call; negative when a part starts again. From any thread."""

CONCERN_ALL = (BucketMissing, Cancelled, CredentialsError, NetworkError, WrongRegion)
"""The other objects would meet the same: an engine raises these, where an object's own error travels in its result."""


class ObjectEngine(Protocol):
    """Errors of one object travel in its result; errors that concern all (credentials, bucket, network) are raised.

    What takes a `cancellation` raises Cancelled within seconds of it, even while the network is stuck.
    """

    name: Literal["boto3", "wire"]

    def list(self, bucket: str, prefix: str, *, cancellation: Cancellation | None = None) -> Iterator[Listed]:
        """All objects whose key begins with `prefix`, in key order (but for directory buckets), page by page."""
        ...

    def heads(
        self,
        bucket: str,
        keys: Sequence[str],
        customer_key: CustomerKey | None = None,
        *,
        versions: Mapping[str, str] | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[tuple[str, Head | None]]:
        """Each key with its head, None where there is no such object; many in flight, in any order. Raises the first error.

        `versions` (key -> version id) asks for these versions of these keys.
        """
        ...

    def tags(
        self, bucket: str, keys: Sequence[str], *, cancellation: Cancellation | None = None
    ) -> Iterator[tuple[str, Pairs]]:
        """Each key with the tags of its object, sorted by name; many in flight, in any order. Raises the first error.

        An object that is not there is an error: whoever asks has seen it.
        """
        ...

    def transfer(self, work: Iterable[Transfer], sent: Sent, cancellation: Cancellation) -> Iterator[Transferred]:
        """Do all the work, many in flight, results in order of completion.

        After the first error nothing new is begun; what is in flight ends. On cancellation it stops sending, aborts its
        multipart uploads, removes its temporary files, and raises Cancelled; the same when the iterator is closed.
        """
        ...

    def delete(
        self, bucket: str, keys: Sequence[str], *, cancellation: Cancellation | None = None
    ) -> Iterator[tuple[str, RopewayError | None]]:
        """Delete the current version of each key; each comes back once, in the order given. An absent object is no error.

        Up to 1,000 a request, one request after the other. A key that AWS refuses to delete comes with its error (None: it is
        gone), and the others of its request are deleted all the same; whoever wants no more to be deleted then closes the iterator.
        An answer that refuses a whole request is raised. Any key can be deleted, also one that XML 1.0 cannot carry.
        """
        ...

    def read(self, bucket: str, key: str, *, most: int, cancellation: Cancellation | None = None) -> Small | None:
        """A small object, verified; None where there is none. Raises IntegrityError, reading no further, when it is over `most` bytes."""
        ...

    def write(
        self,
        bucket: str,
        key: str,
        body: bytes,
        headers: Headers,
        condition: Condition | None = None,
        *,
        cancellation: Cancellation | None = None,
    ) -> Small:
        """Write a small object in one request. Raises ConditionFailed when somebody else was there first.

        That is a 412; a 409 (somebody is writing or deleting at this moment); and a 404 to a write over an ETag (it was deleted).
        A retry that meets its own first write, whose answer was lost, is told apart by reading the object back: it holds these very
        bytes. So what two writers might both write must differ between them (an owner, a nonce). After a NetworkError nobody knows
        whether it was written: read it.
        """
        ...

    def probe(self, bucket: str, prefix: str, *, cancellation: Cancellation | None = None) -> None:
        """One listing of at most one key: raises what any work on this bucket would meet. AccessDenied is for the caller to weigh."""
        ...

    def create_bucket(
        self, bucket: str, region: str, *, object_lock: bool = False, cancellation: Cancellation | None = None
    ) -> None:
        """Make the bucket in `region`, with versions and Object Lock if asked.

        One that is ours already is no error; one of somebody else is.
        """
        ...
