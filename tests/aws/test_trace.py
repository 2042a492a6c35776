"""`logRequest` and `logResponse`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ropeway.aws.session import Aws, connect
from ropeway.aws.trace import shown_url
from tests.aws.asked import KEYS, ONCE, ROLE, assumed, connection, inputs, list_bucket, lists_any_bucket
from tests.servers.misbehaving import Answer, Misbehaving, s3_error

CUSTOMER_KEY = b"0123456789abcdef0123456789abcdef"


def traced(server: Misbehaving, told: list[str], **given: Any) -> Aws:
    keys = connection(
        access_key_id="AKIAPRODUCTION000001", secret_access_key="very/hush/secret", session_token="the-hush-token"
    )
    return connect(inputs(endpoint_url=server.url, **given), keys, debug=told.append)


def test_nothing_is_told_unless_asked_for(store: Misbehaving) -> None:
    told: list[str] = []
    list_bucket(traced(store, told))
    assert told == []


def test_a_request_is_one_line_with_method_address_and_headers(store: Misbehaving) -> None:
    told: list[str] = []
    list_bucket(traced(store, told, log_request=True))
    [line] = told
    assert line.startswith(f"> GET {store.url}/bucket?list-type=2&encoding-type=url ")
    assert "Authorization=***" in line
    assert "X-Amz-Security-Token=***" in line
    assert "User-Agent=" in line


def test_an_answer_is_one_line_with_operation_status_and_headers(misbehaving: Misbehaving) -> None:
    misbehaving.on(Answer(200, {"x-amz-request-id": "REQ7"}, b"<ListBucketResult/>"))
    told: list[str] = []
    list_bucket(traced(misbehaving, told, log_response=True))
    [line] = told
    assert line.startswith("< s3.ListObjectsV2 200 ")
    assert "x-amz-request-id=REQ7" in line


def test_every_attempt_is_told_and_a_missing_answer_too(
    misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    misbehaving.on(s3_error(500, "InternalError"), times=1)
    misbehaving.on(Answer(hang_up=True), times=1)
    lists_any_bucket(misbehaving)
    told: list[str] = []
    traced(misbehaving, told, log_request=True, log_response=True).client("s3").list_objects_v2(Bucket="bucket")
    assert [line.split(" ")[0] for line in told] == [">", "<"] * 3
    assert told[1].startswith("< s3.ListObjectsV2 500 ")
    assert told[3] == "< s3.ListObjectsV2 no answer: ConnectionClosedError"


def test_no_secret_and_no_body_is_ever_told(misbehaving: Misbehaving) -> None:
    misbehaving.on(Answer(200), method="PUT")
    misbehaving.on(Answer(200, body=b"the-body-that-came"), method="GET")
    told: list[str] = []
    s3 = traced(misbehaving, told, log_request=True, log_response=True).client("s3", **ONCE)
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": CUSTOMER_KEY}
    s3.put_object(Bucket="bucket", Key="key", Body=b"the-body-that-went", **key)
    s3.get_object(Bucket="bucket", Key="key", **key)["Body"].read()
    text = "\n".join(told)
    assert len(told) == 4
    for secret in (
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "the-hush-token",
        "the-body",
        "Signature=",
        "very/hush/secret",
    ):
        assert secret not in text
    assert "x-amz-server-side-encryption-customer-key=***" in text
    assert "x-amz-server-side-encryption-customer-algorithm=AES256" in text


def test_the_requests_that_fetch_credentials_are_told_without_the_keys_they_bring(store: Misbehaving) -> None:
    store.on(assumed("ASIAROLE000000000001"), method="POST")
    told: list[str] = []
    asked = inputs(endpoint_url=store.url, log_request=True, log_response=True)
    connect(asked, connection(**KEYS, role_arn=ROLE), debug=told.append).client("s3")
    assert [line.split(" ")[:2] for line in told] == [[">", "POST"], ["<", "sts.AssumeRole"]]
    assert "ASIAROLE" not in "".join(told)


def test_the_token_of_a_login_at_the_identity_center_is_not_told(
    misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The header with which botocore asks for the role's keys; whoever has it may ask for those of every role of that user."""
    start = "https://corp.awsapps.com/start"
    config = f"[profile sso]\nsso_start_url={start}\nsso_region=eu-west-1\nsso_account_id=111122223333\nsso_role_name=deploy\n"
    cached = {"startUrl": start, "accessToken": "hush-login", "expiresAt": "2099-01-01T00:00:00Z"}
    keys = {
        "accessKeyId": "ASIASSO0000000000001",
        "secretAccessKey": "s",
        "sessionToken": "t",
        "expiration": 4102444800000,
    }
    (tmp_path / "config").write_text(config)
    cache = tmp_path / f"{hashlib.sha1(start.encode(), usedforsecurity=False).hexdigest()}.json"
    cache.write_text(json.dumps(cached))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", misbehaving.url)
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(tmp_path))
    misbehaving.on(
        Answer(200, {"Set-Cookie": "hush-cookie"}, json.dumps({"roleCredentials": keys}).encode()), method="GET"
    )
    told: list[str] = []
    asked = inputs(log_request=True, log_response=True)
    aws = connect(asked, None, profile="sso", debug=told.append)
    assert aws.origin() == "the host: IAM Identity Center, profile sso, access key ASIA…0001"
    assert [line.split(" ")[:2] for line in told] == [[">", "GET"], ["<", "sso.GetRoleCredentials"]]
    assert "x-amz-sso_bearer_token=***" in told[0]
    assert "hush" not in "".join(told)


@pytest.mark.parametrize(
    "signed",
    [
        "X-Amz-Credential=AKIA%2F2026&X-Amz-Security-Token=tok&X-Amz-Signature=sig",
        "AWSAccessKeyId=AKIA&Signature=sig&x-amz-security-token=tok",
    ],
)
def test_a_presigned_address_is_shown_without_what_signs_it(signed: str) -> None:
    shown = shown_url(f"https://store.example/bucket/a%20b?{signed}&Expires=3600&empty=")
    assert shown.startswith("https://store.example/bucket/a%20b?")
    assert not any(secret in shown for secret in ("AKIA", "=tok", "=sig"))
    assert shown.count("=***") == 3
    assert shown.endswith("&Expires=3600&empty=")
