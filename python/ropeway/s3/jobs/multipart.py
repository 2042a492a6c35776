"""An object that is made of parts: begun, its parts sent or copied, completed; or aborted, whatever happens (S3 user guide, "Uploading and
copying objects using multipart upload").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from ropeway.errors import AwsError, IntegrityError, RopewayError
from ropeway.s3.checksums import in_base64
from ropeway.s3.jobs.hands import Begun, Hands, Making
from ropeway.s3.parts import Part, crc_of, is_of_upload, left_over
from ropeway.s3.versions import version_in

DAMAGED = "What S3 holds is damaged: run again to replace it."


def advise(error: RopewayError, advice: str) -> None:
    """Add to what the error says is to be done."""
    error.advice = f"{error.advice} {advice}".strip()


async def in_parts(
    hands: Hands,
    making: Making,
    parts: Callable[[Begun], Iterable[Awaitable[Part]]],
    check: Callable[[], object] = lambda: None,
) -> str:
    """`check` is done before it is completed. Returns the id of the version that was made."""
    begun = await hands.begin(making)
    try:
        arrived = await hands.gather(parts(begun))
        check()
        return await _complete(hands, begun, arrived)
    except Exception as error:
        hands.cleaning_up()
        await _abort(hands, begun, error)
        raise


async def _complete(hands: Hands, begun: Begun, parts: Sequence[Part]) -> str:
    crc = crc_of(parts)
    whole = in_base64(crc) if begun.whole and crc is not None else ""
    answer = await hands.complete(begun, parts, whole)
    if isinstance(answer, AwsError):
        answer = await _found(hands, begun, whole, answer)
    if whole and answer.get("ChecksumCRC32", whole) != whole:
        raise IntegrityError(
            f"{begun.making.name} did not arrive whole: its CRC32 is {answer['ChecksumCRC32']} in S3 and {whole} here.",
            advice=DAMAGED,
        )
    return version_in(answer)


async def _found(hands: Hands, begun: Begun, whole: str, error: AwsError) -> Mapping[str, Any]:
    """The object's own word that it is the one that was sent. Raises `error` when it does not give it."""
    work = begun.making.work
    head = await hands.look(work.bucket, work.key, work.headers.customer_key) if whole else None
    if head and dict(head.checksums).get("CRC32") == whole and is_of_upload(begun.began, head.modified):
        return {"ChecksumCRC32": whole, "VersionId": head.version_id}
    raise error


async def _abort(hands: Hands, begun: Begun, error: Exception) -> None:
    try:
        await hands.abort(begun)
    except RopewayError as failure:
        gone = isinstance(failure, AwsError) and failure.code == "NoSuchUpload"
        if isinstance(error, RopewayError) and not gone:
            advise(error, left_over(begun.making.name, begun.id, failure))
