"""A stretch of an object's bytes, received into a file, and taken up again where the connection broke."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ropeway.errors import IntegrityError
from ropeway.s3 import actions
from ropeway.s3.arrival import NOT_KEPT, Stamp, Stretch, changed, doing, name, of_range, pinned_by, span
from ropeway.s3.checksums import Digest, Proof, from_base64, proof_in
from ropeway.s3.engine import Get
from ropeway.s3.temporary import Temporary
from ropeway.s3.wire.call import Call
from ropeway.s3.wire.headers import modified_in, named, of_customer_key
from ropeway.s3.wire.line import Line
from ropeway.wire.failures import Failure
from ropeway.wire.response import Answer, Sink
from ropeway.wire.sigv4 import encoded_query

PAUSES = (0.1, 0.3, 1.0, 3.0)
"""Seconds before a body that broke off is taken up again; after the last it is an error."""


def stamp_of(get: Get, headers: Mapping[str, str]) -> Stamp:
    modified = modified_in(headers) if get.keep_modified else None
    return Stamp(headers.get("x-amz-version-id", ""), modified, headers.get("etag", "").strip('"'))


async def receive(
    line: Line, get: Get, file: Temporary, how: Mapping[str, Any], digest: Digest | None = None
) -> Stretch:
    """What GetObject gives with `how` (a Range or a PartNumber), written to its place in `file` and taken in by `digest`.

    With neither it is the whole object, and verified by what the answer says of it. A stretch that broke off goes on by a Range
    from there: the pinned ETag says that it is the same object.
    """
    arriving = _Arriving(line, get, file, how, digest)
    broken = await arriving.some()
    for pause in PAUSES:
        if broken is None:
            break
        await line.wire.loop.sleep(pause)
        broken = await arriving.some()
    if broken is not None:
        raise line.told(arriving.call, broken) from broken
    return arriving.whole()


class _Arriving:
    """`stretch` is there as soon as an answer has said which bytes it brings."""

    def __init__(self, line: Line, get: Get, file: Temporary, how: Mapping[str, Any], digest: Digest | None) -> None:
        self._line = line
        self._get = get
        self._file = file
        self._how = how
        self._digest = digest
        self._stretch: Stretch | None = None
        self.call = asking(line, get, "GET", how)

    async def some(self) -> Failure | None:
        """Ask for all, or for the rest. Returns what broke it off, if something did."""
        stretch, how = self._stretch, self._how
        if stretch is not None:
            if stretch.at == stretch.end:
                return None
            how = of_range(stretch.at, stretch.end)
        self.call = asking(self._line, self._get, "GET", how)
        try:
            await ask(self._line, self._get, self.call, lambda status, headers: self._begin(status, headers, how))
        except Failure as failure:
            return failure
        return None

    def whole(self) -> Stretch:
        stretch = self._stretch
        if stretch is None or stretch.at != stretch.end:
            arrived = stretch.at - stretch.start if stretch else 0
            raise IntegrityError(
                f"{name(self._get)} did not arrive whole: {arrived:,} bytes came and no more.", advice=NOT_KEPT
            )
        if stretch.proof and stretch.digest:
            stretch.proof.check(stretch.digest, name(self._get), advice=NOT_KEPT)
        return stretch

    def _begin(self, status: int, headers: Mapping[str, str], how: Mapping[str, Any]) -> Sink | None:
        if status >= 300:
            return None
        answer = named(headers)
        start, end = span(self._get, answer, how)
        if self._stretch is None:
            proof = None if how else _proof(headers, answer)
            of = stamp_of(self._get, headers)
            self._get = pinned_by(self._get, of)
            self._stretch = Stretch(start, end, start, proof.start() if proof else self._digest, of, proof)
        self.call.sinking = True
        return self._take

    def _take(self, block: memoryview) -> None:
        self._line.flow.check()
        stretch = self._stretch
        if stretch is None or stretch.at + len(block) > stretch.end:
            raise IntegrityError(f"{name(self._get)} did not arrive whole: more came than it holds.", advice=NOT_KEPT)
        self._file.write(stretch.at, block)
        if stretch.digest:
            stretch.digest.update(block)
        stretch.at += len(block)
        self._line.sent(len(block))


def _proof(headers: Mapping[str, str], answer: Mapping[str, Any]) -> Proof | None:
    """What Ropeway's own objects have is found at once."""
    crc = headers.get("x-amz-checksum-crc32", "-")
    if "-" not in crc and headers.get("x-amz-checksum-type") == "FULL_OBJECT":
        return Proof("CRC32", from_base64(crc))
    return proof_in(answer)


async def head(line: Line, get: Get, part: int) -> tuple[Mapping[str, Any], Stamp]:
    call = asking(line, get, "HEAD", {"PartNumber": part} if part else {})
    if part:
        call.headers.pop("if-match", None)
    headers = (await ask(line, get, call)).headers
    return named(headers), stamp_of(get, headers)


# --- asking for the version that was planned -------------------------------------------------------------------------------


def asking(line: Line, get: Get, method: str, how: Mapping[str, Any] | None = None) -> Call:
    """Every GET and HEAD of the object asks for what the plan saw, and for checksums."""
    how = how or {}
    headers = {"x-amz-checksum-mode": "ENABLED"} if line.checksums else {}
    if get.etag:
        headers["if-match"] = f'"{get.etag}"'
    if "Range" in how:
        headers["range"] = how["Range"]
    if get.customer_key:
        headers |= of_customer_key(get.customer_key)
    asked = {"partNumber": str(how["PartNumber"])} if "PartNumber" in how else {}
    if get.version_id:
        asked["versionId"] = get.version_id
    return Call(
        f"{method.capitalize()}Object", method, get.bucket, get.key, doing(get), actions.of_get(get.version_id),
        query=encoded_query(asked) if asked else "", headers=headers, accepted=PRECONDITION,
    )  # fmt: skip


PRECONDITION = frozenset({412})


async def ask(line: Line, get: Get, call: Call, choose: Any = None) -> Answer:
    answer = await line.ask(call, choose)
    if answer.status == 412:
        raise changed(get, answer.headers.get("x-amz-request-id", ""))
    return answer
