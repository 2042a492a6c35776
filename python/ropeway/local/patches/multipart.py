"""A multipart upload is asked for by its id and its key; its parts, their order and their checksums are checked at the end."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from moto.s3.exceptions import EntityTooSmall, InvalidPart, InvalidPartOrder, MalformedXML
from moto.s3.models import FakeKey, FakeMultipart
from moto.s3.responses import S3Response
from moto.settings import S3_UPLOAD_PART_MIN_SIZE
from moto.utilities.utils import md5_hash

from ropeway.local.patches.checksums import DIGESTS, PREFIX, check_value, encoded, sent
from ropeway.local.patches.memory import Joined
from ropeway.local.patches.patch import Patch, Refused, begins_multipart, bucket_of, key_of, query_has, query_value


@dataclass(frozen=True)
class Listed:
    """A part as CompleteMultipartUpload lists it. `checksums` by algorithm, in lower case."""

    number: int
    etag: str
    checksums: dict[str, str]


@dataclass(frozen=True)
class Completion:
    """What CompleteMultipartUpload asks for. Header names are lower case."""

    parts: tuple[Listed, ...]
    headers: dict[str, str]


def _check(request: S3Response) -> None:
    if begins_multipart(request):
        _check_kind(request.headers)
    elif query_has(request, "uploadId"):
        _check_part(request, _upload(request))


def _check_kind(headers: Any) -> None:
    algorithm = headers.get("x-amz-checksum-algorithm", "").lower()
    kind = headers.get("x-amz-checksum-type", "")
    wrong = {"FULL_OBJECT": {"sha1", "sha256"}, "COMPOSITE": {"crc64nvme"}}
    if algorithm in wrong.get(kind, set()):
        message = f"The {kind} checksum type cannot be used with the {algorithm} checksum algorithm."
        raise Refused(400, "InvalidRequest", message)


def _upload(request: S3Response) -> FakeMultipart | None:
    """The upload; None when it is complete already, which moto answers as S3 does."""
    upload_id, bucket = query_value(request, "uploadId"), bucket_of(request)
    if not bucket:
        return None
    upload = bucket.multiparts.get(upload_id)
    if upload and upload.key_name == key_of(request):
        return upload
    if request.method == "POST" and _completed(request, upload_id):
        return None
    raise Refused(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        UploadId=upload_id,
    )


def _completed(request: S3Response, upload_id: str | None) -> bool:
    made = request.backend.get_object(request.bucket_name, key_of(request))
    return bool(made and made.multipart and made.multipart.id == upload_id)


def _check_part(request: S3Response, upload: FakeMultipart | None) -> None:
    """A part of an upload that was begun with an algorithm carries a checksum of that algorithm."""
    if request.method != "PUT" or not upload or "x-amz-copy-source" in request.headers:
        return
    number = query_value(request, "partNumber") or ""
    if not (number.isdigit() and 1 <= int(number) <= 10_000):
        raise Refused(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    expected, actual = _algorithm(upload), sent(request)[0]
    if expected and expected != actual:
        message = f"Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {actual or 'null'}"
        raise Refused(400, "InvalidRequest", message)


def _algorithm(upload: FakeMultipart) -> str:
    return str(upload.metadata.get("x-amz-checksum-algorithm", "")).lower()


def _asked(request: S3Response, body: bytes) -> Completion:
    try:
        tree = ET.fromstring(body)  # noqa: S314 - expat of today expands no bombs, and only this user can ask
        parts = tuple(_listed(part) for part in tree.iterfind("{*}Part"))
    except (ET.ParseError, ValueError):
        raise MalformedXML from None
    return Completion(parts, {name.lower(): value for name, value in request.headers.items()})


def _listed(part: ET.Element) -> Listed:
    found = {child.tag.rpartition("}")[2]: child.text or "" for child in part}
    checksums = {tag[len("Checksum") :].lower(): text for tag, text in found.items() if tag.startswith("Checksum")}
    return Listed(int(found.get("PartNumber", "")), found.get("ETag", "").strip('"'), checksums)


def _complete(upload: FakeMultipart, asked: Completion) -> tuple[Joined, str, tuple[str, str, int] | None]:
    """In place of FakeMultipart.complete: the bytes, the ETag, and the checksum (kind, value, count of parts) if there is one."""
    parts = list(_parts(upload, asked))
    size = sum(part.contentsize for part in parts)
    _check_size(asked, size)
    checksum = _checksum(upload, asked, parts)
    etags = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    return Joined(upload, parts), f"{md5_hash(etags).hexdigest()}-{len(parts)}", checksum


def _parts(upload: FakeMultipart, asked: Completion) -> Iterator[FakeKey]:
    if not asked.parts:
        raise MalformedXML
    numbers = [listed.number for listed in asked.parts]
    if numbers != sorted(set(numbers)):
        raise InvalidPartOrder
    for listed in asked.parts:
        part = upload.parts.get(listed.number)
        if part is None or part.etag.strip('"') != listed.etag:
            raise InvalidPart
        if part.contentsize < S3_UPLOAD_PART_MIN_SIZE and listed is not asked.parts[-1]:
            raise EntityTooSmall
        yield part


def _check_size(asked: Completion, size: int) -> None:
    if asked.headers.get("x-amz-mp-object-size", str(size)) != str(size):
        message = (
            f"The provided 'x-amz-mp-object-size' header value {asked.headers['x-amz-mp-object-size']} "
            f"does not match what was computed: {size}"
        )
        raise Refused(400, "InvalidRequest", message)


def _checksum(upload: FakeMultipart, asked: Completion, parts: list[FakeKey]) -> tuple[str, str, int] | None:
    algorithm = _algorithm(upload)
    given = asked.headers.get(PREFIX + algorithm, "")
    kind = upload.metadata.get("x-amz-checksum-type") or ("FULL_OBJECT" if algorithm == "crc64nvme" else "COMPOSITE")
    if algorithm not in DIGESTS:
        return (kind, given, len(parts)) if given and kind == "FULL_OBJECT" else None
    digest = _whole_crc32(parts) if kind == "FULL_OBJECT" else _composite(algorithm, asked, parts)
    if given:
        check_value(algorithm, given.partition("-")[0], lambda: digest)
    return kind, encoded(digest), len(parts)


def _whole_crc32(parts: list[FakeKey]) -> bytes:
    """Of the algorithms known here, only CRC32 goes with FULL_OBJECT."""
    crc = 0
    for part in parts:
        crc = zlib.crc32(part.value, crc)
    return crc.to_bytes(4, "big")


def _composite(algorithm: str, asked: Completion, parts: list[FakeKey]) -> bytes:
    """The checksum of the parts' checksums (S3 user guide, "Checking object integrity"); the request must list them all."""
    digests = []
    for listed, part in zip(asked.parts, parts, strict=True):
        if algorithm not in listed.checksums:
            message = (
                f"The upload was created using a {algorithm} checksum. The complete request must include the "
                f"checksum for each part. It was missing for part {listed.number} in the request."
            )
            raise Refused(400, "InvalidRequest", message)
        digests.append(DIGESTS[algorithm](part.value))
        if listed.checksums[algorithm] != encoded(digests[-1]):
            raise InvalidPart
    return DIGESTS[algorithm](b"".join(digests))


def _mend() -> None:
    S3Response._complete_multipart_body = _asked  # noqa: SLF001 - this is what we mend
    FakeMultipart.complete = _complete


PATCH = Patch(
    "A multipart upload is found by id and key only; order, size and checksums of its parts are checked when it is completed.",
    _check,
    _mend,
)
