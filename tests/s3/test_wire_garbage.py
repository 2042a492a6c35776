"""What a file leaves behind goes at once: who waits for the collector of cycles holds the memory of thousands, and pays for the search."""

import gc

from ropeway.outcome import Cancellation
from ropeway.s3.engine import Get, Headers, Put
from ropeway.s3.jobs.hands import Making
from ropeway.s3.temporary import Temporary
from ropeway.s3.wire.call import Call
from ropeway.wire.connection import Request
from ropeway.wire.loop import Task
from ropeway.wire.response import NONE, Answer, Reader
from tests.s3.wire_kit import WIRE

OF_A_FILE = (Answer, Call, Making, Reader, Request, Task, Temporary)


def test_a_file_leaves_nothing_for_the_collector_of_cycles(embedded, bucket, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"bytes")
    put = Put(str(path), bucket, "key", 5, path.stat().st_mtime_ns, Headers(content_type="text/plain"))
    get = Get(bucket, "key", str(tmp_path / "back"), 5, "")
    with WIRE.at(embedded) as engine:
        gc.collect()
        gc.disable()
        try:
            for work in (put, get):
                (done,) = engine.transfer([work], lambda _: None, Cancellation())
                assert done.error is None
            assert [key for key, head in engine.heads(bucket, ["key"]) if head] == ["key"]
            assert [listed.key for listed in engine.list(bucket, "")] == ["key"]
            left = [one for one in gc.get_objects() if isinstance(one, OF_A_FILE) and one is not NONE]
        finally:
            gc.enable()
    assert left == []
