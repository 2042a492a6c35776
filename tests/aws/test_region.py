"""Which region, from which source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ropeway.aws.session import connect
from ropeway.errors import InputError, NetworkError
from tests.aws.asked import KEYS, connection, inputs, list_bucket, signer
from tests.servers.misbehaving import Answer, Misbehaving

SOURCES = {
    "input": "eu-west-1",
    "AWS.Region": "eu-west-2",
    "AWS_REGION": "eu-west-3",
    "AWS_DEFAULT_REGION": "eu-north-1",
    "profile": "eu-south-1",
    "machine": "eu-central-1",
}


def region(given: str = "", default: str = "", *, endpoint_url: str = "") -> str:
    asked = inputs(region_name=given, endpoint_url=endpoint_url)
    return connect(asked, connection(**KEYS), default_region=default).region


def is_on_instance(imds: Misbehaving, zone: str = "eu-central-1b") -> None:
    imds.on(Answer(200, body=zone.encode()), target="/latest/meta-data/placement/availability-zone/")


@pytest.mark.parametrize("first", range(len(SOURCES)))
def test_the_first_source_that_names_a_region_counts(
    first: int, imds: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = dict(list(SOURCES.items())[first:])
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, sources.get(name, ""))
    if "profile" in sources:
        Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[default]\nregion={sources['profile']}\n")
    is_on_instance(imds)
    assert region(sources.get("input", ""), sources.get("AWS.Region", "")) == next(iter(sources.values()))
    assert bool(imds.requests) == (list(sources) == ["machine"])


def test_the_region_of_the_chosen_profile_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("[default]\nregion=eu-west-1\n[profile work]\nregion=eu-west-2\n")
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert region() == "eu-west-2"


def test_the_machine_is_asked_by_the_second_version_of_its_metadata_service(imds: Misbehaving) -> None:
    is_on_instance(imds)
    assert region() == "eu-central-1"
    token, zone = imds.requests
    assert token.method == "PUT"
    assert zone.headers["x-aws-ec2-metadata-token"] == "imds-token"


def test_the_machine_is_left_alone_where_its_metadata_is_switched_off(
    imds: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    is_on_instance(imds)
    with pytest.raises(InputError, match="There is no AWS region"):
        region()
    assert imds.requests == []


def test_a_machine_of_azure_has_no_aws_region(misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    misbehaving.on(Answer(400, body=b'{"error": "Bad request. Required metadata header not specified"}'))
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", misbehaving.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    with pytest.raises(InputError, match="There is no AWS region"):
        region()
    assert len(misbehaving.requests) == 1


def test_no_region_at_all_says_where_it_looked_and_what_to_set() -> None:
    with pytest.raises(InputError) as none:
        region()
    [problem] = none.value.problems
    for source in (
        "the task",
        "AWS.Region",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "profile",
        "metadata",
    ):
        assert source in problem
    assert none.value.advice == "Name it in regionName, for example eu-west-1."


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("eu-west1", "The region of the task is 'eu-west1', which is no AWS region. Did you mean eu-west-1?"),
        ("eu-west-1a", "The region of the task is 'eu-west-1a', which is no AWS region. Did you mean eu-west-1?"),
        (
            "Ireland",
            "The region of the task is 'ireland', which is no AWS region. Write it as AWS does, for example eu-west-1.",
        ),
        ("$(AWS.Region)", "The region of the task is '$(aws.region)', which is no AWS region."),
    ],
)
def test_a_malformed_region_is_an_error_at_once_and_names_the_right_one(given: str, problem: str) -> None:
    with pytest.raises(InputError) as wrong:
        region(given)
    assert str(wrong.value).startswith(problem)


def test_a_malformed_region_of_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us_east_1")
    with pytest.raises(InputError, match=r"AWS_REGION is 'us_east_1', which is no AWS region. Did you mean us-east-1"):
        region()


@pytest.mark.parametrize("name", ["us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "zz-newest-1"])
def test_regions_of_every_partition_are_taken_and_those_to_come(name: str) -> None:
    assert region(name) == name


def test_a_region_in_capitals_is_taken_as_the_toolkit_takes_it() -> None:
    assert region("EU-West-1") == "eu-west-1"


def test_a_store_of_somebody_else_needs_no_region(misbehaving: Misbehaving, imds: Misbehaving) -> None:
    is_on_instance(imds)
    misbehaving.on(Answer(200, body=b"<ListBucketResult/>"))
    aws = connect(inputs(region_name="", endpoint_url=misbehaving.url), connection(**KEYS))
    list_bucket(aws)
    assert aws.region == "us-east-1"
    assert "/us-east-1/s3/aws4_request" in misbehaving.requests[0].headers["authorization"]
    assert signer(misbehaving.requests[0]) == KEYS["access_key_id"]
    assert imds.requests == []


@pytest.mark.parametrize("name", ["auto", "garage", "nyc3"])
def test_a_store_of_somebody_else_may_have_regions_of_its_own(name: str) -> None:
    assert region(name, endpoint_url="https://s3.example.com") == name


def test_a_region_that_cannot_stand_in_an_address_is_refused_there_too() -> None:
    with pytest.raises(
        InputError, match="The region of the task is 'a/b': a region's name has letters, digits and hyphens only"
    ):
        region("a/b", endpoint_url="https://s3.example.com")


def test_an_endpoint_in_a_vpc_of_aws_does_need_its_region() -> None:
    with pytest.raises(InputError, match="There is no AWS region"):
        region(endpoint_url="https://bucket.vpce-1a2b-3c4d.s3.eu-west-1.vpce.amazonaws.com")


def test_a_region_that_does_not_exist_is_a_name_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def unknown(host: str, *_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    aws = connect(inputs(region_name="eu-west-9"), connection(**KEYS))
    with pytest.raises(
        NetworkError, match=r"the name sts.eu-west-9.amazonaws.com cannot be resolved \(Name or service"
    ):
        aws.identity()
