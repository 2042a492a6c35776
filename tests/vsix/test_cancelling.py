"""A cancelled step has ten seconds, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.servers.misbehaving import Answer, Misbehaving
from tests.vsix.agent import SIGINT_TIMEOUT, SIGTERM_TIMEOUT, Agent, Step
from tests.vsix.conftest import with_connection

MIB = 2**20


@pytest.fixture
def slow(misbehaving: Misbehaving, seaweed) -> Misbehaving:
    """The real S3, but that a part takes two seconds."""
    misbehaving.upstream = seaweed.endpoint_url
    misbehaving.on(Answer(200, {"ETag": '"0"'}, delay=2), method="PUT", target="partNumber=")
    return misbehaving


@pytest.fixture
def uploading(agent: Agent, seaweed, s3_inputs, slow) -> Step:
    """A large upload that is under way."""
    with (agent.sources / "large.bin").open("wb") as file:
        file.truncate(400 * MIB)
    inputs = {**s3_inputs, "endpointUrl": slow.url, "maxConcurrency": "4"}
    step = agent.start("RopewayS3Upload", inputs, with_connection("build", seaweed))
    until = time.monotonic() + 60
    while not any("partNumber=" in request.target for request in slow.requests):
        assert step.process.poll() is None, step.wait().text
        assert time.monotonic() < until
        time.sleep(0.02)
    return step


def unfinished(seaweed_s3, bucket: str) -> list[str]:
    return [upload["Key"] for upload in seaweed_s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


def test_a_cancelled_upload_ends_in_time_and_leaves_nothing(uploading, seaweed_s3, seaweed_bucket):
    assert unfinished(seaweed_s3, seaweed_bucket) == ["large.bin"]
    seconds = uploading.cancel()
    assert seconds < SIGINT_TIMEOUT + SIGTERM_TIMEOUT
    assert not uploading.context.killed
    assert uploading.context.result == "Canceled"
    assert unfinished(seaweed_s3, seaweed_bucket) == []
    assert "Stopped: the step was cancelled" in uploading.context.text


def test_a_killed_launcher_leaves_no_orphan(uploading, seaweed_s3, seaweed_bucket):
    os.kill(uploading.process.pid, signal.SIGKILL)
    assert uploading.output_closes_within(SIGINT_TIMEOUT + SIGTERM_TIMEOUT)
    assert unfinished(seaweed_s3, seaweed_bucket) == []


def test_a_terminated_launcher_passes_it_on(uploading, seaweed_s3, seaweed_bucket):
    """An agent that is shut down sends SIGTERM at once."""
    uploading.process.send_signal(signal.SIGTERM)
    step = uploading.wait()
    assert step.result == "Failed"
    assert unfinished(seaweed_s3, seaweed_bucket) == []


def test_a_cancelled_download_leaves_no_half_file(agent, seaweed, s3_inputs, seaweed_s3, misbehaving):
    seaweed_s3.put_object(Bucket=s3_inputs["bucketName"], Key="large.bin", Body=bytes(30 * MIB))
    misbehaving.upstream = seaweed.endpoint_url
    misbehaving.on(Answer(delay=2, hang_up=True), method="GET", target=r"/large\.bin")
    target = agent.root / "down"
    inputs = {**s3_inputs, "endpointUrl": misbehaving.url, "targetFolder": str(target)}
    step = agent.start("RopewayS3Download", inputs, with_connection("build", seaweed))
    until = time.monotonic() + 60
    while not any(request.method == "GET" and "/large.bin" in request.target for request in misbehaving.requests):
        assert step.process.poll() is None, step.wait().text
        assert time.monotonic() < until
        time.sleep(0.02)
    step.cancel()
    assert not step.context.killed
    assert [file for file in Path(target).rglob("*") if file.is_file()] == []
