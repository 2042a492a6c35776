"""Files become objects: one request for a small file, parts for a larger one."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from ropeway.errors import IntegrityError, LocalFileError, RopewayError
from ropeway.s3 import actions
from ropeway.s3.boto.answered import told
from ropeway.s3.boto.checksums import in_base64, joined
from ropeway.s3.boto.flow import Job, Request, advise
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.parameters import of_customer_key, of_location, of_put
from ropeway.s3.boto.slices import Slice, check_unchanged
from ropeway.s3.boto.versions import version_in
from ropeway.s3.engine import Put

MIB = 1 << 20
SINGLE = 8 * MIB
"""Bytes up to which a file is sent in one request; also the smallest part."""
MOST_PARTS = 10_000
"""S3 user guide, "Amazon S3 multipart upload limits"."""


@dataclass(frozen=True)
class Upload:
    """A multipart upload that was begun. `whole` says that the store keeps a checksum of the whole object, not of its parts'."""

    id: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A part that arrived. `crc` is None where none was sent; `echoed` where the store gave it back."""

    number: int
    length: int
    etag: str
    crc: int | None
    echoed: bool


def upload(line: Line, put: Put) -> Job[str]:
    """Returns the id of the version that was made."""
    if put.size <= SINGLE:
        (version_id,) = yield [partial(_put, line, put)]
    else:
        version_id = yield from _in_parts(line, put)
    return str(version_id)


def _put(line: Line, put: Put) -> str:
    with _sending(line, put, 0, put.size) as body:
        answer = line.client.put_object(
            **of_location(put.bucket, put.key), **of_put(put), **_checksum(line, put, body), Body=body or b""
        )
        told(answer, "ETag", _doing(put))
        _check_still(put, body)
        body.verify(answer, _name(put))
    return version_in(answer)


def _check_still(put: Put, body: Slice) -> None:
    """After the answer: what was read is an object by now, and may be half of one file and half of another."""
    try:
        body.check_unchanged()
    except LocalFileError as changed:
        advise(changed, f"{_name(put)} holds what was read of it.")
        raise


@contextmanager
def _sending(line: Line, put: Put, offset: int, length: int) -> Iterator[Slice]:
    with Slice(put, offset, length, sent=line.sent, stop=line.stop) as body, _asking(line, put):
        yield body


def _asking(line: Line, put: Put) -> Any:
    return line.asking(_doing(put), actions.of_put(put.headers), put.bucket)


def _doing(put: Put) -> str:
    return f"upload {put.path} to {_name(put)}"


def _name(put: Put) -> str:
    return f"s3://{put.bucket}/{put.key}"


def _checksum(line: Line, put: Put, body: Slice) -> dict[str, str]:
    """Sent as a header, for stores that know no trailers; so the file is read once before it is sent.

    Object Lock demands one or the other (S3 API reference, PutObject and UploadPart).
    """
    if line.checksums:
        return {"ChecksumAlgorithm": "CRC32", "ChecksumCRC32": in_base64(body.crc32())}
    return {"ContentMD5": body.md5()} if put.headers.lock_mode or put.headers.legal_hold else {}


# --- in parts ----------------------------------------------------------------------------------------------------------


def part_size(size: int) -> int:
    """Whole MiB, so that there are at most 10,000 parts."""
    return max(SINGLE, -(-size // MOST_PARTS // MIB) * MIB)


def _in_parts(line: Line, put: Put) -> Job[str]:
    (begun,) = yield [partial(_begin, line, put)]
    try:
        parts = yield _parts(line, put, begun)
        (version_id,) = yield [partial(_complete, line, put, begun, parts)]
    except Exception as error:
        yield from _abort(line, put, begun, error)
        raise
    return str(version_id)


def _begin(line: Line, put: Put) -> Upload:
    wanted = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"} if line.checksums else {}
    with _asking(line, put):
        answer = line.client.create_multipart_upload(**of_location(put.bucket, put.key), **of_put(put), **wanted)
    return Upload(told(answer, "UploadId", _doing(put)), whole=answer.get("ChecksumType") == "FULL_OBJECT")


def _parts(line: Line, put: Put, begun: Upload) -> Iterator[Request]:
    step = part_size(put.size)
    for number in range(1, -(-put.size // step) + 1):
        yield partial(_send_part, line, put, begun, number)


def _send_part(line: Line, put: Put, begun: Upload, number: int) -> Part:
    step = part_size(put.size)
    offset = step * (number - 1)
    length = min(step, put.size - offset)
    with _sending(line, put, offset, length) as body:
        answer = line.client.upload_part(
            **_of_upload(put, begun), **_checksum(line, put, body), PartNumber=number, Body=body
        )
        etag = told(answer, "ETag", _doing(put))
        body.check_unchanged()
        body.verify(answer, f"Part {number} of {_name(put)}")
        crc = body.crc32() if line.checksums else None
    return Part(number, length, etag, crc, echoed="ChecksumCRC32" in answer)


def _of_upload(put: Put, begun: Upload) -> dict[str, Any]:
    return of_location(put.bucket, put.key) | of_customer_key(put.headers.customer_key) | {"UploadId": begun.id}


def _complete(line: Line, put: Put, begun: Upload, parts: list[Part]) -> str:
    check_unchanged(put)
    whole = {"ChecksumCRC32": in_base64(_crc_of(parts))} if begun.whole else {}
    with _asking(line, put):
        answer = _completed(line, put, begun, parts, whole)
        told(answer, "ETag", _doing(put))
    if whole and answer.get("ChecksumCRC32", whole["ChecksumCRC32"]) != whole["ChecksumCRC32"]:
        raise IntegrityError(
            f"{_name(put)} did not arrive whole: its CRC32 is {answer['ChecksumCRC32']} in S3 and {whole['ChecksumCRC32']} here.",
            advice="What S3 holds is damaged: run again to replace it.",
        )
    return version_in(answer)


def _completed(line: Line, put: Put, begun: Upload, parts: list[Part], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    type_and_size = {"ChecksumType": "FULL_OBJECT", "MpuObjectSize": put.size} if whole else {}
    try:
        answer: Mapping[str, Any] = line.client.complete_multipart_upload(
            **_of_upload(put, begun),
            **whole,
            **type_and_size,
            MultipartUpload={"Parts": [_listed(part) for part in parts]},
        )
    except ClientError as error:
        if not _lost_its_answer(error):
            raise
        return _found(line, put, whole, error)
    return answer


def _listed(part: Part) -> dict[str, Any]:
    crc = {"ChecksumCRC32": in_base64(part.crc)} if part.crc is not None and part.echoed else {}
    return {"PartNumber": part.number, "ETag": part.etag, **crc}


def _crc_of(parts: Iterable[Part]) -> int:
    crc = 0
    for part in parts:
        crc = joined(crc, part.crc or 0, part.length)
    return crc


def _lost_its_answer(error: ClientError) -> bool:
    """An upload that was completed by an attempt whose answer never came is unknown to the next attempt."""
    retried = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
    return retried > 0 and error.response.get("Error", {}).get("Code") == "NoSuchUpload"


def _found(line: Line, put: Put, whole: Mapping[str, Any], error: ClientError) -> Mapping[str, Any]:
    """The object's own word that it is the one that was sent. Raises `error` when it does not give it."""
    if not whole:
        raise error
    with line.asking(f"look at {_name(put)}", actions.of_head(), put.bucket):
        answer: Mapping[str, Any] = line.client.head_object(
            **of_location(put.bucket, put.key), **of_customer_key(put.headers.customer_key), ChecksumMode="ENABLED"
        )
    if answer.get("ChecksumCRC32") != whole["ChecksumCRC32"]:
        raise error
    return answer


# --- giving up -----------------------------------------------------------------------------------------------------------


def _abort(line: Line, put: Put, begun: Upload, error: Exception) -> Generator[list[Request], list[Any], None]:
    try:
        yield [partial(_abort_now, line, put, begun)]
    except RopewayError as failure:
        if isinstance(error, RopewayError):
            advise(error, _left_over(put, begun, failure))


def _abort_now(line: Line, put: Put, begun: Upload) -> None:
    """Twice: a part that was on its way during the first may be stored after it (API reference, AbortMultipartUpload)."""
    location = of_location(put.bucket, put.key) | {"UploadId": begun.id}
    with line.asking(f"abort the upload to {_name(put)}", actions.ABORT, put.bucket):
        try:
            line.client.abort_multipart_upload(**location)
            line.client.abort_multipart_upload(**location)
        except line.client.exceptions.NoSuchUpload:
            return


def _left_over(put: Put, begun: Upload, failure: RopewayError) -> str:
    return (
        f"The parts of {_name(put)} that had been sent are still kept, and cost, as aborting their upload {begun.id} failed: "
        f"{failure.message} Abort it with `aws s3api abort-multipart-upload`, or let a lifecycle rule of the bucket do it "
        "(AbortIncompleteMultipartUpload)."
    )
