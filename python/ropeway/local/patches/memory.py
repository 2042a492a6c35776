"""A large object is not held whole: a range is read alone, and parts are joined one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from moto.s3.models import FakeKey, FakeMultipart, MultipartDict
from moto.s3.responses import S3Response

from ropeway.local.patches.patch import Answer, Patch, around


class Joined:
    """The bytes of the parts of a multipart upload, one after the other; a part is let go once it is read."""

    def __init__(self, upload: FakeMultipart, parts: Sequence[FakeKey]) -> None:
        self._parts = parts
        upload.being_joined = True

    def __len__(self) -> int:
        return sum(part.contentsize for part in self._parts)

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            yield part.value
            part.dispose()


class Ranged:
    """Stands for the bytes of an object until it is known which of them are wanted."""

    def __init__(self, key: FakeKey) -> None:
        self._key = key

    def __len__(self) -> int:
        return int(self._key.contentsize)

    def __getitem__(self, wanted: slice) -> bytes:
        begin, end, _ = wanted.indices(len(self))
        with self._key.lock:
            self._key._value_buffer.seek(begin)  # noqa: SLF001 - this is what we mend
            content: bytes = self._key._value_buffer.read(end - begin)  # noqa: SLF001
        return content


_ranges: ContextVar[bool] = ContextVar("ranges", default=False)
"""Whether the request that this thread serves asks for a range."""


def _store(key: FakeKey, value: bytes | str | Joined) -> None:
    """A text comes from moto's copies of keys whose bytes were let go: those of parts that were joined. It is empty."""
    if isinstance(value, str):
        value = value.encode()
    buffer = key._value_buffer  # noqa: SLF001
    buffer.seek(0)
    buffer.truncate()
    if len(value) > key._max_buffer_size:  # noqa: SLF001
        buffer.rollover()  # before it is written: a spooled file first keeps in memory what it then writes to disk
    for chunk in value if isinstance(value, Joined) else (value,):
        buffer.write(chunk)
    key.contentsize = len(value)


def _mend() -> None:
    whole = FakeKey.value.fget
    FakeKey.value = property(lambda key: Ranged(key) if _ranges.get() else whole(key), _store)

    FakeMultipart.being_joined = False

    @around(MultipartDict, "__delitem__")
    def removed(original: Any, uploads: MultipartDict, upload_id: str) -> None:
        """Moto lets the parts go before the object is stored, having joined them in memory."""
        if uploads[upload_id].being_joined:
            dict.__delitem__(uploads, upload_id)
        else:
            original(uploads, upload_id)

    @around(S3Response, "get_object")
    def get_object(original: Any, request: S3Response) -> Answer:
        reset = _ranges.set("range" in request.headers)
        try:
            answer: Answer = original(request)
        finally:
            _ranges.reset(reset)
        return answer

    @around(S3Response, "_handle_range_header")
    def cut(original: Any, *args: Any) -> Answer:
        status, headers, content = original(*args)
        return status, headers, content[:] if isinstance(content, Ranged) else content


PATCH = Patch(
    "Large objects cost little memory: a range is read alone, parts are joined one after the other.", mend=_mend
)
