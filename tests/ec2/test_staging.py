"""The bundle in S3: once, whole, and to be fetched by who has its address."""

from __future__ import annotations

import dataclasses
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from ropeway.ec2.bundle import Bundle, make
from ropeway.ec2.staging import presigned, stage_in_s3
from ropeway.errors import AwsError, Cancelled
from ropeway.outcome import Cancellation
from ropeway.s3.engine import ObjectEngine
from ropeway.s3.engines import engine_for
from ropeway.s3.inputs import BucketInputs
from ropeway.s3.state.place import StatePlace
from tests.ec2.trees import File, as_folder


@pytest.fixture(params=["boto3", "wire"])
def engine(aws, bucket, request) -> ObjectEngine:
    return engine_for(aws, BucketInputs(bucket_name=bucket, transfer_engine=request.param))


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make(str(as_folder({"a": File(b"hello" * 1000)}, tmp_path / "shop")), str(tmp_path))


def put(engine: ObjectEngine, bucket: str, bundle: Bundle):
    return stage_in_s3(engine, StatePlace(bucket, ".ropeway/applications/shop/bundles"), bundle, Cancellation())


def test_it_lies_under_its_sha256(engine, bucket, bundle, s3):
    staged = put(engine, bucket, bundle)
    assert staged.uploaded
    assert staged.place.address == f"s3://{bucket}/.ropeway/applications/shop/bundles/{bundle.sha256}.tar.gz"
    found = s3.get_object(Bucket=bucket, Key=staged.place.key)
    assert found["Body"].read() == Path(bundle.path).read_bytes()
    assert found["Metadata"]["sha256"] == bundle.sha256


def test_one_that_is_there_is_not_sent_again(engine, bucket, bundle, s3):
    first = put(engine, bucket, bundle)
    before = s3.head_object(Bucket=bucket, Key=first.place.key)["LastModified"]
    second = put(engine, bucket, bundle)
    assert (second.uploaded, second.place) == (False, first.place)
    assert s3.head_object(Bucket=bucket, Key=first.place.key)["LastModified"] == before


@pytest.mark.parametrize("damage", [lambda body: body[:-1], lambda body: b"x" + body[1:], lambda _: b""])
def test_one_that_is_not_whole_is_sent_again(engine, bucket, bundle, s3, damage):
    place = put(engine, bucket, bundle).place
    s3.put_object(
        Bucket=bucket, Key=place.key, Body=damage(Path(bundle.path).read_bytes()), Metadata={"sha256": bundle.sha256}
    )
    assert put(engine, bucket, bundle).uploaded
    assert s3.get_object(Bucket=bucket, Key=place.key)["Body"].read() == Path(bundle.path).read_bytes()


@pytest.mark.parametrize(("noted", "again"), [("", True), ("0" * 64, True), (None, False)])
def test_where_s3_has_no_checksum_of_the_whole_what_was_noted_decides(engine, bucket, bundle, s3, noted, again):
    """As after an upload in parts: its ETag and its checksums are those of the parts."""
    place = put(engine, bucket, bundle).place
    metadata = {"sha256": bundle.sha256 if noted is None else noted}
    upload = s3.create_multipart_upload(Bucket=bucket, Key=place.key, Metadata=metadata)["UploadId"]
    named = {"Bucket": bucket, "Key": place.key, "UploadId": upload}
    part = s3.upload_part(**named, PartNumber=1, Body=Path(bundle.path).read_bytes())
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert put(engine, bucket, bundle).uploaded is again


def test_a_bucket_that_is_not_there_is_told(engine, bundle):
    with pytest.raises(AwsError):
        put(engine, "no-such-bucket-anywhere", bundle)


def test_it_stops_when_it_is_asked_to(engine, bucket, bundle):
    cancellation = Cancellation()
    cancellation.ask("the pipeline was cancelled")
    with pytest.raises(Cancelled):
        stage_in_s3(engine, StatePlace(bucket, "bundles"), bundle, cancellation)


# --- its address ----------------------------------------------------------------------------------------------------------------------


def test_who_has_the_address_has_the_bundle_and_needs_no_key(aws, engine, bucket, bundle):
    url = presigned(aws, put(engine, bucket, bundle).place, 60)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == Path(bundle.path).read_bytes()
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert asked["X-Amz-Expires"] == ["60"]


def test_an_address_is_for_one_object_alone(aws, bucket, bundle, engine):
    place = put(engine, bucket, bundle).place
    url = presigned(aws, dataclasses.replace(place, key=f"{place.key}.other"), 60)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url)
    assert refused.value.code == 404
    refused.value.close()


@pytest.mark.parametrize(("asked", "given"), [(0, "1"), (30 * 24 * 3600, "604800")])
def test_an_address_lives_as_long_as_s3_allows(aws, bucket, asked, given):
    url = presigned(aws, StatePlace(bucket, "x"), asked)
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["X-Amz-Expires"] == [given]
