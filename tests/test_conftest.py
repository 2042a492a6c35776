"""The servers and the environment that the other tests stand on."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError, SSLError

from tests.servers.misbehaving import Answer, s3_error, together
from tests.servers.seaweed import seaweed as seaweed_server


def test_no_identity_of_this_machine_is_found():
    with pytest.raises(NoCredentialsError):
        boto3.client("s3", region_name="us-east-1").list_buckets()


def test_home_is_empty_and_belongs_to_the_test(hermetic):
    assert Path.home() == hermetic
    assert list(hermetic.iterdir()) == []


def test_a_child_is_told_no_width_of_a_terminal():
    program = "import os; print(os.environ.get('COLUMNS'), os.environ.get('LINES'))"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout == "None None\n"


def test_the_embedded_aws_over_https_is_trusted_by_its_authority_alone(embedded_tls, certificate_authority, bucket):
    options = {"endpoint_url": embedded_tls.endpoint_url, "region_name": embedded_tls.region}
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    trusting = boto3.client("s3", **options, **keys, verify=str(certificate_authority))
    trusting.put_object(Bucket=bucket, Key="key", Body=b"bytes")
    assert trusting.get_object(Bucket=bucket, Key="key")["Body"].read() == b"bytes"
    trusting.close()
    other = boto3.client("s3", **options, **keys, config=Config(retries={"max_attempts": 0}))
    with pytest.raises(SSLError):
        other.list_buckets()
    other.close()


def test_an_old_bucket_takes_a_public_acl(s3, acl_bucket):
    s3.put_object(Bucket=acl_bucket, Key="key", Body=b"", ACL="public-read")
    assert len(s3.get_object_acl(Bucket=acl_bucket, Key="key")["Grants"]) == 2


def test_seaweed_stores_bytes_and_refuses_a_wrong_secret(seaweed, seaweed_s3, seaweed_bucket):
    seaweed_s3.put_object(Bucket=seaweed_bucket, Key="a b/ä.txt", Body=b"bytes")
    assert seaweed_s3.get_object(Bucket=seaweed_bucket, Key="a b/ä.txt")["Body"].read() == b"bytes"
    stranger = boto3.client(
        "s3",
        endpoint_url=seaweed.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=seaweed.access_key_id,
        aws_secret_access_key="wrong",
    )
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger.list_buckets()
    stranger.close()


def test_seaweed_makes_no_bucket_unasked(seaweed_s3):
    with pytest.raises(ClientError, match="NoSuchBucket"):
        seaweed_s3.put_object(Bucket="absent-bucket", Key="x", Body=b"")


def test_seaweed_is_shared_while_used_and_gone_after_the_last_user(tmp_path):
    with seaweed_server(tmp_path) as first:
        with seaweed_server(tmp_path) as second:
            assert second == first
        socket.create_connection(("127.0.0.1", int(first.endpoint_url.rpartition(":")[2]))).close()
    deadline = time.monotonic() + 20
    while (Path(f"/proc/{first.pid}").exists() or (tmp_path / "data").exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{first.pid}").exists()
    assert not (tmp_path / "data").exists()


def client_of(misbehaving):
    return boto3.client(
        "s3",
        endpoint_url=misbehaving.url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 2, "mode": "standard"}),
    )


def test_misbehaving_answers_by_rule_and_passes_the_rest_on(misbehaving, embedded, bucket):
    misbehaving.upstream = embedded.endpoint_url
    misbehaving.on(s3_error(503, "SlowDown"), method="PUT", target="/key", times=1)
    client = client_of(misbehaving)
    answer = client.put_object(Bucket=bucket, Key="key", Body=b"bytes")
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert client.get_object(Bucket=bucket, Key="key")["Body"].read() == b"bytes"
    assert [request.method for request in misbehaving.requests] == ["PUT", "PUT", "GET"]
    client.close()


@pytest.mark.parametrize("answer", [Answer(hang_up=True), Answer(reset=True)])
def test_misbehaving_hangs_up(misbehaving, answer):
    misbehaving.on(answer)
    with socket.create_connection(("127.0.0.1", int(misbehaving.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        if answer.reset:
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        else:
            assert connection.recv(1) == b""


def test_misbehaving_cuts_an_answer_short(misbehaving):
    misbehaving.on(Answer(body=b"0123456789", cut=4))
    with socket.create_connection(("127.0.0.1", int(misbehaving.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert received.endswith(b"\r\n\r\n0123")
    assert b"Content-Length: 10\r\n" in received


def test_misbehaving_counts_what_is_in_flight_at_once(misbehaving):
    misbehaving.on(together(5, Answer()))
    asking = [socket.create_connection(("127.0.0.1", int(misbehaving.url.rpartition(":")[2]))) for _ in range(5)]
    for connection in asking:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    for connection in asking:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.close()
    assert misbehaving.peak == 5
