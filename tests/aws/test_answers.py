"""What AWS answers, as a user reads it: each error comes over HTTP from a server that words it as AWS does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ropeway.aws.answers import asking, put_into_words
from ropeway.aws.session import connect
from ropeway.errors import (
    AccessDenied,
    AwsError,
    BucketMissing,
    CredentialsError,
    InputError,
    IntegrityError,
    NetworkError,
    RopewayError,
    WrongRegion,
)
from tests.aws.asked import KEYS, connection, inputs
from tests.servers.misbehaving import Answer, Misbehaving, s3_error

DOING = "upload a.txt to s3://shop/a.txt"

Call = Callable[[Any], Any]
Answering = tuple[Misbehaving, Any]


def put(s3: Any) -> None:
    s3.put_object(Bucket="shop", Key="a.txt", Body=b"hello")


def head(s3: Any) -> None:
    s3.head_object(Bucket="shop", Key="a.txt")


def head_bucket(s3: Any) -> None:
    s3.head_bucket(Bucket="shop")


def told(
    answering: Answering,
    answer: Answer,
    call: Call = put,
    *,
    action: str | tuple[str, ...] = "s3:PutObject",
    bucket_owner: str = "",
) -> RopewayError:
    """The error that a user gets for this answer."""
    server, s3 = answering
    server.on(answer)
    asked = {"bucket": "shop", "bucket_owner": bucket_owner, "region": "eu-west-1"}
    with pytest.raises(RopewayError) as raised, asking(DOING, action=action, **asked):
        call(s3)
    return raised.value


ROWS = {
    "expired": (
        s3_error(400, "ExpiredToken", "The provided token has expired."),
        CredentialsError,
        "The session is over. Renew the session token, or let the connection assume a role",
    ),
    "no such key": (
        s3_error(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
        CredentialsError,
        "The access key is deleted, disabled, mistyped or of another AWS partition",
    ),
    "bad token": (
        s3_error(400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
        CredentialsError,
        "The session token does not belong to the access key, or is not whole",
    ),
    "bad secret": (
        s3_error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match."),
        CredentialsError,
        "The secret access key is not the one of this access key: copy it anew, whole.",
    ),
    "no key's shape": (
        s3_error(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; a non-empty Access Key"),
        CredentialsError,
        "The access key is not written as AWS writes one",
    ),
    "clock": (
        s3_error(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            RequestTime="20260101T000000Z",
            ServerTime="2026-11-21T22:00:00Z",
        ),
        CredentialsError,
        "This machine's clock says 20260101T000000Z, AWS's 2026-11-21T22:00:00Z; they may differ by 15 minutes at most.",
    ),
    "clock, as other services say it": (
        s3_error(403, "SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20261121T214500Z"),
        CredentialsError,
        "This machine's clock says ",
    ),
    "denied": (
        s3_error(403, "AccessDenied", "Access Denied"),
        AccessDenied,
        "The identity needs s3:PutObject on bucket shop. If its own policy allows that, the bucket's policy, a VPC endpoint's or",
    ),
    "denied by no policy": (
        s3_error(
            403,
            "AccessDenied",
            "User: arn:aws:iam::111122223333:user/u is not authorized to perform: s3:PutObjectAcl on resource: "
            '"arn:aws:s3:::shop/a.txt" because no identity-based policy allows the s3:PutObjectAcl action',
        ),
        AccessDenied,
        "The identity needs s3:PutObjectAcl on bucket shop. Add it to the identity's policy.",
    ),
    "denied outright": (
        s3_error(
            403,
            "AccessDenied",
            "User: u is not authorized to perform: s3:PutObject on resource: r with an explicit deny in a resource-based policy",
        ),
        AccessDenied,
        "A deny outweighs every allow: it must be taken out of the policy that AWS names.",
    ),
    "denied a public ACL": (
        s3_error(
            403,
            "AccessDenied",
            "User: u is not authorized to perform: s3:PutObject on resource: r because public ACLs are prevented by the "
            "BlockPublicAcls setting in S3 Block Public Access.",
        ),
        AccessDenied,
        "The bucket blocks public ACLs: set the canned ACL (filesAcl) to none.",
    ),
    "denied the key": (
        s3_error(
            403,
            "AccessDenied",
            "User: u is not authorized to perform: kms:GenerateDataKey on resource: k because no identity-based policy allows it",
        ),
        AccessDenied,
        "The identity needs kms:GenerateDataKey on the KMS key, by its own policy and by the key's.",
    ),
    "not locked without a checksum": (
        s3_error(
            400,
            "InvalidRequest",
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
        ),
        AwsError,
        "The bucket locks its objects, and takes none without a checksum: set `checksums` to whenSupported.",
    ),
    "no lock in a bucket without": (
        s3_error(400, "InvalidRequest", "Bucket is missing Object Lock Configuration"),
        AwsError,
        "The bucket must have Object Lock enabled before objects in it can be locked (objectLockMode, objectLockLegalHold).",
    ),
    "denied by a proxy without a word": (
        Answer(403),
        NetworkError,
        "Check the endpoint URL (it must be the store's API, not its web page), and the proxies between.",
    ),
    "plain HTTP spoken to Go's TLS": (
        Answer(400, {"Content-Type": "text/plain"}, b"Client sent an HTTP request to an HTTPS server.\n"),
        NetworkError,
        "and the proxies between. If the other side speaks TLS, it must begin with https://.",
    ),
    "plain HTTP spoken to nginx's TLS": (
        Answer(400, {"Content-Type": "text/html"}, b"<title>400 The plain HTTP request was sent to HTTPS port</title>"),
        NetworkError,
        "and the proxies between. If the other side speaks TLS, it must begin with https://.",
    ),
    "denied by a proxy": (
        Answer(403, {"Content-Type": "text/html"}, b"<html><body>Blocked by your administrator</body></html>"),
        NetworkError,
        "Check the endpoint URL (it must be the store's API, not its web page), and the proxies between.",
    ),
    "no bucket": (
        s3_error(404, "NoSuchBucket", "The specified bucket does not exist", BucketName="shop"),
        BucketMissing,
        "Check bucketName and that the connection is of the right account",
    ),
    "name taken": (
        s3_error(409, "BucketAlreadyExists", "The requested bucket name is not available."),
        AwsError,
        "another account has this one: choose another name.",
    ),
    "name not allowed": (
        s3_error(400, "InvalidBucketName", "The specified bucket is not valid."),
        AwsError,
        "lower-case letters, digits, hyphens and dots, a letter or a digit at either end.",
    ),
    "no ACLs": (
        s3_error(400, "AccessControlListNotSupported", "The bucket does not allow ACLs"),
        AwsError,
        "set the canned ACL (filesAcl) to none.",
    ),
    "archived": (
        s3_error(
            403,
            "InvalidObjectState",
            "The operation is not valid for the object's storage class",
            StorageClass="DEEP_ARCHIVE",
        ),
        AwsError,
        "The object is archived in DEEP_ARCHIVE: restore it first (`aws s3api restore-object`), then run again.",
    ),
    "key disabled": (
        s3_error(400, "KMS.DisabledException", "arn:aws:kms:eu-west-1:111122223333:key/1 is disabled."),
        AwsError,
        "Check that the KMS key exists in the bucket's region, is enabled, and is meant for encryption (kmsMasterKeyId).",
    ),
    "too fast": (
        s3_error(503, "SlowDown", "Please reduce your request rate."),
        AwsError,
        "Run again later, or with fewer transfers at once (maxConcurrency).",
    ),
    "too slow": (
        s3_error(400, "RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout."),
        AwsError,
        "The bytes came too slowly",
    ),
    "changed on the way": (
        s3_error(400, "BadDigest", "The CRC32 you specified did not match the calculated checksum."),
        IntegrityError,
        "The bytes were changed on the way, or the file while it was read. Nothing was stored; run again.",
    ),
    "changed on the way, said otherwise": (
        s3_error(400, "InvalidRequest", "Value for x-amz-checksum-crc32 header is invalid."),
        IntegrityError,
        "Nothing was stored",
    ),
    "a customer's key": (
        s3_error(400, "InvalidRequest", "The object was stored using a form of Server Side Encryption. The correct parameters must be"),
        AwsError,
        "The object is encrypted with a customer key (SSE-C): give it as customerKey.",
    ),
    "not known": (
        s3_error(501, "NotImplemented", "A header you provided implies functionality that is not implemented"),
        AwsError,
        "stores without checksums need `checksums: whenRequired`.",
    ),
    "broken over there": (
        s3_error(500, "InternalError", "We encountered an internal error. Please try again."),
        AwsError,
        "The fault is at the other end: run again later.",
    ),
    "nothing of that name": (
        s3_error(404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:eu-west-1:111122223333:function:shop"),
        AwsError,
        "Check the name, the account and the region.",
    ),
    "anything else": (s3_error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"), AwsError, ""),
    "a proxy's login": (Answer(407, body=b"login"), NetworkError, "Set them where the proxy is set: the agent's --proxyusername"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "advice"), ROWS.values(), ids=ROWS)
def test_each_answer_has_its_kind_and_its_advice(
    answering: Answering, answer: Answer, kind: type[RopewayError], advice: str
) -> None:
    error = told(answering, answer)
    assert type(error) is kind
    assert advice in error.advice
    assert error.message.startswith(f"Could not {DOING}: ")


@pytest.mark.parametrize("row", [name for name, (answer, *_) in ROWS.items() if b"<Code>" in answer.body])
def test_code_words_and_request_id_of_aws_are_kept(answering: Answering, row: str) -> None:
    answer, *_ = ROWS[row]
    code = answer.body.split(b"<Code>")[1].split(b"<")[0].decode()
    words = answer.body.split(b"<Message>")[1].split(b"<")[0].decode().rstrip(".")
    message = told(answering, answer).message
    assert message == f"Could not {DOING}: AWS answered {code}: {words} (request id REQ42)."


def test_the_whole_sentence_of_a_denial(answering: Answering) -> None:
    error = told(answering, s3_error(403, "AccessDenied", "Access Denied"))
    assert str(error).startswith(
        "Could not upload a.txt to s3://shop/a.txt: AWS answered AccessDenied: Access Denied (request id REQ42). "
        "The identity needs s3:PutObject on bucket shop. If its own policy allows that, "
    )
    assert error.advice.endswith("a bucket of another account must let this identity in by its bucket policy.")
    assert isinstance(error, AwsError)
    assert (error.code, error.request_id) == ("AccessDenied", "REQ42")


def test_the_date_of_the_answer_counts_where_the_body_names_no_time(answering: Answering) -> None:
    advice = told(answering, s3_error(403, "RequestTimeTooSkewed")).advice
    assert re.match(
        r"This machine's clock says \d{4}-\d\d-\d\dT[\d:]+Z, AWS's \w{3}, \d\d \w{3} \d{4} [\d:]+ GMT;", advice
    )


def test_a_throttled_request_says_how_often_it_was_tried(
    misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    misbehaving.on(s3_error(503, "SlowDown"))
    s3 = connect(inputs(endpoint_url=misbehaving.url), connection(**KEYS)).client("s3")
    with (
        pytest.raises(
            AwsError, match=r"It still said so at attempt 2\. Run again later, or with fewer transfers at once"
        ),
        asking(DOING),
    ):
        put(s3)


# --- regions -------------------------------------------------------------------------------------------------------------

RIGHT = "The bucket shop lies in eu-central-1, not in eu-west-1: set regionName to eu-central-1."


@pytest.mark.parametrize(
    ("answer", "call"),
    [
        (Answer(301, {"x-amz-bucket-region": "eu-central-1"}, b"<Error><Code>PermanentRedirect</Code></Error>"), put),
        (Answer(307, {"x-amz-bucket-region": "eu-central-1"}, b"<Error><Code>TemporaryRedirect</Code></Error>"), put),
        (Answer(301, {"x-amz-bucket-region": "eu-central-1"}), head_bucket),
        (Answer(400, {"x-amz-bucket-region": "eu-central-1"}), head_bucket),
        (Answer(400, {"x-amz-bucket-region": "eu-central-1"}), head),
        (s3_error(400, "AuthorizationHeaderMalformed", "the region is wrong", Region="eu-central-1"), put),
        (
            s3_error(400, "AuthorizationHeaderMalformed", "the region 'eu-west-1' is wrong; expecting 'eu-central-1'"),
            put,
        ),
        (
            s3_error(
                400,
                "IllegalLocationConstraintException",
                "The eu-central-1 location constraint is incompatible for the",
            ),
            put,
        ),
    ],
)
def test_a_bucket_of_another_region_is_told_with_the_right_region(
    answering: Answering, answer: Answer, call: Call
) -> None:
    error = told(answering, answer, call)
    assert isinstance(error, WrongRegion)
    assert error.advice == RIGHT


def test_a_bucket_of_another_region_that_is_not_named(answering: Answering) -> None:
    error = told(answering, s3_error(301, "PermanentRedirect"))
    assert isinstance(error, WrongRegion)
    assert error.advice.startswith("The bucket shop lies in another region, not in eu-west-1: S3's console names it")


# --- HEAD, which has no words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "call", "kind", "words"),
    [
        (404, head_bucket, BucketMissing, "AWS answered 404: Not Found"),
        (404, head, AwsError, "AWS answered 404: Not Found"),
        (403, head, AccessDenied, "The identity needs s3:GetObject on bucket shop."),
        (400, head, AwsError, "It may be an expired session, another region, or an object whose customer key (SSE-C)"),
        (405, head, AwsError, "That version only says that the object was deleted: ask for the one before it"),
        (503, head, AwsError, "The fault is at the other end"),
    ],
)
def test_an_answer_without_words_is_told_by_its_status(
    answering: Answering, status: int, call: Call, kind: type[RopewayError], words: str
) -> None:
    error = told(answering, Answer(status, {"x-amz-request-id": "REQ42"}), call, action="s3:GetObject")
    assert type(error) is kind
    assert words in str(error)


def test_a_400_of_the_right_region_is_not_called_a_wrong_region(answering: Answering) -> None:
    assert type(told(answering, Answer(400, {"x-amz-bucket-region": "eu-west-1"}), head)) is AwsError


def test_a_denied_head_names_both_actions_that_may_be_missing(answering: Answering) -> None:
    error = told(answering, Answer(403, {"x-amz-request-id": "REQ42"}), head, action=("s3:GetObject", "s3:ListBucket"))
    assert error.advice.startswith(
        "The identity needs s3:GetObject on bucket shop, and s3:ListBucket to be told that there is no such object; which of them is "
        "missing, an answer to HEAD does not say. Where a KMS key of yours encrypts the object, it needs kms:Decrypt, too."
    )


def test_a_denial_without_a_reason_names_every_action_that_the_request_needs(answering: Answering) -> None:
    needed = ("s3:PutObject", "s3:PutObjectTagging", "kms:GenerateDataKey")
    error = told(answering, s3_error(403, "AccessDenied", "Access Denied"), action=needed)
    assert error.advice.startswith(
        "The identity needs s3:PutObject and s3:PutObjectTagging on bucket shop, and kms:GenerateDataKey on the KMS key, by its own "
        "policy and by the key's. If its own policy allows that,"
    )


def test_a_denial_with_a_reason_names_the_action_of_the_reason_alone(answering: Answering) -> None:
    words = "User: u is not authorized to perform: s3:PutObjectTagging on resource: r because no identity-based policy allows it"
    error = told(answering, s3_error(403, "AccessDenied", words), action=("s3:PutObject", "s3:PutObjectTagging"))
    assert error.advice == "The identity needs s3:PutObjectTagging on bucket shop. Add it to the identity's policy."


def test_a_denial_without_a_reason_may_be_about_the_owner_that_was_expected(answering: Answering) -> None:
    denied = s3_error(403, "AccessDenied", "Access Denied")
    assert "Or the bucket does not belong to account 111122223333 (expectedBucketOwner)." in str(
        told(answering, denied, bucket_owner="111122223333")
    )


# --- what is passed on ---------------------------------------------------------------------------------------------------


def test_an_error_of_ours_passes_as_it_is() -> None:
    ours = InputError(["no"])
    with pytest.raises(InputError) as raised, asking(DOING):
        raise ours
    assert raised.value is ours
    assert put_into_words(ours, DOING) is ours


def test_an_error_that_is_not_of_aws_passes_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), asking(DOING):
        1 / 0  # noqa: B018


def test_what_aws_said_stays_the_cause(answering: Answering) -> None:
    assert "SlowDown" in str(told(answering, s3_error(503, "SlowDown")).__cause__)
