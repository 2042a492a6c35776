"""A session with plain keys knows without botocore what botocore would make of the same inputs and variables."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore import configprovider
from botocore.loaders import create_loader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropeway.aws import plain
from ropeway.aws.clients import Clients
from ropeway.aws.connection import Connection, Network
from ropeway.aws.plain_session import PlainSession
from ropeway.aws.session import Aws, S3Address, connect
from ropeway.errors import InputError, RopewayError
from tests.aws.asked import KEYS, connection, inputs

NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
OF_ENVIRONMENT = dict(zip(NAMES, KEYS.values(), strict=True))
BUCKETS = (
    "bucket",
    "with.dots",
    "With_Capitals",
    "arn:aws:s3:eu-west-1:123456789012:accesspoint:reports",
    "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/reports",
    "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/redacting",
    "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456/accesspoint/reports",
    "bucket--euw1-az1--x-s3",
)


def both(given: dict[str, Any], of: Connection | None, **how: Any) -> tuple[Aws, Aws]:
    """The session that `connect` makes, which has to be a plain one, and the one on botocore."""
    made = connect(inputs(**given), of, **how)
    assert isinstance(made, PlainSession)
    rest: dict[str, Any] = {"network": Network(), "default_region": "", "profile": "", **how}
    on_botocore = Clients(inputs(**given), of, debug=lambda _: None, mask=lambda _: None, **rest)
    on_botocore._session.register_component("data_loader", LOADER)
    return made, on_botocore


LOADER = create_loader()
"""Reading the models of two services takes longer than everything else here."""


def told(aws: Aws, bucket: str) -> Any:
    """Everything that an engine is told of a bucket, or why there is nothing to tell."""
    try:
        at: S3Address = aws.s3(bucket)
    except InputError as error:
        return type(error)  # botocore's words are some more
    return at.url, at.scheme, at.service, at.region, at.credentials(), at.way, at.attempts


def assert_same(one: Aws, other: Aws) -> None:
    assert one.region == other.region
    assert one.origin() == other.origin()
    assert one._sts_url() == other._sts_url()
    assert one.way("https://example.com") == other.way("https://example.com")
    for bucket in BUCKETS:
        assert told(one, bucket) == told(other, bucket), bucket


VARIABLES = {
    "AWS_REGION": ["eu-central-1", "us-gov-west-1"],
    "AWS_DEFAULT_REGION": ["cn-north-1"],
    "AWS_ENDPOINT_URL": ["http://127.0.0.1:9000", "https://store.example/under/"],
    "AWS_ENDPOINT_URL_S3": ["http://[::1]:9000", "https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com"],
    "AWS_ENDPOINT_URL_STS": ["http://127.0.0.1:9001/sts"],
    "AWS_USE_FIPS_ENDPOINT": ["true", "TRUE", "false", "1"],
    "AWS_USE_DUALSTACK_ENDPOINT": ["true", "no"],
    "AWS_MAX_ATTEMPTS": ["1", "12"],
    "AWS_SESSION_TOKEN": ["token-of-the-environment"],
    "HTTPS_PROXY": ["http://p:w@proxy.example:3128"],
    "NO_PROXY": [".amazonaws.com"],
    "AWS_RETRY_MODE": ["legacy"],
    "AWS_STS_REGIONAL_ENDPOINTS": ["legacy"],
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": ["legacy"],
}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    variables=st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VARIABLES.items()}),
    region=st.sampled_from(["", "us-east-1", "us-west-2", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "mx-new-9"]),
    default=st.sampled_from(["", "eu-west-3"]),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    of_connection=st.booleans(),
)
def test_inputs_and_variables_mean_what_they_mean_to_botocore(variables, region, default, flags, of_connection) -> None:
    path_style, fips, dual_stack = flags
    given = {
        "region_name": region,
        "force_path_style_addressing": path_style,
        "use_fips_endpoint": fips,
        "use_dual_stack_endpoint": dual_stack,
    }
    of = connection(**KEYS) if of_connection else None
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {**({} if of_connection else OF_ENVIRONMENT), **variables}.items():
            patched.setenv(name, value)
        if not (region or default or {"AWS_REGION", "AWS_DEFAULT_REGION"} & set(variables)):
            patched.setenv("AWS_REGION", "eu-west-1")
        assert_same(*both(given, of, default_region=default))


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("http://127.0.0.1:9000", ""),
        ("https://store.example:8443/under/here", "garage"),
        ("https://store.example", "eu-west-1"),
        ("https://s3.eu-west-1.amazonaws.com", "eu-west-1"),
    ],
)
def test_an_endpoint_means_what_it_means_to_botocore(url: str, region: str) -> None:
    assert_same(*both({"endpoint_url": url, "region_name": region}, connection(**KEYS, session_token="of-it")))


def test_the_agent_s_proxy_and_authorities_go_with_the_address(tmp_path: Path) -> None:
    network = Network(proxy_url="http://user:hush@proxy.example:3128", bypass=("s3[.]eu-west-1",), verify=False)
    one, other = both({}, connection(**KEYS), network=network)
    assert_same(one, other)
    assert one.s3("bucket").way.proxy_url == ""
    assert one.s3("arn:aws:s3:eu-west-1:123456789012:accesspoint:reports").way.proxy_url == network.proxy_url
    assert one.s3("bucket").way.ca_file is False


def test_the_usual_authorities_are_named_as_a_file() -> None:
    one, other = both({}, connection(**KEYS))
    assert one.s3("bucket").way.ca_file == other.s3("bucket").way.ca_file
    assert "BEGIN CERTIFICATE" in Path(str(one.s3("bucket").way.ca_file)).read_text(encoding="utf-8")


def test_requests_and_answers_are_told_to_the_debug_log_without_secrets() -> None:
    lines: list[str] = []
    aws = connect(inputs(log_request=True, log_response=True), connection(**KEYS), debug=lines.append)
    tracing = aws.s3("bucket").tracing
    tracing.request("PUT", "https://h/k?X-Amz-Signature=hush", {"authorization": "hush", "content-type": "a/b"})
    tracing.response("s3.PutObject", 200, {"x-amz-request-id": "1"})
    assert lines == [
        "> PUT https://h/k?X-Amz-Signature=*** authorization=***; content-type=a/b",
        "< s3.PutObject 200 x-amz-request-id=1",
    ]


# --- where botocore is asked ------------------------------------------------------------------------------------------------


def test_every_variable_that_botocore_reads_has_its_place() -> None:
    tables = [value for name, value in vars(configprovider).items() if re.fullmatch(r"[A-Z0-9_]+_VAR(IABLE)?S", name)]
    rows = [row for table in tables for row in table.values() if isinstance(row, tuple)]
    names = {name for _, named, *_ in rows for name in ([named] if isinstance(named, str) else named or [])}
    assert "AWS_S3_USE_ARN_REGION" in names
    assert "AWS_PROFILE" in names
    placed = plain.READ | plain.WITHOUT_EFFECT | plain.FOR_BOTOCORE | set(plain.FILES)
    assert {name for name in names if name.startswith("AWS_")} <= placed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_PROFILE", "default"),
        ("AWS_S3_USE_ARN_REGION", "false"),
        ("AWS_DATA_PATH", "/models"),
        ("AWS_USE_FIPS_ENDPOINT", ""),
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_MAX_ATTEMPTS", "0"),
        ("AWS_ENDPOINT_URL_S3", "store.example"),
        ("AWS_ENDPOINT_URL_S3", "https://s3-accelerate.amazonaws.com"),
    ],
)
def test_a_variable_with_more_to_say_leaves_it_to_botocore(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert read(connection(**KEYS), **{name: value}) is None


@pytest.mark.parametrize("name", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
def test_configuration_files_are_botocore_s_to_read(name: str, tmp_path: Path) -> None:
    file = tmp_path / "aws"
    assert read(connection(**KEYS), **{name: str(file)})
    file.write_text("[default]\ns3 =\n  addressing_style = virtual\n", encoding="utf-8")
    assert read(connection(**KEYS), **{name: str(file)}) is None


@pytest.mark.parametrize(
    ("of", "environ"),
    [
        (connection(**KEYS, role_arn="arn:aws:iam::111122223333:role/deploy"), {}),
        (connection(role_arn="arn:aws:iam::111122223333:role/deploy", identity_token=lambda _: "token"), {}),
        (None, {}),
        (None, {"AWS_ACCESS_KEY_ID": "AKIAPRODUCTION000001"}),
        (None, {**OF_ENVIRONMENT, "AWS_SECRET_ACCESS_KEY": "a b"}),
        (None, {**OF_ENVIRONMENT, "AWS_CREDENTIAL_EXPIRATION": "2030-01-01T00:00:00Z"}),
    ],
)
def test_keys_that_are_not_plain_are_botocore_s_to_find(of: Connection | None, environ: dict[str, str]) -> None:
    assert read(of, **environ) is None


@pytest.mark.parametrize("region", ["", "EU-WEST-1", "ireland"])
def test_a_region_that_has_to_be_looked_for_or_mended_is_botocore_s(region: str) -> None:
    assert read(connection(**KEYS), region=region) is None


def test_half_a_connection_is_refused_at_once() -> None:
    with pytest.raises(RopewayError, match="without its secret access key"):
        read(connection(access_key_id="AKIAPRODUCTION000001"))


NOWHERE = str(Path(__file__).parent / "no" / "file")


def read(of: Connection | None, *, region: str = "eu-west-1", **environ: str) -> plain.Plain | None:
    nowhere = {"AWS_CONFIG_FILE": NOWHERE, "AWS_SHARED_CREDENTIALS_FILE": NOWHERE}
    return plain.read(inputs(region_name=region), of, "", "", {**nowhere, **environ})


def test_keys_are_not_shown() -> None:
    shown = repr(read(connection(**KEYS)))
    assert "AKIA…0001" in shown
    assert "hush" not in shown


# --- what it costs ----------------------------------------------------------------------------------------------------------


def test_botocore_is_imported_for_a_client_and_for_nothing_else() -> None:
    script = """
import sys
from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.session import connect
of = Connection("c", access_key_id="AKIAPRODUCTION000001", secret_access_key="x")
aws = connect(AwsInputs(region_name="eu-west-1"), of)
aws.s3("bucket").credentials(), aws.origin(), aws.way("https://example.com")
before = sorted(name for name in ("botocore", "boto3", "urllib3", "email", "http.client", "asyncio") if name in sys.modules)
aws.client("s3")
print(before, "botocore" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[] True"
