"""Each operation, by both engines, against three servers: the same objects, headers and errors are left.

boto3 is the oracle. A server that does not know something refuses it, and then the refusals have to be the same.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ropeway.errors import RopewayError
from ropeway.s3.engine import Condition, CustomerKey, Get, Headers, ObjectEngine
from tests.s3.boto_kit import BOTO, copied, get, noise, put, transfer
from tests.s3.wire_kit import WIRE
from tests.servers.rclone import rclone

MIB = 1 << 20
HEADERS = {
    "content_type": "text/html; charset=utf-8",
    "cache_control": "max-age=60",
    "content_disposition": 'attachment; filename="a b.html"',
    "content_language": "de",
    "content_encoding": "gzip",
    "metadata": (("build", "7"), ("town", "München")),
}
KEYS = ["a", "a b", "a+b", "ü/ß", "日本/🎈", "%41", "q?x=1&y", "#", "'\"<>&", "dir/", "x" * 200, "~-_.!*()"]


@dataclass(frozen=True)
class Scene:
    """What an operation has to work with."""

    engine: ObjectEngine
    bucket: str
    folder: Path
    s3: Any

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path


# --- the operations ----------------------------------------------------------------------------------------------------------


def _done(results: list[Any]) -> list[str]:
    return sorted(f"{getattr(each.work, 'key', '')}: {each.error or 'done'}" for each in results)


def puts(scene: Scene) -> Any:
    files = [scene.file(f"f{size}", noise(size)) for size in (0, 1, 5000)]
    return _done(transfer(scene.engine, *(put(file, scene.bucket, file.name) for file in files)))


def puts_with_headers(scene: Scene) -> Any:
    return _done(transfer(scene.engine, put(scene.file("f", noise(10)), scene.bucket, "key", **HEADERS)))


def puts_with_tags(scene: Scene) -> Any:
    tags = (("cost", "a=b"), ("team", "web site & co"))
    done = _done(transfer(scene.engine, put(scene.file("f", noise(10)), scene.bucket, "key", tags=tags)))
    return done, _tags(scene)


def _tags(scene: Scene) -> Any:
    """rclone answers 200 without a word: an error for both, in botocore's eyes the store's, in ours nobody's of S3."""
    try:
        return sorted(scene.engine.tags(scene.bucket, ["key"]))
    except RopewayError:
        return "no tags"


def puts_any_key(scene: Scene) -> Any:
    file = scene.file("f", noise(10))
    return [_done(transfer(scene.engine, put(file, scene.bucket, key))) for key in KEYS if not key.endswith("/")]


def puts_in_parts(scene: Scene) -> Any:
    return _done(transfer(scene.engine, put(scene.file("f", noise(6 * MIB + 7)), scene.bucket, "large", **HEADERS)))


def puts_with_a_storage_class(scene: Scene) -> Any:
    work = put(scene.file("f", noise(10)), scene.bucket, "key", storage_class="STANDARD_IA", acl="private")
    return _done(transfer(scene.engine, work))


def puts_with_a_customer_key(scene: Scene) -> Any:
    key = CustomerKey(b"0123456789abcdef0123456789abcdef")
    return _done(transfer(scene.engine, put(scene.file("f", noise(10)), scene.bucket, "key", customer_key=key)))


def gets(scene: Scene) -> Any:
    objects = {"small": noise(5000), "empty": b"", "large": noise(2 * MIB + 3)}
    for key, data in objects.items():
        scene.s3.put_object(Bucket=scene.bucket, Key=key, Body=data)
    work = [get(scene.bucket, key, scene.folder / f"down-{key}", data) for key, data in objects.items()]
    done = _done(transfer(scene.engine, *work))
    return done, [(scene.folder / f"down-{key}").read_bytes() == data for key, data in objects.items()]


def gets_what_is_gone(scene: Scene) -> Any:
    return _done(transfer(scene.engine, get(scene.bucket, "absent", scene.folder / "down", b"")))


def gets_what_has_changed(scene: Scene) -> Any:
    scene.s3.put_object(Bucket=scene.bucket, Key="key", Body=b"new")
    return _done(transfer(scene.engine, Get(scene.bucket, "key", str(scene.folder / "down"), 3, "0" * 32)))


def lists(scene: Scene) -> Any:
    for key in [*KEYS, *(f"many/{number:02}" for number in range(12))]:
        if not key.endswith("/"):
            scene.s3.put_object(Bucket=scene.bucket, Key=key, Body=key.encode())
    found = (list(scene.engine.list(scene.bucket, prefix)) for prefix in ("", "many/", "a", "absent"))
    return [[(each.key, each.size, each.etag, each.storage_class) for each in listed] for listed in found]


def heads(scene: Scene) -> Any:
    scene.s3.put_object(Bucket=scene.bucket, Key="key", Body=b"12345", ContentType="text/css", Metadata={"a": "b"})
    found = sorted(scene.engine.heads(scene.bucket, ["key", "absent", "ab sent/ü"]), key=lambda pair: pair[0])
    return [
        (key, head and (head.size, head.etag, head.headers, head.checksums, head.checksum_type)) for key, head in found
    ]


def copies(scene: Scene) -> Any:
    scene.s3.put_object(Bucket=scene.bucket, Key="from ü", Body=noise(5000), ContentType="text/plain")
    work = copied(scene.bucket, "from ü", "to ü", noise(5000), headers=Headers(**HEADERS))
    return _done(transfer(scene.engine, work))


def copies_what_is_gone(scene: Scene) -> Any:
    return _done(transfer(scene.engine, copied(scene.bucket, "absent", "to", noise(5000))))


def deletes(scene: Scene) -> Any:
    for key in ("a", "b ü", "c&d", "kept"):
        scene.s3.put_object(Bucket=scene.bucket, Key=key, Body=b"x")
    return [(key, str(error)) for key, error in scene.engine.delete(scene.bucket, ["a", "b ü", "c&d", "absent"])]


def reads(scene: Scene) -> Any:
    scene.s3.put_object(Bucket=scene.bucket, Key="key", Body=b"state")
    small = scene.engine.read(scene.bucket, "key", most=100)
    absent = scene.engine.read(scene.bucket, "absent", most=100)
    return small and (small.body, small.etag), absent


def reads_too_much(scene: Scene) -> Any:
    scene.s3.put_object(Bucket=scene.bucket, Key="key", Body=b"state")
    return scene.engine.read(scene.bucket, "key", most=3)


def writes(scene: Scene) -> Any:
    small = scene.engine.write(scene.bucket, "key", b"state", Headers(content_type="application/json"))
    return small.body, small.etag


def writes_over_another(scene: Scene) -> Any:
    scene.engine.write(scene.bucket, "key", b"first", Headers())
    return scene.engine.write(scene.bucket, "key", b"second", Headers(), Condition(absent=True)).etag


def writes_over_what_it_saw(scene: Scene) -> Any:
    first = scene.engine.write(scene.bucket, "key", b"first", Headers())
    second = scene.engine.write(scene.bucket, "key", b"second", Headers(), Condition(etag=first.etag))
    return second.etag, scene.engine.write(scene.bucket, "key", b"third", Headers(), Condition(etag=first.etag)).etag


def probes(scene: Scene) -> Any:
    return scene.engine.probe(scene.bucket, "any/")


def probes_no_bucket(scene: Scene) -> Any:
    return scene.engine.probe("no-such-bucket-4711", "")


def lists_no_bucket(scene: Scene) -> Any:
    return list(scene.engine.list("no-such-bucket-4711", ""))


def puts_into_no_bucket(scene: Scene) -> Any:
    return _done(transfer(scene.engine, put(scene.file("f", noise(10)), "no-such-bucket-4711", "key")))


def makes_a_bucket_that_is_there(scene: Scene) -> Any:
    return scene.engine.create_bucket(scene.bucket, "us-east-1")


OPERATIONS: list[Callable[[Scene], Any]] = [
    puts, puts_with_headers, puts_with_tags, puts_any_key, puts_in_parts, puts_with_a_storage_class, puts_with_a_customer_key,
    gets, gets_what_is_gone, gets_what_has_changed, lists, heads, copies, copies_what_is_gone, deletes,
    reads, reads_too_much, writes, writes_over_another, writes_over_what_it_saw,
    probes, probes_no_bucket, lists_no_bucket, puts_into_no_bucket, makes_a_bucket_that_is_there,
]  # fmt: skip


# --- the servers -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rclone_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with rclone(tmp_path_factory.mktemp("rclone")) as running:
        yield running


@pytest.fixture(params=["embedded", "seaweed", "rclone_server"])
def place(request: pytest.FixtureRequest) -> Any:
    """A server, and a client that looks into it by itself."""
    server = request.getfixturevalue(request.param)
    return server, request.getfixturevalue("s3") if request.param == "embedded" else server.client()


# --- what is compared ----------------------------------------------------------------------------------------------------------


def played(kind: Any, place: Any, operation: Callable[[Scene], Any], folder: Path) -> tuple[Any, Any]:
    """What came of it, and what is left in the bucket."""
    server, s3 = place
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    (folder / kind.name).mkdir()
    with kind.at(server, retries={"mode": "standard", "total_max_attempts": 2}) as engine:
        scene = Scene(engine, bucket, folder / kind.name, s3)
        try:
            outcome = operation(scene)
        except RopewayError as error:
            outcome = f"{type(error).__name__}: {error}"
    return _without_names(outcome, scene), _without_names(left(s3, bucket), scene)


def left(s3: Any, bucket: str) -> Any:
    """Every object with its bytes and headers, and the uploads that nobody has ended."""
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
    return {key: _object(s3, bucket, key) for key in keys}, _unfinished(s3, bucket)


def _object(s3: Any, bucket: str, key: str) -> Any:
    """Where the customer keeps the key, HEAD is refused as GET is, without a word."""
    try:
        answer = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        return error.response["Error"]["Code"]
    answer["Metadata"].pop("Mtime", None)
    return answer["Body"].read(), {name: value for name, value in answer.items() if name not in ANSWERED}


def _unfinished(s3: Any, bucket: str) -> Any:
    try:
        return len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", ()))
    except s3.exceptions.NoSuchUpload:  # so rclone says that there are none
        return 0


ANSWERED = ("ResponseMetadata", "Body", "LastModified", "VersionId")


def _without_names(outcome: Any, scene: Scene) -> Any:
    """Without what differs in every run: names of buckets and folders, request ids, the time that rclone notes of a copy."""
    text = repr(outcome).replace(scene.bucket, "BUCKET").replace(str(scene.folder), "FOLDER")
    return re.sub(r"request id [\w-]+", "request id ID", text)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_both_engines_leave_the_same(place, operation, tmp_path, monkeypatch):
    for kind in (BOTO, WIRE):
        kind.hurry(monkeypatch)
        kind.tune(monkeypatch, single=5 * MIB, whole=MIB, piece=MIB // 2, busy=())
    by_boto, by_wire = (played(kind, place, operation, tmp_path) for kind in (BOTO, WIRE))
    assert by_wire == by_boto
