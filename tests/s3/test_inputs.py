"""The values that we offer are those that S3 knows."""

from __future__ import annotations

import pytest
from botocore.session import Session

from ropeway.s3.inputs import CANNED_ACLS, STORAGE_CLASSES, bucket_problem


@pytest.fixture(scope="module")
def model():
    return Session().get_service_model("s3")


@pytest.mark.parametrize(("shape", "ours"), [("ObjectCannedACL", CANNED_ACLS), ("StorageClass", STORAGE_CLASSES)])
def test_a_list_of_values_is_that_of_botocores_service_model(model, shape, ours):
    assert set(ours) == set(model.shape_for(shape).enum)
    assert len(set(ours)) == len(ours)


@pytest.mark.parametrize(
    "name",
    [
        "bucket",
        "my.bucket-1",
        "site--use1-az4--x-s3",
        "site-abc123-s3alias",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/site",
        "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:site",
        "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456/accesspoint/site",
        "arn:aws:s3-outposts:us-west-2:123456789012:outpost:op-01234567890123456:accesspoint:site",
    ],
)
def test_buckets_and_access_points_are_taken(name):
    assert bucket_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("arn:aws:s3:::bucket", "only access points'"),
        ("arn:aws:s3:eu-west-1:123456789012:accesspoint/site/object/a", "only access points'"),
        ("arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap", "SigV4A"),
        ("s3://bucket", "without s3://"),
        ("a/b", "no bucket's name"),
    ],
)
def test_what_is_no_bucket_is_refused_by_name(name, why):
    assert why in bucket_problem(name)
