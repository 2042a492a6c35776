"""The bytes of objects are read and hashed: what S3 tells of them is not asked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence

from ropeway.outcome import Cancellation
from ropeway.s3.engine import CONCERN_ALL, Get, ObjectEngine, Transferred
from ropeway.s3.site.plan import Target
from ropeway.s3.site.source import digests
from ropeway.s3.state.manifest import Entry


def bytes_read(
    engine: ObjectEngine, target: Target, entries: Sequence[Entry], cancellation: Cancellation
) -> Iterator[tuple[Entry, str]]:
    """Each entry, as it is read, with what is wrong: empty where the object holds its bytes. Raises what concerns all objects."""
    with tempfile.TemporaryDirectory(prefix="ropeway-") as folder:
        gets = {id(get): (get, one) for get, one in _gets(target, entries, folder)}
        work = (get for get, _ in gets.values())
        for done in engine.transfer(work, lambda _: None, cancellation):
            _, entry = gets[id(done.work)]
            yield entry, _differs(done, entry, cancellation)


def _gets(target: Target, entries: Sequence[Entry], folder: str) -> Iterator[tuple[Get, Entry]]:
    for at, one in enumerate(entries):
        yield Get(target.bucket, target.key(one.key), os.path.join(folder, str(at)), one.size, one.etag), one


def _differs(done: Transferred, entry: Entry, cancellation: Cancellation) -> str:
    if isinstance(done.error, CONCERN_ALL):
        raise done.error
    if done.error:
        return done.error.message.rstrip(".")
    assert isinstance(done.work, Get)  # noqa: S101 - for the type alone
    read, _ = digests(done.work.path, cancellation)
    os.unlink(done.work.path)
    return "" if read == entry.sha256 else "its bytes"
