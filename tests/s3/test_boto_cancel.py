"""Cancelled in the middle: sending stops, uploads are aborted, temporary files go, and it is soon over, network or not."""

import os
import threading
import time

import pytest

from ropeway.errors import Cancelled
from ropeway.outcome import Cancellation
from tests.s3.boto_kit import (
    NO_RETRIES,
    boto_only,
    each_engine,
    engine_at,
    get,
    noise,
    put,
    tune,
    until_no_request_is_left,
)
from tests.servers.cable import cable

MIB = 1 << 20

pytestmark = each_engine


@pytest.fixture(autouse=True)
def nothing_goes_on():
    yield
    until_no_request_is_left()


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(noise(24 * MIB))
    return path


@pytest.fixture
def hurried(monkeypatch):
    """Little patience with what cannot come; on a slow machine what can may still take its time."""
    tune(monkeypatch, grace=0.3, clean_up=60)


@pytest.fixture
def patient(monkeypatch):
    """What can end, and what can be cleaned up, is waited for."""
    tune(monkeypatch, grace=60, clean_up=60)


@pytest.fixture
def hopeless(monkeypatch, hurried):
    tune(monkeypatch, clean_up=0.5)


def uploads(s3, bucket):
    return s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


def after(count, cancellation):
    """A `sent` that cancels when that many bytes are over the wire."""
    total, lock = 0, threading.Lock()

    def sent(more):
        nonlocal total
        with lock:
            total += more
        if total >= count:
            cancellation.ask("the job was cancelled")

    return sent


def test_a_cancelled_upload_stops_in_mid_part_and_leaves_no_upload(embedded, s3, bucket, large, patient):
    cancellation = Cancellation()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, **NO_RETRIES) as engine:
        with pytest.raises(Cancelled, match=r"^Stopped: the job was cancelled\.$"):
            list(engine.transfer([put(large, bucket, "key")], after(10 * MIB, cancellation), cancellation))
        assert line.carried["up"] < 16 * MIB
    assert uploads(s3, bucket) == []
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@boto_only
@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
def test_whatever_request_is_in_flight_no_upload_is_left(embedded, s3, bucket, large, patient, operation):
    cancellation = Cancellation()
    with engine_at(embedded) as engine:
        engine._client.meta.events.register(f"before-send.s3.{operation}", lambda **_: cancellation.ask("enough"))
        with pytest.raises(Cancelled, match=r"^Stopped: enough\.$"):
            list(engine.transfer([put(large, bucket, "key")], lambda _: None, cancellation))
    assert uploads(s3, bucket) == []


def test_a_cancelled_upload_of_small_files_begins_no_other(embedded, s3, bucket, tmp_path, patient):
    cancellation = Cancellation()
    for number in range(50):
        (tmp_path / str(number)).write_bytes(noise(1000, number))
    puts = (put(tmp_path / str(number), bucket, f"{number:02}") for number in range(50))
    arrived = []
    with engine_at(embedded, concurrency=2) as engine:
        running = engine.transfer(puts, after(5000, cancellation), cancellation)
        with pytest.raises(Cancelled):
            arrived.extend(result.work.key for result in running)
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert sorted(arrived) == keys
    assert 5 <= len(keys) <= 10


def test_a_cancelled_download_leaves_no_file_of_any_name(embedded, s3, bucket, tmp_path, monkeypatch):
    tune(monkeypatch, whole=9 * MIB)
    s3.put_object(Bucket=bucket, Key="large", Body=noise(20 * MIB))
    s3.put_object(Bucket=bucket, Key="small", Body=noise(8 * MIB))
    cancellation = Cancellation()
    work = [
        get(bucket, "large", tmp_path / "large", noise(20 * MIB)),
        get(bucket, "small", tmp_path / "small", noise(8 * MIB)),
    ]
    with engine_at(embedded) as engine, pytest.raises(Cancelled):
        list(engine.transfer(work, after(MIB, cancellation), cancellation))
    assert os.listdir(tmp_path) == []


def test_closing_the_iterator_stops_the_work_and_cleans_up(embedded, s3, bucket, large, tmp_path, patient):
    (tmp_path / "small").write_bytes(b"small")
    sending = threading.Event()
    with engine_at(embedded) as engine:
        running = engine.transfer(
            [put(tmp_path / "small", bucket, "small"), put(large, bucket, "large")],
            lambda count: sending.set() if count > 5 else None,
            Cancellation(),
        )
        assert next(running).work.key == "small"
        running.close()
    assert uploads(s3, bucket) == []
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["small"]


def test_an_upload_on_a_dead_network_is_left_with_its_id_and_what_to_do(embedded, s3, bucket, large, hopeless):
    cancellation = Cancellation()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, **NO_RETRIES) as engine:
        line.dead("up", after=5 * MIB)
        threading.Thread(target=lambda: (line.broken.wait(), cancellation.ask("the job was cancelled"))).start()
        with pytest.raises(Cancelled) as stopped:
            list(engine.transfer([put(large, bucket, "key")], lambda _: line.dead("up", after=0), cancellation))
    (left,) = uploads(s3, bucket)
    assert str(stopped.value).startswith("Stopped: the job was cancelled.")
    assert f"aborting their upload {left['UploadId']} failed: There was no answer within" in str(stopped.value)
    assert "AbortIncompleteMultipartUpload" in str(stopped.value)


def test_one_dead_connection_does_not_keep_the_upload_from_being_aborted(embedded, s3, bucket, large, hurried):
    cancellation = Cancellation()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, concurrency=2, **NO_RETRIES) as engine:
        line.dead("up", after=5 * MIB)

        def cancel_on_a_network_that_is_well_again():
            line.broken.wait()
            line.mend()
            cancellation.ask("the job was cancelled")

        threading.Thread(target=cancel_on_a_network_that_is_well_again).start()
        with pytest.raises(Cancelled, match=r"^Stopped: the job was cancelled\.$"):
            list(engine.transfer([put(large, bucket, "key")], lambda _: None, cancellation))
    assert uploads(s3, bucket) == []


def test_a_download_on_a_dead_network_leaves_no_file(embedded, s3, bucket, tmp_path, hurried):
    s3.put_object(Bucket=bucket, Key="large", Body=noise(20 * MIB))
    cancellation = Cancellation()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, **NO_RETRIES) as engine:
        line.dead("down", after=3 * MIB)
        threading.Thread(target=lambda: (line.broken.wait(), cancellation.ask("enough"))).start()
        work = get(bucket, "large", tmp_path / "large", noise(20 * MIB))
        with pytest.raises(Cancelled, match="enough"):
            list(engine.transfer([work], lambda _: None, cancellation))
        assert os.listdir(tmp_path) == []


def test_nothing_is_sent_any_more_by_a_thread_that_was_left_behind(embedded, s3, bucket, tmp_path, hurried):
    """Its connection comes back to life after the run: the next attempt must not begin."""
    (tmp_path / "file").write_bytes(noise(MIB))
    cancellation = Cancellation()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, read_timeout=1) as engine:
        line.dead("up", after=100_000)
        threading.Thread(target=lambda: (line.broken.wait(), cancellation.ask("enough"))).start()
        with pytest.raises(Cancelled):
            list(engine.transfer([put(tmp_path / "file", bucket, "key")], lambda _: None, cancellation))
        line.mend()
        until_no_request_is_left()
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_cancelled_transfer_is_over_before_an_agent_loses_patience(embedded, bucket, large):
    """Ten seconds in all (azure-pipelines-agent): this leaves two for whoever called."""
    cancellation, asked = Cancellation(), []

    def cancel():
        line.broken.wait()
        asked.append(time.monotonic())
        cancellation.ask("the job was cancelled")

    with cable(embedded.endpoint_url) as line, engine_at(line.url, **NO_RETRIES) as engine:
        line.dead("up", after=5 * MIB)
        threading.Thread(target=cancel).start()
        with pytest.raises(Cancelled):
            list(engine.transfer([put(large, bucket, "key")], lambda _: line.dead("up", after=0), cancellation))
        over = time.monotonic()
    assert over - asked[0] < 8
