"""A bucket that cannot be asked: each fault is told as itself, and no bucket is made because of one."""

from __future__ import annotations

import dataclasses
import os
import socket

import pytest

from ropeway.aws.connection import Network
from ropeway.errors import BucketMissing, CredentialsError, NetworkError, RopewayError, TlsError, WrongRegion
from tests.servers.misbehaving import Answer, s3_error


@pytest.fixture(autouse=True)
def once(monkeypatch):
    """What cannot get better is not tried again, so that the tests do not wait for it."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def folders(make_tree, tmp_path):
    """For each task the folder of this machine, as its inputs call it."""
    upload = {"source_folder": make_tree({"a.txt": b"1"})}
    return {"s3_upload": upload, "s3_download": {"target_folder": str(tmp_path / "target")}}


BOTH = pytest.mark.parametrize("task", ["s3_upload", "s3_download"])


@BOTH
@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (s3_error(403, "InvalidAccessKeyId"), CredentialsError, "InvalidAccessKeyId"),
        (s3_error(403, "SignatureDoesNotMatch"), CredentialsError, "SignatureDoesNotMatch"),
        (s3_error(400, "ExpiredToken"), CredentialsError, "ExpiredToken"),
        (s3_error(301, "PermanentRedirect", Region="eu-west-3"), WrongRegion, "eu-west-3"),
        (s3_error(404, "NoSuchBucket"), BucketMissing, "NoSuchBucket"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_store_answers_is_told_as_it_is(run_task, misbehaving, folders, task, answer, kind, words):
    misbehaving.on(answer)
    with pytest.raises(kind, match=words) as caught:
        run_task(task, bucket_name="shop", endpoint_url=misbehaving.url, **folders[task])
    assert "REQ42" in str(caught.value)
    assert "does not exist" not in str(caught.value)


@BOTH
def test_a_store_that_is_not_there_is_no_absent_bucket(run_task, folders, task):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(NetworkError, match=closed.removeprefix("http://")):
        run_task(task, bucket_name="shop", endpoint_url=closed, **folders[task])


@BOTH
def test_a_proxy_that_is_not_there_is_no_absent_bucket(run_task, folders, task):
    dead = Network(proxy_url="http://127.0.0.1:9")
    with pytest.raises(NetworkError, match="proxy"):
        run_task(task, bucket_name="shop", endpoint_url="http://store.example", network=dead, **folders[task])


@BOTH
def test_a_certificate_that_is_not_trusted_is_no_absent_bucket(run_task, embedded_tls, folders, task):
    with pytest.raises(TlsError, match="certificate"):
        run_task(task, bucket_name="shop", store=embedded_tls, **folders[task])


# --- what it takes to upload -------------------------------------------------------------------------------------------


@pytest.fixture
def may_only_write(misbehaving, embedded):
    """The embedded AWS for an identity that may write objects and nothing else."""
    misbehaving.on(s3_error(403, "AccessDenied"), method="GET")
    misbehaving.on(s3_error(403, "AccessDenied"), method="HEAD")
    misbehaving.upstream = embedded.endpoint_url
    return dataclasses.replace(embedded, endpoint_url=misbehaving.url)


@pytest.mark.parametrize("create", ["false", "true"])
def test_who_may_write_uploads_without_listing_and_creates_no_bucket(
    run_task, folders, may_only_write, misbehaving, s3, bucket, create
):
    run_task("s3_upload", store=may_only_write, bucket_name=bucket, create_bucket=create, **folders["s3_upload"])
    assert s3.get_object(Bucket=bucket, Key="a.txt")["Body"].read() == b"1"
    assert {request.target.split("?")[0] for request in misbehaving.requests if request.method == "PUT"} == {
        f"/{bucket}/a.txt"
    }


@pytest.mark.parametrize(
    ("status", "code"), [(403, "InvalidAccessKeyId"), (400, "ExpiredToken"), (500, "InternalError")]
)
def test_no_bucket_is_created_because_it_could_not_be_asked(run_task, folders, misbehaving, status, code):
    misbehaving.on(s3_error(status, code))
    with pytest.raises(RopewayError, match=code):
        run_task(
            "s3_upload", endpoint_url=misbehaving.url, bucket_name="shop", create_bucket="true", **folders["s3_upload"]
        )
    assert [request for request in misbehaving.requests if request.method == "PUT"] == []


def test_a_bucket_whose_listing_breaks_off_is_not_taken_for_a_smaller_one(run_task, misbehaving, folders):
    page = Answer(
        body=b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken><Contents>"
        b"<Key>a</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>"
    )
    misbehaving.on(s3_error(500, "InternalError"), target="continuation-token=more")
    misbehaving.on(page)
    target = folders["s3_download"]["target_folder"]
    with pytest.raises(RopewayError, match="InternalError"):
        run_task("s3_download", endpoint_url=misbehaving.url, bucket_name="shop", target_folder=target)
    assert not os.path.exists(target)
