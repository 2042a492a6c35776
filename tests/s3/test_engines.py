"""Which engine moves the objects, as `transferEngine` asks for it and the kind of bucket allows."""

from __future__ import annotations

import pytest

from ropeway.aws.session import connect
from ropeway.errors import InputError
from ropeway.s3 import engines
from ropeway.s3.engines import engine_for
from ropeway.s3.inputs import S3Inputs
from tests.aws.asked import KEYS, connection

EXPRESS = "bucket--euw1-az1--x-s3"
LAMBDA = "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/redacting"
OUTPOST = "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-01234567890123456/accesspoint/reports"
ACCESS_POINT = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports"


def chosen(engine: str, bucket: str = "bucket") -> str:
    given = S3Inputs(bucket_name=bucket, region_name="eu-west-1", transfer_engine=engine)
    return engine_for(connect(given, connection(**KEYS)), given).name


@pytest.mark.parametrize("bucket", ["bucket", "with.dots", ACCESS_POINT])
@pytest.mark.parametrize("engine", ["wire", "boto3"])
def test_the_engine_that_is_asked_for_moves_the_objects(engine: str, bucket: str) -> None:
    assert chosen(engine, bucket) == engine


@pytest.mark.parametrize("bucket", [EXPRESS, LAMBDA, OUTPOST])
def test_where_the_wire_does_not_apply_boto3_does_it(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BY_ITSELF", "wire")
    assert chosen("auto", bucket) == "boto3"
    assert chosen("auto", "bucket") == "wire"


@pytest.mark.parametrize(
    ("bucket", "kind"), [(EXPRESS, "a directory bucket"), (LAMBDA, "Object Lambda"), (OUTPOST, "an Outpost")]
)
def test_the_wire_where_it_does_not_apply_is_refused_by_name(bucket: str, kind: str) -> None:
    with pytest.raises(InputError, match=f"transferEngine is wire, but {bucket} is .*{kind}") as refused:
        chosen("wire", bucket)
    assert refused.value.advice == "Set transferEngine to auto."
