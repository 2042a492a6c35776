"""Bytes of a file go up: with their checksum, and the answer is held against them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO

from ropeway.s3.answered import told
from ropeway.s3.checksums import ALGORITHMS, Digest, proof_in
from ropeway.s3.engine import Put
from ropeway.s3.files import Same, changed, unreadable
from ropeway.s3.jobs.hands import Begun, Making
from ropeway.s3.jobs.multipart import DAMAGED
from ropeway.s3.jobs.upload import check_still
from ropeway.s3.parts import Part
from ropeway.s3.wire.call import Call
from ropeway.s3.wire.headers import named, of_customer_key, of_time
from ropeway.s3.wire.line import Line
from ropeway.wire.failures import Unreadable
from ropeway.wire.sigv4 import UNSIGNED_PAYLOAD, encoded_query
from ropeway.wire.transport import Slice

HELD = 64 * 1024
"""Bytes up to which a file is read at once, and sent with its head."""
CRC32 = "x-amz-checksum-crc32"
NAMED = "x-amz-sdk-checksum-algorithm"
"""Object Lock asks for it beside the checksum (S3 API reference, PutObject)."""


@dataclass
class Body:
    """What is sent of a file. `crc` is None where none is sent."""

    data: bytes | Slice
    headers: Mapping[str, str]
    hash: str
    crc: str | None


async def put_whole(line: Line, making: Making, put: Put) -> str:
    same = Same(put)
    with opened(put, same) as file:
        body = _body(line, put, file, 0, put.size)
        call = Call(
            "PutObject", "PUT", put.bucket, put.key, making.doing, making.needed, body=body.data, hash=body.hash
        )
        call.headers = {**line.said_of(put.headers), **of_time(put), **body.headers}
        answer = await line.ask(call)
        if isinstance(body.data, bytes):
            line.sent(put.size)
        told(answer.headers, "etag", making.doing, "ETag")
        check_still(making, same, file.fileno())
        verify(line, body, answer.headers, making.name)
    return answer.headers.get("x-amz-version-id", "")


async def send_part(begun: Begun, put: Put, same: Same, number: int, line: Line, *, offset: int, length: int) -> Part:
    making = begun.making
    with opened(put, same) as file:
        body = _body(line, put, file, offset, length)
        answer = await line.ask(
            Call(
                "UploadPart", "PUT", put.bucket, put.key, making.doing, making.needed,
                query=encoded_query({"partNumber": str(number), "uploadId": begun.id}),
                headers={**of_customer_key(put.headers.customer_key), **body.headers}, body=body.data, hash=body.hash,
            )
        )  # fmt: skip
        etag = told(answer.headers, "etag", making.doing, "ETag")
        same.check(file.fileno())
        verify(line, body, answer.headers, f"Part {number} of {making.name}")
    crc = int.from_bytes(base64.b64decode(body.crc), "big") if body.crc else None
    return Part(number, length, etag, crc, echoed=CRC32 in answer.headers)


# --- the body ------------------------------------------------------------------------------------------------------------


class opened:  # noqa: N801 - a context manager by hand: the one that contextlib makes costs a tenth of a small file
    """The file of the plan. What cannot be read of it, meanwhile too, is told as an error of it."""

    def __init__(self, put: Put, same: Same) -> None:
        self._put = put
        self._same = same

    def __enter__(self) -> FileIO:
        try:
            self._file = FileIO(self._put.path)  # which refuses a folder
        except OSError as error:
            raise unreadable(self._put, error) from error
        try:
            self._same.check(self._file.fileno())
        except BaseException:
            self._file.close()
            raise
        return self._file

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._file.close()
        if isinstance(error, Unreadable):
            why = error.why
            raise (
                unreadable(self._put, why) if why else changed(self._put, f"it ended at byte {error.at:,}")
            ) from error
        if isinstance(error, OSError):
            raise unreadable(self._put, error) from error


def _body(line: Line, put: Put, file: FileIO, offset: int, length: int) -> Body:
    """With its CRC32 in a header, for stores that know no trailers; so the file is read once before it is sent.

    Object Lock demands that or an MD5 (S3 API reference, PutObject and UploadPart). Where TLS guards the way the payload is not
    signed, too: a checksum says the same.
    """
    data = _held(file, put) if put.size <= HELD else Slice(file, offset, length, line.sent, line.flow.check)
    if line.checksums:
        checksum, wanted = CRC32, "CRC32"
    elif put.headers.lock_mode or put.headers.legal_hold:
        checksum, wanted = "content-md5", "MD5"
    else:
        checksum, wanted = "", ""
    guarded = line.is_private(put.bucket) and bool(checksum)
    digests = digests_of(line, data, [wanted] if guarded else [wanted, "SHA256"] if wanted else ["SHA256"])
    headers = {checksum: base64.b64encode(digests[0].digest()).decode()} if checksum else {}
    if checksum == CRC32:
        headers[NAMED] = "CRC32"
    return Body(data, headers, UNSIGNED_PAYLOAD if guarded else digests[-1].digest().hex(), headers.get(CRC32))


def _held(file: FileIO, put: Put) -> bytes:
    data = file.read(put.size) or b""
    if len(data) != put.size:
        raise Unreadable(at=len(data))
    return data


def digests_of(line: Line, data: bytes | Slice, algorithms: list[str]) -> list[Digest]:
    """In one go through the bytes."""
    if isinstance(data, bytes):
        return [ALGORITHMS[algorithm](data) for algorithm in algorithms]
    digests = [ALGORITHMS[algorithm]() for algorithm in algorithms]
    at = 0
    while at < data.length:
        block = line.wire.buffer[: data.read(at, line.wire.buffer)]
        for digest in digests:
            digest.update(block)
        at += len(block)
    return digests


def verify(line: Line, body: Body, headers: Mapping[str, str], what: str) -> None:
    """Raises IntegrityError when the store's answer speaks of other bytes than these, as far as it says."""
    if body.crc and headers.get(CRC32) == body.crc:
        return
    if proof := proof_in(named(headers)):
        (digest,) = digests_of(line, body.data, [proof.algorithm])
        proof.check(digest, what, advice=DAMAGED)
