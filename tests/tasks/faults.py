"""Faults, each as it strikes one of five files on its way up or down. docs/faults.md says what comes of each."""

from __future__ import annotations

import datetime as dt
import errno
import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ropeway.aws import roles
from ropeway.aws.connection import Connection
from ropeway.aws.session import Aws
from ropeway.local.embedded import EmbeddedAws
from ropeway.s3 import temporary
from tests.s3.boto_kit import CONNECTION, Kind, noise
from tests.secrecy import SECRET_ACCESS_KEY
from tests.servers.cable import Cable
from tests.servers.misbehaving import Answer, Misbehaving, Request, _forwarded, s3_error

MIB = 1 << 20
STRUCK = "c/struck.bin"
NAMES = ("a.txt", "b.txt", STRUCK, "d.txt", "e.txt")


@dataclass
class Scene:
    """One task, in front of a store that a fault can be put into, by one engine. Whatever is moved replaces something older.

    Five files, of which the third is struck; one request at a time, so that two are done by then and two not begun.
    """

    way: str
    kind: Kind
    misbehaving: Misbehaving
    line: Cable
    s3: Any
    embedded: EmbeddedAws
    bucket: str
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    between: Callable[[Aws], object] = lambda _: None
    inputs: dict[str, str] = field(default_factory=dict)
    connection: Connection = CONNECTION
    large: bool = False
    region: str = "us-east-1"
    before: dict[str, bytes] = field(default_factory=lambda: dict(OLD))

    @property
    def endpoint_url(self) -> str:
        return self.line.url

    @property
    def module(self) -> str:
        return "s3_upload" if self.way == "up" else "s3_download"

    @property
    def method(self) -> str:
        return "PUT" if self.way == "up" else "GET"

    @property
    def new(self) -> dict[str, bytes]:
        struck = 5 * MIB + 1000 if self.large and self.way == "up" else 40_000
        return {name: noise(struck if name == STRUCK else 100, seed) for seed, name in enumerate(NAMES)}

    @property
    def texts(self) -> dict[str, str]:
        """The inputs, as a pipeline gives them."""
        ends = {"source_folder": str(self.folder)} if self.way == "up" else {"target_folder": str(self.folder)}
        return {"bucket_name": self.bucket, "max_concurrency": "1", **ends, **self.kind.inputs, **self.inputs}

    def struck_names(self) -> tuple[str, str, str]:
        """How an error may name what it is about; a listing has no one object yet."""
        return f"s3://{self.bucket}/{STRUCK}", str(self.path), f"list s3://{self.bucket}/"

    # --- what there is -------------------------------------------------------------------------------------------------

    def furnish(self) -> None:
        """The new where it is taken from, and the old where it goes."""
        in_folder, in_bucket = (self.new, OLD) if self.way == "up" else (OLD, self.new)
        for name, data in in_folder.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(data)
        for name, data in in_bucket.items():
            self.s3.put_object(Bucket=self.bucket, Key=name, Body=data, ChecksumAlgorithm="CRC32")

    def arrived(self) -> dict[str, bytes]:
        """All that lies where the task moves to, files of any name included."""
        if self.way == "down":
            files = (path for path in self.folder.rglob("*") if path.is_file())
            return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in files}
        if self.bucket not in [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]:
            return {}
        return {
            listed["Key"]: self.s3.get_object(Bucket=self.bucket, Key=listed["Key"])["Body"].read()
            for listed in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        }

    def uploads(self) -> list[Any]:
        """Uploads in parts that nobody ended."""
        there = self.bucket in [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]
        return self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []) if there else []

    def expected(self, done: list[str]) -> dict[str, bytes]:
        """What should lie there when these are done: the others are as they were before."""
        return {name: self.new[name] if name in done else data for name, data in self.before.items()}

    # --- what goes wrong -----------------------------------------------------------------------------------------------

    def answer(self, answer: Answer | Callable[[Request], Answer], times: int | None = None, **when: Any) -> None:
        """To the requests that move the struck object's bytes."""
        self.misbehaving.on(answer, **{"method": self.method, "target": "struck"} | when, times=times)

    def then_pass(self, act: Callable[[], object], **when: Any) -> None:
        """Do that as soon as the first such request has come; it is answered as if nothing were."""

        def acted(request: Request) -> Answer:
            act()
            return _forwarded(self.misbehaving.upstream, request)

        self.answer(acted, times=1, **when)

    def delete_bucket(self) -> None:
        for listed in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", []):
            self.s3.delete_object(Bucket=self.bucket, Key=listed["Key"])
        self.before = {} if self.way == "up" else self.before
        for begun in self.uploads():
            self.s3.abort_multipart_upload(Bucket=self.bucket, Key=begun["Key"], UploadId=begun["UploadId"])
        self.s3.delete_bucket(Bucket=self.bucket)

    @property
    def path(self) -> Path:
        return self.folder / STRUCK


OLD = {name: b"old " + name.encode() for name in NAMES}

Strike = Callable[[Scene], object]


def in_small_parts(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that are soon sent, and no pauses before another attempt."""
    kind.tune(monkeypatch, single=5 * MIB, whole=50_000, piece=30_000, pauses=(0.01, 0.01))
    kind.hurry(monkeypatch)


# --- strikes ---------------------------------------------------------------------------------------------------------------


def answered(answer: Answer, times: int | None = None, **when: Any) -> Strike:
    return lambda scene: scene.answer(answer, times, **when)


def between(act: Callable[[Scene], object]) -> Strike:
    def struck(scene: Scene) -> None:
        scene.between = lambda _: act(scene)

    return struck


def reset(times: int) -> Strike:
    """In the middle of the struck body: what is before it is shorter than 9,000 bytes."""
    return lambda scene: scene.line.cut(scene.way, after=9_000, times=times)  # type: ignore[arg-type]


def expired(code: str, words: str) -> Strike:
    """After two objects, and for all that follows."""
    return answered(s3_error(400, code, words), target="struck|[de].txt")


def renewed(scene: Scene) -> None:
    """The session is over by the time that the third object's turn has come."""
    planned = 0
    hour = dt.timedelta(hours=1)

    def now() -> dt.datetime:
        passed = planned and len(scene.misbehaving.requests) >= planned + 2
        return dt.datetime.now(dt.timezone.utc) + (hour if passed else dt.timedelta())

    def wear(aws: Any) -> None:
        nonlocal planned
        planned = len(scene.misbehaving.requests)
        aws._session.get_credentials()._time_fetcher = now

    scene.monkeypatch.setenv("AWS_ENDPOINT_URL_STS", scene.embedded.endpoint_url)
    scene.monkeypatch.setattr(roles, "_now", now)
    scene.between = wear
    scene.connection = Connection(
        "a role", access_key_id="AKIAROPEWAYTEST00000", secret_access_key=SECRET_ACCESS_KEY, role_arn="arn:aws:iam::123456789012:role/deploy",
        duration_seconds=900,
    )  # fmt: skip


def skewed() -> Answer:
    times = {"RequestTime": "20260101T000000Z", "ServerTime": "2026-01-01T00:20:00Z"}
    return s3_error(403, "RequestTimeTooSkewed", "The difference is too large.", **times)


def wrong_bytes(scene: Scene) -> None:
    data = scene.new[STRUCK]
    head = scene.s3.head_object(Bucket=scene.bucket, Key=STRUCK, ChecksumMode="ENABLED")
    told = {"ETag": head["ETag"], "x-amz-checksum-crc32": head["ChecksumCRC32"]}
    scene.answer(Answer(200, told, bytes([data[0] ^ 1]) + data[1:]))


def cut_short(times: int | None) -> Strike:
    def struck(scene: Scene) -> None:
        etag = scene.s3.head_object(Bucket=scene.bucket, Key=STRUCK)["ETag"]
        data = scene.new[STRUCK]
        scene.answer(Answer(200, {"ETag": etag}, data, cut=5_000), times=1)
        told = {"ETag": etag, "Content-Range": f"bytes 5000-{len(data) - 1}/{len(data)}"}
        if times is None:
            scene.answer(Answer(206, told, data[5_000:], cut=0))

    return struck


def completed_unheard(scene: Scene) -> None:
    def cut(request: Request) -> Answer:
        return replace(_forwarded(scene.misbehaving.upstream, request), cut=60)

    scene.answer(cut, times=1, **COMPLETE)


def shorter(scene: Scene) -> None:
    """Whole as HTTP goes, but not the object."""
    etag = scene.s3.head_object(Bucket=scene.bucket, Key=STRUCK)["ETag"]
    scene.answer(Answer(200, {"ETag": etag}, scene.new[STRUCK][:5_000]))


def full_disk(scene: Scene) -> None:
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    scene.monkeypatch.setattr(temporary.os, "write", full)


def folder_gone(scene: Scene) -> None:
    """A file in the place of the folder that the struck file goes to."""
    scene.path.unlink()
    scene.path.parent.rmdir()
    scene.path.parent.write_bytes(b"a file")
    scene.before = {**{name: OLD[name] for name in NAMES if name != STRUCK}, "c": b"a file"}


def opened_as(how: Callable[[str], Any]) -> Strike:
    """The struck file is opened so."""
    return lambda scene: scene.kind.open_as(scene.monkeypatch, STRUCK, how)


class BadDisk(io.FileIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def refused(path: str) -> Any:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def replaced_by_folder(scene: Scene) -> None:
    scene.path.unlink()
    scene.path.mkdir()
    if scene.way == "down":
        del scene.before[STRUCK]


def rewritten(scene: Scene) -> None:
    """When all its bytes are on their way: they arrive, but nobody can tell that they are of one moment."""
    scene.before[STRUCK] = scene.new[STRUCK]
    scene.then_pass(lambda: (scene.path.write_bytes(bytes(40_000)), os.utime(scene.path, (1, 1))))


def truncated(scene: Scene) -> None:
    scene.then_pass(lambda: os.truncate(scene.path, 5 * MIB), target="struck.*partNumber=1")


def stored_anew(scene: Scene) -> object:
    return scene.s3.put_object(Bucket=scene.bucket, Key=STRUCK, Body=b"another")


def deleted(scene: Scene) -> object:
    return scene.s3.delete_object(Bucket=scene.bucket, Key=STRUCK)


def bucket_deleted(scene: Scene) -> None:
    def gone(_: Request) -> Answer:
        scene.delete_bucket()
        return s3_error(404, "NoSuchBucket", "The specified bucket does not exist")

    scene.answer(gone, times=1)


def second_page(scene: Scene) -> None:
    entry = "<Contents><Key>a.txt</Key><Size>100</Size><ETag>e</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
    page = f"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>{entry}</ListBucketResult>"
    scene.answer(s3_error(500, "InternalError"), target="continuation-token")
    scene.answer(Answer(200, body=page.encode()), target="list-type")


def head_fails(scene: Scene) -> None:
    """Of an object that has as many bytes: of others the listing tells enough."""
    scene.inputs["skip_unchanged"] = "true"
    scene.before[STRUCK] = bytes(len(scene.new[STRUCK]))
    scene.s3.put_object(Bucket=scene.bucket, Key=STRUCK, Body=scene.before[STRUCK])
    scene.answer(s3_error(500, "InternalError"), method="HEAD")


COMPLETE = {"method": "POST", "target": "struck.*uploadId"}
SLOW = s3_error(503, "SlowDown", "Please reduce your request rate.")
INSIDE = s3_error(200, "InternalError", "We encountered an internal error. Please try again.")
WRONG = Answer(200, {"ETag": '"e"', "x-amz-checksum-crc32": "AAAAAA=="})
KMS_OFF = s3_error(400, "KMS.DisabledException", "arn:aws:kms:us-east-1:1:key/k is disabled.")
PAGE = Answer(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>")
TOLD_WRONG = s3_error(400, "BadDigest", "The CRC32 you specified did not match the calculated checksum.")


@dataclass(frozen=True)
class Fault:
    """`name` is the first column of docs/faults.md. None: it cannot happen to this task. `large`: to files that go up in parts."""

    name: str
    up: Strike | None
    down: Strike | None
    large: bool = False

    def strike(self, way: str) -> Strike | None:
        return self.up if way == "up" else self.down


def both(name: str, strike: Strike) -> Fault:
    return Fault(name, strike, strike)


FAULTS = (
    both("`503 SlowDown`, for a while", answered(SLOW, times=3)),
    both("`503 SlowDown`, on and on", answered(SLOW)),
    both("`500 InternalError`, once", answered(s3_error(500, "InternalError"), times=1)),
    both("`500 InternalError`, on and on", answered(s3_error(500, "InternalError"))),
    both("The connection is reset in the middle of a body, once", reset(1)),
    both("The connection is reset in the middle of a body, again and again", reset(1000)),
    Fault("An answer with 200 ends too early, once", completed_unheard, cut_short(1), large=True),
    Fault("An answer with 200 ends too early, again and again", answered(Answer(200, body=b"<a/>" * 9, cut=9), **COMPLETE), cut_short(None), large=True),
    Fault("An answer with 200 has fewer bytes than the object", None, shorter),
    both("An answer with 200 that is not from S3", answered(PAGE)),
    Fault("The store tells the checksum of other bytes", answered(WRONG), wrong_bytes),
    Fault("The bytes are changed on the way", answered(TOLD_WRONG), wrong_bytes),
    Fault("200 with an error inside (`CompleteMultipartUpload`), once", answered(INSIDE, times=1, **COMPLETE), None, large=True),
    Fault("200 with an error inside, on and on", answered(INSIDE, **COMPLETE), answered(INSIDE), large=True),
    both("The session token expires (`ExpiredToken`)", expired("ExpiredToken", "The provided token has expired.")),
    both("The session of a role ends, and can be renewed", renewed),
    both("This machine's clock is wrong (`RequestTimeTooSkewed`)", answered(skewed())),
    both("Access to one object is denied", answered(s3_error(403, "AccessDenied", "Access Denied"))),
    both("The KMS key is disabled", answered(KMS_OFF)),
    both("The bucket is deleted", bucket_deleted),
    Fault("What is there cannot be seen whole: a page of the listing, or one object's headers", head_fails, second_page),
    both("The object is replaced after the plan", between(stored_anew)),
    both("The object is deleted after the plan", between(deleted)),
    Fault("The disk is full", None, full_disk),
    Fault("A file stands where the folder should be", None, between(folder_gone)),
    Fault("The file cannot be read: the disk is damaged", opened_as(BadDisk), None),
    Fault("The file cannot be read: no permission", opened_as(refused), None),
    Fault("The file is a folder by now", between(replaced_by_folder), between(replaced_by_folder)),
    Fault("The file is gone after the plan", between(lambda scene: scene.path.unlink()), between(lambda scene: scene.path.unlink())),
    Fault("The file is written to while it is sent", rewritten, None),
    Fault("The file is cut short while it is sent", truncated, None, large=True),
)  # fmt: skip


def in_quotes(cell: str, engine: str = "") -> list[str]:
    """What the page shows in “quotes” is what is printed, to the letter; “so (boto3: otherwise)” where that engine has other words."""
    cell = re.sub(
        r"“[^”]+” \((\w+): (“[^”]+”)\)", lambda found: found[2 if found[1] == engine else 0].partition(" (")[0], cell
    )
    return re.findall("“([^”]+)”", cell)
