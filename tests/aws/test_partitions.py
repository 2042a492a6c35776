"""Whom S3 and STS are asked in, partition by partition, and by which kind of endpoint. The suffixes are botocore's own."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session

from ropeway.aws.answers import asking
from ropeway.aws.session import Aws, connect
from ropeway.errors import InputError
from tests.aws.asked import KEYS, connection, inputs

PARTITIONS = {part["id"]: part for part in Session().get_component("data_loader").load_data("partitions")["partitions"]}
REGIONS = {
    "us-east-1": "aws",
    "eu-west-1": "aws",
    "cn-north-1": "aws-cn",
    "cn-northwest-1": "aws-cn",
    "us-gov-east-1": "aws-us-gov",
    "us-gov-west-1": "aws-us-gov",
    "eusc-de-east-1": "aws-eusc",
    "us-iso-east-1": "aws-iso",
    "us-isob-east-1": "aws-iso-b",
    "eu-isoe-west-1": "aws-iso-e",
    "us-isof-south-1": "aws-iso-f",
}
FIPS, DUAL = {"use_fips_endpoint": True}, {"use_dual_stack_endpoint": True}


class StoppedError(Exception):
    """Raised at the door, with the address of the request that did not go out."""


def address_of(aws: Aws, service: str, operation: str, **arguments: str) -> str:
    def stop(request: Any, **_: Any) -> None:
        raise StoppedError(request.url)

    client = aws.client(service)
    client.meta.events.register("before-send", stop)
    with pytest.raises(StoppedError) as stopped:
        getattr(client, operation)(**arguments)
    return str(stopped.value)


def s3_and_sts(region: str, **given: Any) -> tuple[str, str]:
    aws = connect(inputs(region_name=region, **given), connection(**KEYS))
    bucket = address_of(aws, "s3", "head_object", Bucket="bucket", Key="key")
    return bucket, address_of(aws, "sts", "get_caller_identity")


def suffix(region: str, kind: str = "dnsSuffix") -> str:
    return str(PARTITIONS[REGIONS[region]]["outputs"][kind])


def test_every_partition_of_botocores_is_asked() -> None:
    assert set(REGIONS.values()) == PARTITIONS.keys()


@pytest.mark.parametrize("region", REGIONS)
def test_the_usual_endpoints_are_those_of_the_region(region: str) -> None:
    assert s3_and_sts(region) == (
        f"https://bucket.s3.{region}.{suffix(region)}/key",
        f"https://sts.{region}.{suffix(region)}/",
    )


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
def test_dual_stack_endpoints_are_asked_for_both(region: str) -> None:
    assert s3_and_sts(region, **DUAL) == (
        f"https://bucket.s3.dualstack.{region}.{suffix(region)}/key",
        f"https://sts.{region}.{suffix(region, 'dualStackDnsSuffix')}/",
    )


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1"])
def test_fips_endpoints_are_asked_for_both(region: str) -> None:
    # GovCloud's usual STS is a FIPS one (AWS, "FIPS endpoints by service").
    sts = "sts" if region.startswith("us-gov") else "sts-fips"
    assert s3_and_sts(region, **FIPS) == (
        f"https://bucket.s3-fips.{region}.{suffix(region)}/key",
        f"https://{sts}.{region}.{suffix(region)}/",
    )


def test_the_two_go_together() -> None:
    assert s3_and_sts("us-east-1", **FIPS, **DUAL) == (
        "https://bucket.s3-fips.dualstack.us-east-1.amazonaws.com/key",
        "https://sts-fips.us-east-1.api.aws/",
    )


@pytest.mark.parametrize(
    ("variable", "bucket"),
    [
        ("AWS_USE_FIPS_ENDPOINT", "https://bucket.s3-fips.us-east-1.amazonaws.com/key"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "https://bucket.s3.dualstack.us-east-1.amazonaws.com/key"),
    ],
)
def test_the_environment_may_ask_for_them(variable: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "true")
    assert s3_and_sts("us-east-1")[0] == bucket


def test_a_partition_without_fips_endpoints_is_told() -> None:
    aws = connect(inputs(region_name="cn-north-1", **FIPS), connection(**KEYS))
    with (
        pytest.raises(InputError, match=r"^Could not list s3://shop/: Partition does not support FIPS\.$"),
        asking("list s3://shop/"),
    ):
        aws.client("s3").list_objects_v2(Bucket="shop")


def test_a_region_without_dual_stack_endpoints_is_told() -> None:
    aws = connect(inputs(region_name="us-isof-south-1", **DUAL), connection(**KEYS))
    with pytest.raises(InputError, match="Could not make a client for s3: Unable to construct a modeled endpoint"):
        aws.client("s3")


@pytest.mark.parametrize(("region", "partition"), list(REGIONS.items())[:6])
def test_an_access_point_is_asked_in_its_own_partition(region: str, partition: str) -> None:
    aws = connect(inputs(region_name=region), connection(**KEYS))
    arn = f"arn:{partition}:s3:{region}:111122223333:accesspoint/site"
    assert address_of(aws, "s3", "head_object", Bucket=arn, Key="key") == (
        f"https://site-111122223333.s3-accesspoint.{region}.{suffix(region)}/key"
    )


@pytest.mark.parametrize("field", ["use_fips_endpoint", "use_dual_stack_endpoint"])
def test_endpoints_of_awss_and_one_of_ones_own_contradict_each_other(field: str) -> None:
    given = inputs(endpoint_url="https://store.example", **{field: True})
    assert list(given.problems(lambda name: name)) == [
        f"{field} chooses among AWS's own endpoints, but endpoint_url is set: keep one of the two."
    ]
