"""The bundle in S3, once for all that is deployed of it, and the address from which the hosts fetch it.

An address holds the right to read this one object for a while, so that no host needs keys, a role or the AWS CLI. It dies with the
credentials that signed it: those of a role or of a federated connection live an hour or less. (S3 user guide, "Download and upload objects
with presigned URLs".)
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ropeway.aws.answers import asking
from ropeway.aws.session import Aws
from ropeway.ec2.bundle import Bundle
from ropeway.errors import LocalFileError
from ropeway.outcome import Cancellation
from ropeway.s3.checksums import strongest
from ropeway.s3.encryption import AS_THE_BUCKET, Encryption
from ropeway.s3.engine import Head, Headers, ObjectEngine, Put
from ropeway.s3.state.place import StatePlace

LONGEST = 7 * 24 * 3600
"""Seconds of an address, by SigV4. (S3 user guide, as above.)"""
SHA256 = "sha256"
BLOCK = 1 << 20


@dataclass(frozen=True)
class Staged:
    """`uploaded` is False where the bundle was there already. Size in bytes."""

    place: StatePlace
    size: int
    uploaded: bool


def stage_in_s3(
    engine: ObjectEngine,
    folder: StatePlace,
    bundle: Bundle,
    cancellation: Cancellation,
    *,
    encryption: Encryption = AS_THE_BUCKET,
) -> Staged:
    """The bundle below `folder`, under its sha256. Raises what the upload raises."""
    place = folder.below(bundle.name)
    if is_there(engine, place, bundle, cancellation):
        return Staged(place, bundle.size, uploaded=False)
    headers = encryption.on(Headers(content_type="application/gzip", metadata=((SHA256, bundle.sha256),)))
    found = os.stat(bundle.path)
    put = Put(bundle.path, place.bucket, place.key, found.st_size, found.st_mtime_ns, headers)
    for done in engine.transfer([put], lambda _: None, cancellation):
        if done.error:
            raise done.error
    return Staged(place, bundle.size, uploaded=True)


def is_there(engine: ObjectEngine, place: StatePlace, bundle: Bundle, cancellation: Cancellation) -> bool:
    """Whether the very bytes of it lie there: an upload that went wrong, or somebody's other object, is written over."""
    heads = dict(engine.heads(place.bucket, [place.key], cancellation=cancellation))
    head = heads[place.key]
    return head is not None and head.size == bundle.size and _is_proved(head, bundle)


def _is_proved(head: Head, bundle: Bundle) -> bool:
    """By the checksum that S3 has; where it has none of the whole object, by what was written down when it was uploaded."""
    proof = strongest(head)
    if proof is None:
        return dict(head.headers.metadata).get(SHA256) == bundle.sha256
    digest = proof.start()
    try:
        with open(bundle.path, "rb") as file:
            for block in iter(lambda: file.read(BLOCK), b""):
                digest.update(block)
    except OSError as error:
        raise LocalFileError(f"{bundle.path} cannot be read: {error.strerror or error}.") from error
    return digest.digest() == proof.digest


def presigned(aws: Aws, place: StatePlace, seconds: int) -> str:
    """An address of the object that works for so long, and at most for as long as the credentials do. Raises CredentialsError."""
    client = aws.client("s3", signature_version="s3v4")
    with asking(f"make an address for {place.address}"):
        return str(
            client.generate_presigned_url(
                "get_object",
                Params={"Bucket": place.bucket, "Key": place.key},
                ExpiresIn=max(1, min(seconds, LONGEST)),
            )
        )
