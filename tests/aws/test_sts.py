"""Whose plain keys are is asked without botocore, and told as if botocore had asked."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ropeway.aws.clients import Clients
from ropeway.aws.connection import Network
from ropeway.aws.plain_session import PlainSession
from ropeway.aws.session import Identity, connect
from ropeway.errors import AwsError, CredentialsError, InputError, NetworkError, RopewayError
from tests.aws.asked import KEYS, ROLE, asked_of_sts, caller, connection, inputs, sts_error
from tests.servers.misbehaving import Answer, Misbehaving

HTML = Answer(403, {"Content-Type": "text/html"}, b"<html>Blocked</html>")
ANSWERS = {
    "a key that is not known": [
        sts_error(403, "InvalidClientTokenId", "The security token included in the request is invalid")
    ],
    "a session that is over": [sts_error(403, "ExpiredToken", "The security token included in the request is expired")],
    "a clock that is wrong": [
        sts_error(
            403, "SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20260102T000000Z"
        )
    ],
    "a policy that denies": [sts_error(403, "AccessDenied", "not authorized to perform: sts:GetCallerIdentity")],
    "a code that nobody knows": [sts_error(400, "Strange", "Something strange.")],
    "a fault that stays": [
        sts_error(500, "InternalFailure", "An error"),
        sts_error(503, "ServiceUnavailable", "Another"),
    ],
    "a throttle that stays": [sts_error(400, "Throttling", "Rate exceeded")] * 2,
    "a proxy's page": [HTML],
    "a proxy that wants a login": [Answer(407, {"Content-Type": "text/html"}, b"<html>Who are you?</html>")],
}

PROFILE = "[default]\nservices = store\n[services store]\nsts =\n  endpoint_url = {}\n"


@pytest.mark.parametrize("what", ANSWERS)
def test_what_sts_refuses_is_told_as_botocore_s_answer_is(what: str, store: Misbehaving) -> None:
    told = []
    given = inputs(allowed_account_ids=("111122223333",))
    rest = {"network": Network(), "default_region": "", "profile": "", "debug": lambda _: None, "mask": lambda _: None}
    for aws in (connect(given, connection(**KEYS)), Clients(given, connection(**KEYS), **rest)):
        for answer in ANSWERS[what]:
            store.on(answer, method="POST", times=1)
        with pytest.raises(RopewayError) as refused:
            aws.guard()
        told.append((type(refused.value), *map(timeless, (refused.value.message, refused.value.advice))))
    assert told[0] == told[1]


def timeless(text: str) -> str:
    """A second may pass between the two."""
    return re.sub(r"\d\d:\d\d:\d\d", "TIME", text)


def test_one_signed_request_tells_account_and_arn(store: Misbehaving) -> None:
    store.on(caller("111122223333"), method="POST")
    lines: list[str] = []
    aws = connect(
        inputs(log_request=True, log_response=True), connection(**KEYS, session_token="hush"), debug=lines.append
    )
    assert isinstance(aws, PlainSession)
    origin = "service connection 'prod' (access key AKIA…0001)"
    assert aws.identity() == Identity("111122223333", "arn:aws:iam::111122223333:user/release", origin)
    [asked] = asked_of_sts(store)
    assert asked == {"Action": "GetCallerIdentity", "Version": "2011-06-15", "signer": KEYS["access_key_id"]}
    assert "/eu-west-1/sts/aws4_request" in store.requests[0].headers["authorization"]
    assert [line.split()[:2] for line in lines] == [[">", "POST"], ["<", "sts.GetCallerIdentity"]]
    assert "hush" not in "".join(lines)


@pytest.mark.parametrize(
    "fault", [Answer(hang_up=True), ANSWERS["a fault that stays"][0], ANSWERS["a throttle that stays"][0]]
)
def test_a_fault_that_passes_is_asked_again(fault: Answer, store: Misbehaving) -> None:
    store.on(fault, method="POST", times=1)
    store.on(caller("111122223333"), method="POST")
    assert connect(inputs(), connection(**KEYS)).identity().account == "111122223333"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome</html>",
        b"",
        b"<GetCallerIdentityResponse/>",
        b"<!DOCTYPE x><x/>",
        b"\xff",
        b'<?xml version="1.0" encoding="bogus"?><x/>',
    ],
)
def test_a_yes_without_an_account_is_none(body: bytes, store: Misbehaving) -> None:
    store.on(Answer(200, {"Content-Type": "text/xml"}, body), method="POST")
    with pytest.raises(NetworkError, match="what answered does not speak AWS's protocol"):
        connect(inputs(), connection(**KEYS)).identity()


@pytest.mark.parametrize("source", ["the environment", "the profile"])
@pytest.mark.parametrize("role", ["", ROLE], ids=["keys", "a role"])
@pytest.mark.parametrize(
    "url", ["sts.example", "http://sts.example:99999", "https://a..b", "http://[::1", "http://u:hush@sts.example"]
)
def test_what_is_no_address_of_an_sts_is_told(
    url: str, role: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    if source == "the environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
    else:
        Path(os.environ["AWS_CONFIG_FILE"]).write_text(PROFILE.format(url))
    where = "AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or the AWS profile's"
    with pytest.raises(InputError, match=re.escape(f"The endpoint of STS ({where})")) as told:
        connect(inputs(), connection(**KEYS, role_arn=role)).guard()
    assert "hush" not in str(told.value)


def test_an_sts_without_a_way_to_it_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    lines: list[str] = []
    aws = connect(inputs(), connection(**KEYS), debug=lines.append)
    assert aws.guard() is None
    assert "No account is known: Could not use the credentials of service connection 'prod'" in lines[-1]
    assert "127.0.0.1:9 cannot be reached" in lines[-1]


@pytest.mark.parametrize("what", ["a fault that stays", "a throttle that stays"])
def test_an_sts_at_fault_is_no_reason_to_stop_unless_an_account_was_demanded(what: str, store: Misbehaving) -> None:
    for answer in ANSWERS[what] * 2:
        store.on(answer, method="POST", times=1)
    lines: list[str] = []
    assert connect(inputs(), connection(**KEYS), debug=lines.append).guard() is None
    assert "No account is known: Could not use the credentials of service connection 'prod'" in lines[-1]
    with pytest.raises(AwsError) as told:
        connect(inputs(allowed_account_ids=("111122223333",)), connection(**KEYS)).guard()
    assert "un again later" in told.value.advice


def test_a_store_s_keys_are_not_shown_to_aws(misbehaving: Misbehaving) -> None:
    aws = connect(inputs(endpoint_url=misbehaving.url), connection(**KEYS))
    with pytest.raises(CredentialsError, match="is not AWS's, and AWS knows nothing of another store's keys"):
        aws.identity()
    assert not misbehaving.requests
