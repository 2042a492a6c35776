"""Looking: heads and tags; and making a bucket."""

from __future__ import annotations

from botocore.exceptions import ClientError

from ropeway.s3 import actions
from ropeway.s3.answered import check_head, check_no_web_page
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.parameters import of_customer_key, of_location, to_head
from ropeway.s3.engine import CustomerKey, Head, Pairs
from ropeway.s3.versions import check_version, of_version, shown


def head(line: Line, bucket: str, key: str, customer_key: CustomerKey | None, version_id: str) -> Head | None:
    mode = {"ChecksumMode": "ENABLED"} if line.checksums else {}
    what = of_location(bucket, key) | of_version(version_id) | of_customer_key(customer_key)
    doing = f"look at {shown(bucket, key, version_id)}"
    with line.asking(doing, actions.of_head(version_id), bucket):
        try:
            answer = line.client.head_object(**what, **mode)
        except ClientError as error:
            meta = error.response["ResponseMetadata"]
            if meta["HTTPStatusCode"] == 404:
                check_head(404, meta["HTTPHeaders"], doing)
                return None
            raise
    check_head(200, answer["ResponseMetadata"]["HTTPHeaders"], doing)
    check_version(answer, version_id, doing)
    return to_head(answer, customer_key)


def tags(line: Line, bucket: str, key: str) -> Pairs:
    with line.asking(f"read the tags of s3://{bucket}/{key}", actions.TAGS, bucket):
        answer = line.client.get_object_tagging(**of_location(bucket, key))
    return tuple(sorted((tag["Key"], tag["Value"]) for tag in answer["TagSet"]))


def create_bucket(line: Line, bucket: str, region: str, *, object_lock: bool) -> None:
    """us-east-1 is the one region that may not be named (API reference, CreateBucket)."""
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    lock = {"ObjectLockEnabledForBucket": True} if object_lock else {}
    doing = f"create the bucket {bucket} in {region} (CreateBucket)"
    with line.asking(doing, actions.of_create_bucket(object_lock=object_lock), bucket):
        answer = line.client.create_bucket(Bucket=bucket, **where, **lock)
    check_no_web_page(answer["ResponseMetadata"]["HTTPHeaders"], doing)
