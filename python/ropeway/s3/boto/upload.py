"""Bytes of a file go up: with their checksum, and the answer is held against them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ropeway.s3.answered import told
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.parameters import of_begun, of_location, of_put
from ropeway.s3.boto.slices import Slice
from ropeway.s3.checksums import in_base64
from ropeway.s3.engine import Put
from ropeway.s3.files import Same
from ropeway.s3.jobs.hands import Begun, Making
from ropeway.s3.jobs.upload import check_still
from ropeway.s3.parts import Part
from ropeway.s3.versions import version_in


def put_whole(line: Line, making: Making, put: Put) -> str:
    same = Same(put)
    with _sending(line, making, put, same, offset=0, length=put.size) as body:
        answer = line.client.put_object(
            **of_location(put.bucket, put.key), **of_put(put), **_checksum(line, put, body), Body=body or b""
        )
        told(answer, "ETag", making.doing)
        check_still(making, same, body.fileno())
        body.verify(answer, making.name)
    return version_in(answer)


def send_part(line: Line, begun: Begun, put: Put, same: Same, number: int, *, offset: int, length: int) -> Part:
    making = begun.making
    with _sending(line, making, put, same, offset=offset, length=length) as body:
        answer = line.client.upload_part(**of_begun(begun), **_checksum(line, put, body), PartNumber=number, Body=body)
        etag = told(answer, "ETag", making.doing)
        same.check(body.fileno())
        body.verify(answer, f"Part {number} of {making.name}")
        crc = body.crc32() if line.checksums else None
    return Part(number, length, etag, crc, echoed="ChecksumCRC32" in answer)


@contextmanager
def _sending(line: Line, making: Making, put: Put, same: Same, *, offset: int, length: int) -> Iterator[Slice]:
    with Slice(put, offset, length, same=same, sent=line.sent, stop=line.stop) as body, line.making(making):
        yield body


def _checksum(line: Line, put: Put, body: Slice) -> dict[str, str]:
    """Sent as a header, for stores that know no trailers; so the file is read once before it is sent.

    Object Lock demands one or the other (S3 API reference, PutObject and UploadPart).
    """
    if line.checksums:
        return {"ChecksumAlgorithm": "CRC32", "ChecksumCRC32": in_base64(body.crc32())}
    return {"ContentMD5": body.md5()} if put.headers.lock_mode or put.headers.legal_hold else {}
