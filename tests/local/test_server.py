"""The embedded AWS in this process."""

from __future__ import annotations

import subprocess
import sys

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from ropeway.local.embedded import BucketHeld
from ropeway.local.server import held


def client(embedded, service: str):
    connection = embedded.connection
    return boto3.client(
        service,
        endpoint_url=embedded.endpoint_url,
        region_name=embedded.region,
        aws_access_key_id=connection.access_key_id,
        aws_secret_access_key=connection.secret_access_key,
        config=Config(retries={"max_attempts": 0}),
    )


def test_its_credentials_belong_to_an_account(embedded):
    sts = client(embedded, "sts")
    assert sts.get_caller_identity()["Account"] == "123456789012"
    sts.close()


def test_its_secret_is_not_shown(embedded):
    assert embedded.connection.secret_access_key not in repr(embedded.connection)
    assert embedded.connection.origin == "the embedded AWS"


def test_it_knows_what_it_holds(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"123")
    s3.put_object(Bucket=bucket, Key="b", Body=b"4")
    assert BucketHeld(bucket, 2, 4) in held()


def test_a_deleted_object_of_a_versioned_bucket_is_not_counted(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="a", Body=b"123")
    s3.delete_object(Bucket=bucket, Key="a")
    assert BucketHeld(bucket, 0, 0) in held()


def test_what_moto_cannot_do_is_said_in_the_protocol_of_the_client(embedded, capfd):
    kms, sts = client(embedded, "kms"), client(embedded, "sts")
    with pytest.raises(ClientError, match=r"\(NotImplemented\).*The embedded AWS cannot do this"):
        kms.connect_custom_key_store(CustomKeyStoreId="any")  # JSON
    with pytest.raises(ClientError, match=r"\(NotImplemented\).*The embedded AWS cannot do this"):
        sts.decode_authorization_message(EncodedMessage="any")  # XML
    kms.close()
    sts.close()
    assert capfd.readouterr() == ("", "")


def test_what_the_embedded_s3_cannot_do_is_an_error_of_s3(s3, bucket, capfd):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    with pytest.raises(ClientError, match=r"\(NotImplemented\).*The embedded AWS cannot do this") as caught:
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="of nobody")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert capfd.readouterr() == ("", "")


def test_one_private_to_a_block_is_gone_after_it():
    program = """
import socket
from ropeway.local.server import embedded, held, reset
import boto3
with embedded() as aws:
    keys = aws.connection
    s3 = boto3.client("s3", endpoint_url=aws.endpoint_url, region_name=aws.region,
                      aws_access_key_id=keys.access_key_id, aws_secret_access_key=keys.secret_access_key)
    s3.create_bucket(Bucket="mine")
    assert [bucket.name for bucket in held()] == ["mine"]
    reset()
    assert held() == ()
try:
    socket.create_connection(("127.0.0.1", int(aws.endpoint_url.rpartition(":")[2])))
except ConnectionRefusedError:
    print("gone")
"""
    ended = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("gone\n", "")


def test_it_starts_without_loading_what_is_not_yet_asked_for():
    program = (
        "import sys; from ropeway.local.server import application; application(); "
        "print([name for name in ('ec2', 'ssm', 'elbv2', 'awslambda', 'acm') if f'moto.{name}' in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")
