"""The clients that `connect` hands out: whom they ask, how often, by which way, and whether they may."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ropeway.aws.session import Aws, Identity, connect
from ropeway.errors import CredentialsError, InputError, NetworkError, RopewayError
from ropeway.local.server import EmbeddedAws
from tests.aws.asked import KEYS, ONCE, caller, connection, inputs, list_bucket, lists_any_bucket, sts_error
from tests.servers.misbehaving import Answer, Misbehaving, s3_error

PROD, OTHER = "111122223333", "444455556666"


def session(**given: Any) -> Aws:
    return connect(inputs(**given), connection(**KEYS))


# --- who acts ------------------------------------------------------------------------------------------------------------


def test_the_identity_is_asked_once_and_says_account_arn_and_origin(store: Misbehaving) -> None:
    store.on(caller(PROD), method="POST")
    aws = session()
    assert (
        aws.identity()
        == aws.identity()
        == Identity(PROD, f"arn:aws:iam::{PROD}:user/release", "service connection 'prod' (access key AKIA…0001)")
    )
    assert len(store.requests) == 1


def test_the_guard_lets_the_allowed_account_pass(store: Misbehaving) -> None:
    store.on(caller(PROD), method="POST")
    guarded = connect(
        inputs(allowed_account_ids=(OTHER, PROD)), connection(**KEYS, allowed_account_ids=(PROD,))
    ).guard()
    assert guarded
    assert guarded.account == PROD


@pytest.mark.parametrize(
    ("of_task", "of_connection", "whose"),
    [
        ((OTHER,), (), f"the allowed accounts of this task are {OTHER}"),
        ((), (OTHER,), f"the allowed accounts of service connection 'prod' are {OTHER}"),
        ((PROD,), (OTHER,), f"the allowed accounts of service connection 'prod' are {OTHER}"),
        ((OTHER,), (PROD,), f"the allowed accounts of this task are {OTHER}"),
        ((OTHER, "777788889999"), (), f"the allowed accounts of this task are {OTHER}, 777788889999"),
    ],
)
def test_the_guard_refuses_another_account_and_names_both(
    store: Misbehaving, of_task: tuple[str, ...], of_connection: tuple[str, ...], whose: str
) -> None:
    store.on(caller(PROD), method="POST")
    aws = connect(inputs(allowed_account_ids=of_task), connection(**KEYS, allowed_account_ids=of_connection))
    with pytest.raises(CredentialsError) as refused:
        aws.guard()
    assert f"service connection 'prod' (access key AKIA…0001) belong to account {PROD}" in refused.value.message
    assert whose in refused.value.message
    assert refused.value.advice.startswith("Nothing was done.")


def test_the_guard_asks_the_sts_of_the_embedded_aws(embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    aws = connect(inputs(allowed_account_ids=("123456789012",)), embedded.connection)
    guarded = aws.guard()
    assert guarded
    assert guarded.account == "123456789012"
    with pytest.raises(CredentialsError, match="belong to account 123456789012"):
        connect(inputs(allowed_account_ids=(OTHER,)), embedded.connection).guard()


def test_the_guard_tells_keys_that_aws_does_not_know(store: Misbehaving) -> None:
    store.on(
        sts_error(403, "InvalidClientTokenId", "The security token included in the request is invalid."), method="POST"
    )
    with pytest.raises(CredentialsError) as refused:
        session().guard()
    assert refused.value.message == (
        "Could not use the credentials of service connection 'prod' (access key AKIA…0001): AWS answered InvalidClientTokenId: "
        "The security token included in the request is invalid (request id STS42)."
    )


def test_a_store_of_somebody_else_is_not_asked_for_an_account(misbehaving: Misbehaving) -> None:
    assert session(endpoint_url=misbehaving.url).guard() is None
    assert misbehaving.requests == []


def test_a_store_of_somebody_else_cannot_prove_an_allowed_account(misbehaving: Misbehaving) -> None:
    aws = session(endpoint_url=misbehaving.url, allowed_account_ids=(PROD,))
    with pytest.raises(CredentialsError, match=re.escape(f"{misbehaving.url} is not AWS's, and AWS knows nothing of")):
        aws.guard()
    assert misbehaving.requests == []


def test_a_store_with_an_sts_of_its_own_can(store: Misbehaving) -> None:
    store.on(caller(PROD), method="POST")
    guarded = session(endpoint_url=store.url, allowed_account_ids=(PROD,)).guard()
    assert guarded
    assert guarded.account == PROD


PROFILE = """[default]
services = store
[services store]
s3 =
  endpoint_url = {}
"""


@pytest.mark.parametrize("source", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "profile"])
def test_a_store_that_the_environment_names_is_treated_as_one_that_the_task_names(
    misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Its keys are none of AWS's: AWS's STS is not shown them, and a store need not have an STS."""
    misbehaving.on(s3_error(405, "MethodNotAllowed"), method="POST")
    if source == "profile":
        Path(os.environ["AWS_CONFIG_FILE"]).write_text(PROFILE.format(misbehaving.url))
    else:
        monkeypatch.setenv(source, misbehaving.url)
    aws = session(region_name="garage")
    assert aws.client("s3").meta.endpoint_url == misbehaving.url
    assert aws.guard() is None
    assert bool(misbehaving.requests) == (source == "AWS_ENDPOINT_URL")  # the only one that is STS's, too
    with pytest.raises(RopewayError):
        session(region_name="garage", allowed_account_ids=(PROD,)).guard()


def test_a_store_that_the_environment_names_may_be_left_out_of_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert session().client("s3").meta.endpoint_url == "https://s3.eu-west-1.amazonaws.com"
    with pytest.raises(InputError, match="garage"):
        session(region_name="garage")


@pytest.mark.parametrize(
    ("url", "wrong"), [("https://user:hush@store.example.com", "holds an @"), ("http://[::1", "which is no address")]
)
def test_an_endpoint_of_the_environment_that_is_none_is_told_without_its_password(
    url: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    with pytest.raises(InputError, match=f"AWS_ENDPOINT_URL_S3.* {wrong}") as told:
        session()
    assert "hush" not in str(told.value)


def test_the_guard_of_a_store_still_wants_credentials(misbehaving: Misbehaving) -> None:
    with pytest.raises(CredentialsError, match="There are no AWS credentials"):
        connect(inputs(endpoint_url=misbehaving.url), None).guard()


@pytest.fixture
def silent_sts(misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network from which only S3 can be reached."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", misbehaving.url)
    misbehaving.on(Answer(hang_up=True))


def test_a_network_without_a_way_to_sts_is_no_reason_to_stop_where_no_account_was_demanded(silent_sts: None) -> None:
    told: list[str] = []
    assert connect(inputs(), connection(**KEYS), debug=told.append).guard() is None
    assert [line[:57] for line in told] == ["No account is known: Could not use the credentials of ser"]


def test_a_network_without_a_way_to_sts_is_an_error_where_an_account_was_demanded(silent_sts: None) -> None:
    with pytest.raises(NetworkError, match="closed the connection before it had answered"):
        session(allowed_account_ids=(PROD,)).guard()


# --- where they ask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ({"region_name": "eu-west-1"}, "https://sts.eu-west-1.amazonaws.com"),
        ({"region_name": "us-east-1"}, "https://sts.us-east-1.amazonaws.com"),
        ({"region_name": "cn-north-1"}, "https://sts.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_sts_is_asked_in_the_region(given: dict[str, Any], host: str) -> None:
    assert session(**given).client("sts").meta.endpoint_url == host


def test_sts_is_asked_in_the_region_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    assert session(region_name="us-east-1").client("sts").meta.endpoint_url == "https://sts.us-east-1.amazonaws.com"


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_s3_is_asked_in_the_region_and_never_globally(region: str) -> None:
    assert session(region_name=region).client("s3").meta.endpoint_url == f"https://s3.{region}.amazonaws.com"


def test_an_endpoint_given_is_for_s3_alone() -> None:
    aws = session(endpoint_url="https://store.example.com")
    assert aws.client("s3").meta.endpoint_url == "https://store.example.com"
    assert aws.client("sts").meta.endpoint_url == "https://sts.eu-west-1.amazonaws.com"


def test_the_endpoints_of_the_environment_keep_working(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:8")
    assert session().client("s3").meta.endpoint_url == "http://127.0.0.1:8"
    assert session().client("sts").meta.endpoint_url == "http://127.0.0.1:9"
    assert session(endpoint_url="http://127.0.0.1:7").client("s3").meta.endpoint_url == "http://127.0.0.1:7"


class StoppedError(Exception):
    """Raised at the door, with the address of the request that did not go out."""


def address_of(aws: Aws, bucket: str, key: str) -> str:
    def stop(request: Any, **_: Any) -> None:
        raise StoppedError(request.url)

    s3 = aws.client("s3")
    s3.meta.events.register("before-send", stop)
    with pytest.raises(StoppedError) as stopped:
        s3.head_object(Bucket=bucket, Key=key)
    return str(stopped.value)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "https://bucket.s3.eu-west-1.amazonaws.com/key"),
        ({"force_path_style_addressing": True}, "https://s3.eu-west-1.amazonaws.com/bucket/key"),
        ({"endpoint_url": "https://store.example"}, "https://store.example/bucket/key"),
        (
            {"endpoint_url": "https://store.example", "force_path_style_addressing": True},
            "https://store.example/bucket/key",
        ),
    ],
)
def test_a_bucket_is_addressed_by_host_at_aws_and_by_path_elsewhere(given: dict[str, Any], address: str) -> None:
    assert address_of(session(**given), "bucket", "key") == address


def test_a_profile_may_have_buckets_of_a_store_addressed_by_host() -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("[default]\ns3 =\n  addressing_style = virtual\n")
    assert (
        address_of(session(endpoint_url="https://store.example"), "bucket", "key") == "https://bucket.store.example/key"
    )


@pytest.mark.parametrize(("checksums", "carried"), [("whenSupported", True), ("whenRequired", False)])
def test_objects_carry_checksums_as_asked(misbehaving: Misbehaving, checksums: str, carried: bool) -> None:
    misbehaving.on(Answer(200))
    s3 = session(endpoint_url=misbehaving.url, checksums=checksums).client("s3", **ONCE)
    s3.put_object(Bucket="bucket", Key="key", Body=b"hello")
    [put] = misbehaving.requests
    assert any(name.startswith("x-amz-checksum-") for name in put.headers) == carried


def test_ropeway_names_itself(misbehaving: Misbehaving) -> None:
    lists_any_bucket(misbehaving)
    list_bucket(session(endpoint_url=misbehaving.url))
    assert re.search(r"\bropeway/\d+\.\d+\.\d+", misbehaving.requests[0].headers["user-agent"])


def test_a_client_is_made_once_for_each_service_and_setting() -> None:
    aws = session()
    assert aws.client("s3") is aws.client("s3")
    wide = aws.client("s3", max_pool_connections=99)
    assert wide is not aws.client("s3")
    assert wide.meta.config.max_pool_connections == 99
    assert wide.meta.config.connect_timeout == aws.client("s3").meta.config.connect_timeout


# --- how often -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts take no time."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


def tries(misbehaving: Misbehaving) -> int:
    aws = session(endpoint_url=misbehaving.url)
    with pytest.raises(ClientError):
        aws.client("s3").list_objects_v2(Bucket="bucket")
    return len(misbehaving.requests)


def test_what_passes_is_tried_five_times(misbehaving: Misbehaving, hasty: None) -> None:
    misbehaving.on(s3_error(500, "InternalError"))
    assert tries(misbehaving) == 5


def test_what_stays_is_tried_once(misbehaving: Misbehaving, hasty: None) -> None:
    misbehaving.on(s3_error(403, "AccessDenied"))
    assert tries(misbehaving) == 1


def test_the_environment_may_say_how_often(
    misbehaving: Misbehaving, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    misbehaving.on(s3_error(500, "InternalError"))
    assert tries(misbehaving) == 2


@pytest.mark.parametrize(
    "answer",
    [
        s3_error(301, "PermanentRedirect", "wrong endpoint", Endpoint="bucket.s3.eu-central-1.amazonaws.com"),
        Answer(307, {"Location": "/elsewhere", "x-amz-bucket-region": "eu-central-1"}),
        s3_error(400, "AuthorizationHeaderMalformed", "expecting 'eu-central-1'", Region="eu-central-1"),
    ],
)
def test_a_bucket_is_not_followed_into_another_region(misbehaving: Misbehaving, answer: Answer) -> None:
    misbehaving.on(answer, times=1)
    lists_any_bucket(misbehaving)
    with pytest.raises(ClientError):
        session(endpoint_url=misbehaving.url).client("s3").list_objects_v2(Bucket="bucket")
    assert len(misbehaving.requests) == 1
