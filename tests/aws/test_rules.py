"""The endpoint rules give what botocore's own evaluator gives."""

import gzip
import itertools
import json
from pathlib import Path

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from hypothesis import given, settings
from hypothesis import strategies as st

from ropeway.aws import rules
from ropeway.aws.rules import Endpoint, resolve
from ropeway.errors import InputError

DATA = Path(rules.botocore_folder()) / "data"
PARTITIONS = json.loads((DATA / "partitions.json").read_text(encoding="utf-8"))
REGIONS = [region for partition in PARTITIONS["partitions"] for region in partition["regions"]]
FLAGS = ("UseFIPS", "UseDualStack", "ForcePathStyle", "Accelerate", "UseArnRegion")
BUCKETS = (
    "bucket",
    "with.dots",
    "With_Capitals",
    "10.0.0.1",
    "arn:aws:s3:us-west-2:123456789012:accesspoint:reports",
    "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/reports",
    "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap",
    "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/redacting",
    "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456/accesspoint/reports",
    "arn:aws:s3:us-west-2:123456789012:accesspoint:not_a_name",
    "bucket--usw2-az1--x-s3",
    "reports--xa-s3",
    "test-accessp-o0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3",
)
ADDRESSES = (
    None,
    "https://s3.example.com",
    "http://127.0.0.1:9000/under/here/",
    "https://[::1]:9000",
    "https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com",
)


def provider(service: str) -> EndpointProvider:
    [file] = (DATA / service).glob("*/endpoint-rule-set-1.json.gz")
    return EndpointProvider(json.loads(gzip.decompress(file.read_bytes())), PARTITIONS)


S3, STS = provider("s3"), provider("sts")


def theirs(of: EndpointProvider, service: str, parameters: dict) -> Endpoint | str:
    try:
        found = of.resolve_endpoint(**parameters)
    except EndpointProviderError as error:
        return str(error)
    # Of those that botocore takes without its native runtime, the first.
    schemes = found.properties.get("authSchemes", [{}])
    scheme = next((each for each in schemes if each.get("name") != "sigv4a"), schemes[0])
    signed = scheme.get("name", "sigv4"), scheme.get("signingName", service)
    return Endpoint(found.url, *signed, scheme.get("signingRegion", parameters["Region"]))


def ours(service: str, parameters: dict) -> Endpoint | str:
    try:
        return resolve(service, "find it", **parameters)
    except InputError as error:
        return str(error).removeprefix("Could not find it: ")


def assert_same(of: EndpointProvider, service: str, parameters: dict) -> None:
    expected, found = theirs(of, service, parameters), ours(service, parameters)
    if isinstance(expected, str):
        expected = f"{expected.rstrip('.')}."
    assert found == expected, parameters


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task asks once or twice, these tests some ten thousand times."""
    kept = {service: rules._rule_set(service) for service in ("s3", "sts")}
    monkeypatch.setattr(rules, "_rule_set", kept.__getitem__)


@pytest.mark.parametrize("bucket", BUCKETS)
def test_every_region_and_flag_leads_where_botocore_is_led(bucket: str) -> None:
    for region, flags in itertools.product(
        [*REGIONS, "xx-new-9", "garage"], itertools.product([False, True], repeat=5)
    ):
        assert_same(S3, "s3", {"Bucket": bucket, "Region": region, **dict(zip(FLAGS, flags, strict=True))})


@pytest.mark.parametrize("bucket", BUCKETS)
def test_an_endpoint_of_one_s_own_is_taken_as_botocore_takes_it(bucket: str) -> None:
    for address, flags in itertools.product(ADDRESSES, itertools.product([False, True], repeat=5)):
        given = {"Bucket": bucket, "Region": "eu-west-1", **dict(zip(FLAGS, flags, strict=True))}
        assert_same(S3, "s3", given | ({"Endpoint": address} if address else {}))


def test_sts_is_where_botocore_asks_it() -> None:
    for region, fips, dual in itertools.product(REGIONS, [False, True], [False, True]):
        assert_same(STS, "sts", {"Region": region, "UseFIPS": fips, "UseDualStack": dual})
    assert_same(STS, "sts", {"Region": "garage", "Endpoint": "http://127.0.0.1:1/sts"})


NAMES = st.text("abcxyzABC019.-_:/é ", min_size=1, max_size=66)
PIECES = st.lists(
    st.sampled_from(
        [
            "arn",
            "aws",
            "aws-cn",
            "s3",
            "s3-outposts",
            "us-west-2",
            "",
            "123456789012",
            "accesspoint",
            "outpost",
            "x",
            "a_b",
        ]
    ),
    min_size=1,
    max_size=9,
)

ADDRESS = st.from_regex(
    r"https?://[a-z0-9]{1,5}([.][a-z0-9]{1,5}){0,3}(:[1-9][0-9]{0,3})?(/[a-z ]{1,4})?/?", fullmatch=True
)


@settings(max_examples=300, deadline=None)
@given(
    bucket=NAMES | PIECES.map(":".join) | PIECES.map("/".join),
    region=st.sampled_from(REGIONS) | st.from_regex(r"[a-z]{2}(-[a-z]{1,6}){1,2}-[0-9]", fullmatch=True),
    address=st.sampled_from(ADDRESSES) | ADDRESS,
    flags=st.fixed_dictionaries({flag: st.booleans() for flag in FLAGS}),
)
def test_whatever_a_bucket_is_called_the_answer_is_botocore_s(bucket, region, address, flags) -> None:
    given = {"Bucket": bucket, "Region": region, **flags}
    assert_same(S3, "s3", given | ({"Endpoint": address} if address else {}))


def test_what_no_endpoint_serves_is_refused_in_aws_s_words() -> None:
    with pytest.raises(InputError, match=r"Could not reach it: .*FIPS"):
        resolve("s3", "reach it", Bucket="bucket", Region="cn-north-1", UseFIPS=True)


@pytest.mark.parametrize(
    ("bucket", "scheme", "service"),
    [
        ("bucket", "sigv4", "s3"),
        ("arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/redacting", "sigv4", "s3-object-lambda"),
        ("arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap", "sigv4a", "s3"),
        ("bucket--usw2-az1--x-s3", "sigv4-s3express", "s3express"),
    ],
)
def test_how_a_kind_of_bucket_is_signed_for_is_said(bucket: str, scheme: str, service: str) -> None:
    found = resolve("s3", "find it", Bucket=bucket, Region="us-west-2")
    assert (found.scheme, found.service) == (scheme, service)
