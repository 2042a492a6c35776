"""docs/faults.md, against S3Deploy: each fault that can strike an upload strikes one file of a release, before the pages.

What S3Upload tells of it, S3Deploy tells. Nothing is deleted, no page changes, the history says what is live; and the next run finishes it.
"""

from __future__ import annotations

import uuid

import pytest

from ropeway.errors import RopewayError
from tests.s3.boto_kit import ENGINES
from tests.s3.wire_kit import WIRE
from tests.servers.cable import cable
from tests.servers.misbehaving import s3_error
from tests.tasks.faults import FAULTS, STRUCK, Scene, in_quotes, in_small_parts
from tests.tasks.sites import history
from tests.tasks.test_faults import rows

OLD_SITE = {"index.html": b"old page", "gone.html": b"to be deleted", "a.txt": b"old a.txt", STRUCK: b"old struck"}
ELSEWHERE = {"What is there cannot be seen whole: a page of the listing, or one object's headers"}
BY_BOTH = {
    "`503 SlowDown`, on and on",
    "200 with an error inside, on and on",
    "The session token expires (`ExpiredToken`)",
    "Access to one object is denied",
    "The file is written to while it is sent",
}
"""By the engine on boto3, too: what engines make of faults, tests/tasks/test_faults.py tells of all."""
STRIKING = [
    pytest.param(kind, fault, id=f"{kind.name}-{fault.name}")
    for fault in FAULTS
    for kind in ENGINES
    if fault.up and fault.name not in ELSEWHERE and (kind is WIRE or fault.name in BY_BOTH)
]
by_wire = pytest.mark.parametrize("engine_kind", [WIRE], indirect=True, ids=["wire"])


@pytest.fixture
def scene(engine_kind, misbehaving, embedded, s3, bucket, tmp_path, monkeypatch):
    in_small_parts(engine_kind, monkeypatch)
    misbehaving.upstream = embedded.endpoint_url
    with cable(misbehaving.url) as line:
        yield Scene("up", engine_kind, misbehaving, line, s3, embedded, bucket, tmp_path / "source", monkeypatch)


@pytest.fixture
def deploy(run_task, make_tree, scene):
    """`deploy("41", FILES)`, undisturbed; `at` the store of the scene with the files of its folder."""

    def run(release, files=None, *, at=None):
        source = make_tree(files, f"site-{uuid.uuid4().hex[:6]}") if files else str(scene.folder)
        how = {"store": at, "between": at.between} if at else {}
        return run_task(
            "s3_deploy", source_folder=source, bucket_name=scene.bucket, release_id=release, max_concurrency="1", max_delete_percent="100",
            **scene.kind.inputs, **how,
        ).outcome  # fmt: skip

    return run


def new_site(scene, make_tree):
    """The five files of the scene, of which the third is struck, and a page; the files go up in the order of their names."""
    make_tree({**scene.new, "index.html": b"new page"})
    return {**scene.new, "index.html": b"new page"}


def shown(scene):
    return {key: body for key, body in scene.arrived().items() if not key.startswith(".ropeway/")}


def ended(deploy, scene):
    """The error, raised or in the outcome."""
    try:
        return deploy("42", at=scene).error
    except RopewayError as error:
        return error


@pytest.mark.parametrize(("engine_kind", "fault"), STRIKING, indirect=["engine_kind"])
def test_a_fault_before_the_pages_changes_no_page_deletes_nothing_and_the_next_run_ends_it(
    deploy, scene, make_tree, fault
):
    assert deploy("41", OLD_SITE).error is None
    scene.large = fault.large
    site = new_site(scene, make_tree)
    fault.up(scene)
    error = ended(deploy, scene)
    scene.monkeypatch.undo()
    row = rows()[fault.name]
    if row.up.startswith("ends well"):
        assert error is None
        assert shown(scene) == site
        return
    assert error is not None
    for words in [*in_quotes(row.up, scene.kind.name), *in_quotes(row.todo)]:
        assert words in str(error)
    assert any(name in str(error) for name in scene.struck_names())
    assert scene.uploads() == []
    if fault.name == "The bucket is deleted":
        return
    nothing_after(scene)
    if scene.path.is_dir():
        scene.path.rmdir()
    make_tree(site)
    assert deploy("42").error is None
    assert shown(scene) == site
    assert history(scene.s3, scene.bucket, "@root") == ("42", {"41": "live", "42": "live"})


def nothing_after(scene):
    now = shown(scene)
    assert now["index.html"] == b"old page"
    assert now["gone.html"] == b"to be deleted"
    assert "e.txt" not in now
    live, states = history(scene.s3, scene.bucket, "@root")
    assert (live, states.get("42", "failed")) == ("41", "failed")


@by_wire
def test_what_cannot_be_looked_at_stops_it_before_anything_is_written(deploy, scene, make_tree):
    assert deploy("41", OLD_SITE).error is None
    new_site(scene, make_tree)
    scene.s3.put_object(Bucket=scene.bucket, Key=STRUCK, Body=b"by others")
    before = scene.arrived()
    scene.answer(s3_error(500, "InternalError"), method="HEAD")
    assert f"Could not look at s3://{scene.bucket}/{STRUCK}" in str(ended(deploy, scene))
    assert scene.arrived() == before


@by_wire
@pytest.mark.parametrize("denied", ["index.html", "gone.html"])
def test_an_object_that_may_not_be_written_or_deleted_is_named_and_the_release_is_not_live(
    deploy, scene, make_tree, denied
):
    assert deploy("41", OLD_SITE).error is None
    site = new_site(scene, make_tree)
    refused = "<Error><Key>gone.html</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    if denied == "index.html":
        scene.answer(s3_error(403, "AccessDenied"), target="index.html")
    else:
        answer = s3_error(200, "")
        scene.answer(
            type(answer)(200, answer.headers, f"<DeleteResult>{refused}</DeleteResult>".encode()),
            method="POST",
            target="delete",
        )
    error = ended(deploy, scene)
    assert f"s3://{scene.bucket}/{denied}" in str(error)
    assert "gone.html" in shown(scene)
    assert history(scene.s3, scene.bucket, "@root") == ("41", {"41": "live", "42": "failed"})
    assert deploy("42").error is None
    assert shown(scene) == site
