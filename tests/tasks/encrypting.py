"""A KMS key, and a bucket that takes nothing that does not say how it is encrypted."""

from __future__ import annotations

import json

import boto3
import pytest


@pytest.fixture
def key(embedded):
    who = embedded.connection
    kms = boto3.client(
        "kms",
        endpoint_url=embedded.endpoint_url,
        region_name=embedded.region,
        aws_access_key_id=who.access_key_id,
        aws_secret_access_key=str(who.secret_access_key),
    )
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=f"alias/{arn[-12:]}", TargetKeyId=arn)
    yield arn
    kms.close()


@pytest.fixture
def demanding(s3, bucket):
    """The bucket takes nothing that is not encrypted by SSE-KMS in so many words, as AWS's user guide has it."""
    said = {"s3:x-amz-server-side-encryption": "aws:kms"}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [{**deny, "Condition": {"StringNotEquals": said}}]}

    def demand():
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))

    return demand


def under(arn):
    return {"key_management": "awsManaged", "kms_master_key_id": arn}


def encryption(s3, bucket, name):
    found = s3.head_object(Bucket=bucket, Key=name)
    return found["ServerSideEncryption"], found.get("SSEKMSKeyId", "")
