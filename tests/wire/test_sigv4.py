"""Requests are signed as AWS's documents say and as botocore does it."""

import hashlib
from datetime import datetime, timezone
from types import SimpleNamespace
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from ropeway.wire.sigv4 import (
    EMPTY,
    UNSIGNED_PAYLOAD,
    Credentials,
    Signer,
    canonical_request,
    encoded_path,
    encoded_query,
    signing_key,
)

# --- AWS's own examples -----------------------------------------------------------------------------------------------------

SUITE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
FORM = {"content-type": "application/x-www-form-urlencoded"}
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

VECTORS = {
    "get-vanilla": ("GET", "/", "", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "get-utf8": (
        "GET", encoded_path("/\u1234"), "", {}, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    "get-unreserved": (
        "GET", encoded_path(f"/{UNRESERVED}"), "", {}, "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    "get-vanilla-query-order-key-case": (
        "GET", "/", "Param2=value2&Param1=value1", {}, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-vanilla-empty-query-key": (
        "GET", "/", "Param1=value1", {}, "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    "get-vanilla-query-unreserved": (
        "GET", "/", f"{UNRESERVED}={UNRESERVED}", {}, "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    "get-header-value-trim": (
        "GET", "/", "", {"my-header1": " value1", "my-header2": ' "a   b   c"'},
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "post-vanilla": ("POST", "/", "", {}, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-header-key-sort": (
        "POST", "/", "", {"my-header1": "value1"}, "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
}  # fmt: skip
"""The SigV4 test suite: name, method, path, query, headers beside the host's, signature (2015-08-30, us-east-1, "service")."""


@pytest.mark.parametrize("name", VECTORS)
def test_the_signature_is_that_of_aws_s_test_suite(name: str) -> None:
    method, path, query, headers, signature = VECTORS[name]
    signer = signer_at("2015-08-30T12:36:00", SUITE, "service")
    signed = signer.sign(method, path, query, {"host": "example.amazonaws.com", **headers})
    assert signed["authorization"].endswith(f"Signature={signature}")


def test_a_form_is_signed_with_its_hash() -> None:
    signer = signer_at("2015-08-30T12:36:00", SUITE, "service")
    digest = hashlib.sha256(b"Param1=value1").hexdigest()
    signed = signer.sign("POST", "/", "", {"host": "example.amazonaws.com", **FORM}, digest)
    assert signed["authorization"].endswith("=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")


EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
WELCOME = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()

S3 = {
    "get object": (
        "GET", "/test.txt", "", {"range": "bytes=0-9"}, EMPTY,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "put object": (
        "PUT", encoded_path("/test$file.text"), "",
        {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}, WELCOME,
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    "get bucket lifecycle": (
        "GET", "/", "lifecycle", {}, EMPTY, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    "list objects": (
        "GET", "/", encoded_query({"prefix": "J", "max-keys": "2"}), {}, EMPTY,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
}  # fmt: skip
"""The examples of the S3 API reference ("Signature Calculations for the Authorization Header"), of 2013-05-24 in us-east-1."""


@pytest.mark.parametrize("name", S3)
def test_the_signature_is_that_of_the_s3_api_reference(name: str) -> None:
    method, path, query, headers, payload_hash, signature = S3[name]
    signer = signer_at("2013-05-24T00:00:00", EXAMPLE, "s3")
    signed = signer.sign(method, path, query, {"host": "examplebucket.s3.amazonaws.com", **headers}, payload_hash)
    assert signed["authorization"].endswith(f"Signature={signature}")


# --- as botocore ------------------------------------------------------------------------------------------------------------

TEXT = st.characters(min_codepoint=32, max_codepoint=126)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "a/../b",
        "./",
        "//x//",
        "a b+c%20d",
        "é\u0301/ü",
        "\u2028",
        "\0\r\n",
        "~-._",
        "a?b#c&d=e",
        "\U0001f600",
        "%2F",
        "*'()!",
    ]
)
NAMES = st.from_regex(
    r"x-amz-meta-[a-z0-9-]{1,12}|content-type|cache-control|user-agent|x-amz-acl|range|expect|te", fullmatch=True
)
PARAMETERS = st.dictionaries(st.text(TEXT, min_size=1, max_size=8), KEYS, max_size=4) | st.sampled_from(
    [{"partNumber": "1", "uploadId": "a/b+c=="}, {"list-type": "2", "prefix": "é/", "continuation-token": "1/x="}]
)
ORIGINS = (
    "https://bucket.s3.eu-west-1.amazonaws.com",
    "https://s3.eu-west-1.amazonaws.com/bucket",
    "https://ap-111122223333.s3-accesspoint.cn-north-1.amazonaws.com.cn",
    "http://127.0.0.1:9000/bucket",
    "https://[::1]:9000/bu.cket",
    "http://localhost/x/b",
)
MOMENTS = st.integers(0, 4_000_000_000)


@settings(max_examples=350, deadline=None)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE"]),
    key=KEYS,
    parameters=PARAMETERS,
    headers=st.dictionaries(NAMES, st.text(TEXT, max_size=30), max_size=6),
    token=st.just("") | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60),
    region=st.sampled_from(["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "garage"]),
    service=st.sampled_from(["s3", "s3-outposts", "s3-object-lambda"]),
    body=st.just(None) | st.binary(max_size=20),
    moment=MOMENTS,
)
def test_what_is_signed_and_how_is_botocore_s(
    method, key, parameters, headers, token, region, service, body, moment
) -> None:
    """Six addresses each: 2,100 requests."""
    query = encoded_query(parameters)
    signer = Signer(lambda: Credentials("AKIAEXAMPLE", "very/hush", token), region, service, clock=lambda: moment)
    payload_hash = UNSIGNED_PAYLOAD if body is None else hashlib.sha256(body).hexdigest()
    for origin in ORIGINS:
        url = f"{origin}/{encoded_path(key)}"
        request = AWSRequest(method, f"{url}?{query}" if query else url, dict(headers), body or b"")
        request.context.update(payload_signing_enabled=True, client_config=config(signs_payload=body is not None))
        theirs = Theirs(BotocoreCredentials("AKIAEXAMPLE", "very/hush", token or None), service, region)
        with patch.object(auth, "get_current_datetime", lambda: datetime.fromtimestamp(moment, timezone.utc)):
            theirs.add_auth(request)

        parts = urlsplit(url)
        sent = {"host": parts.netloc, **headers}
        signed = signer.sign(method, parts.path, query, sent, payload_hash)
        all_sent = sent | unauthorised(signed)
        assert canonical_request(method, parts.path, query, all_sent, payload_hash)[0] == theirs.canonical
        assert signed == {name: request.headers[name] for name in signed}
        assert signed["authorization"] == request.headers["Authorization"]


class Theirs(auth.S3SigV4Auth):
    """Keeps the canonical request."""

    canonical = ""

    def canonical_request(self, request):
        self.canonical = super().canonical_request(request)
        return self.canonical


def config(*, signs_payload: bool) -> SimpleNamespace:
    return SimpleNamespace(s3={"payload_signing_enabled": signs_payload})


def unauthorised(signed: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in signed.items() if name != "authorization"}


# --- over time --------------------------------------------------------------------------------------------------------------


def test_a_signer_signs_next_second_and_next_day_as_a_new_one_would() -> None:
    now = [datetime(2026, 1, 1, 23, 59, 58, tzinfo=timezone.utc).timestamp()]
    lasting = Signer(lambda: EXAMPLE, "eu-west-1", clock=lambda: now[0])
    for _ in range(4):
        fresh = Signer(lambda: EXAMPLE, "eu-west-1", clock=lambda: now[0])
        assert an_upload(lasting) == an_upload(fresh)
        now[0] += 1
    assert "/20260102/eu-west-1/s3/" in an_upload(lasting)["authorization"]


def test_renewed_credentials_sign_at_once() -> None:
    current = [Credentials("AKIAFIRST", "one")]
    signer = Signer(lambda: current[0], "eu-west-1", clock=lambda: 1_700_000_000)
    assert "x-amz-security-token" not in an_upload(signer)
    current[0] = Credentials("ASIASECOND", "two", "its-token")
    renewed = an_upload(signer)
    assert renewed == an_upload(Signer(lambda: current[0], "eu-west-1", clock=lambda: 1_700_000_000))
    assert renewed["x-amz-security-token"] == "its-token"
    assert "Credential=ASIASECOND/" in renewed["authorization"]


def test_a_clock_that_is_wrong_is_set_by_aws_s() -> None:
    signer = Signer(lambda: EXAMPLE, "eu-west-1", clock=lambda: 0)
    signer.heard(datetime(2026, 5, 17, 8, 30, tzinfo=timezone.utc).timestamp())
    assert an_upload(signer)["x-amz-date"] == "20260517T083000Z"
    assert signer.elsewhere("us-east-1").sign("GET", "/", "", {"host": "h"})["x-amz-date"] == "20260517T083000Z"


def test_elsewhere_the_other_region_is_signed_for() -> None:
    signer = Signer(lambda: EXAMPLE, "eu-west-1")
    assert "/eu-west-1/s3/aws4_request" in an_upload(signer)["authorization"]
    assert "/us-east-1/s3/aws4_request" in an_upload(signer.elsewhere("us-east-1"))["authorization"]


def test_services_other_than_s3_are_sent_no_hash_of_the_payload() -> None:
    assert "x-amz-content-sha256" not in Signer(lambda: EXAMPLE, "eu-west-1", "sts").sign(
        "POST", "/", "", {"host": "h"}
    )


def test_what_a_proxy_may_change_is_not_signed() -> None:
    headers = {"host": "h", "user-agent": "ropeway", "expect": "100-continue", "content-type": "a/b"}
    signed = Signer(lambda: EXAMPLE, "eu-west-1").sign("PUT", "/k", "", headers)["authorization"]
    assert "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date," in signed


def test_nothing_that_opens_a_door_is_shown() -> None:
    secret = Credentials("AKIAEXAMPLE", "very/hush", "session-hush")
    signer = Signer(lambda: secret, "eu-west-1")
    an_upload(signer)
    assert repr(secret) == "Credentials(access_key='AKIAEXAMPLE')"
    assert "hush" not in f"{signer!r}{signer._second!r}"
    assert signing_key(secret.secret_key, signer._second.scope).hex() not in repr(signer._second)


def test_half_a_character_is_no_key() -> None:
    with pytest.raises(UnicodeEncodeError):
        encoded_path("a\ud800")


def an_upload(signer: Signer) -> dict[str, str]:
    return signer.sign("PUT", "/key", "", {"host": "bucket.s3.eu-west-1.amazonaws.com"}, UNSIGNED_PAYLOAD)


def signer_at(moment: str, credentials: Credentials, service: str) -> Signer:
    seconds = datetime.fromisoformat(moment).replace(tzinfo=timezone.utc).timestamp()
    return Signer(lambda: credentials, "us-east-1", service, clock=lambda: seconds)
