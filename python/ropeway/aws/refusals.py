"""What AWS answered, put into our errors: the one place that knows its codes (S3 API reference, "Error responses").

Every error keeps AWS's code, words and request id, and says what to do next. What came back when AWS gave no answer at all is
told by `aws.silence`. It knows no botocore: every engine's answers come here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ropeway.aws.advice import LOGIN
from ropeway.errors import (
    AccessDenied,
    AwsError,
    BucketMissing,
    CredentialsError,
    IntegrityError,
    NetworkError,
    RopewayError,
    WrongRegion,
)


@dataclass(frozen=True)
class Asked:
    """What was asked for, see `asking`."""

    doing: str
    actions: tuple[str, ...]
    bucket: str
    bucket_owner: str
    region: str


@dataclass(frozen=True)
class Answer(Asked):
    """One answer that says no. `error` holds what the body said beyond code and words, `headers` are lower-case."""

    operation: str
    code: str
    words: str
    status: int
    request_id: str
    retries: int
    error: Mapping[str, Any]
    headers: Mapping[str, str]

    def told(self) -> RopewayError:
        if self.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED or self.is_web_page or self.is_wordless:
            return _not_of_aws(self)
        if self.right_region or self.code in WRONG_REGION or self.status in REDIRECTS:
            return _wrong_region(self)
        if self.code not in CODES and self.operation in STS and self.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return self.credentials(STS[self.operation])
        return CODES.get(self.code, _anything_else)(self)

    def said(self, kind: type[AwsError], advice: str = "") -> AwsError:
        return kind(self.doing, code=self.code, answer=self.words, request_id=self.request_id, advice=advice)

    def credentials(self, advice: str) -> CredentialsError:
        return CredentialsError(self.said(AwsError).message, advice=advice)

    @property
    def is_web_page(self) -> bool:
        """AWS and the stores like it answer in XML or JSON. (botocore makes a 500 of a page that came with 200.)"""
        return not self.request_id and self.headers.get("content-type", "").startswith("text/html")

    @property
    def is_wordless(self) -> bool:
        """S3 says why it refuses, but in the answer to a HEAD."""
        refused = self.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN} and self.code == str(self.status)
        return refused and not self.request_id and not self.operation.startswith("Head")

    @property
    def right_region(self) -> str:
        """The bucket's region, where this answer is about regions and names one that is not the one asked."""
        by_status = self.status in REDIRECTS or self.code == "400"
        named = self.headers.get("x-amz-bucket-region") or str(self.error.get("Region", "")) or _region_in(self.words)
        return named if named != self.region and (by_status or self.code in ABOUT_REGIONS) else ""

    @property
    def needed(self) -> tuple[str, ...]:
        """The IAM action that was refused: AWS's words know better than the caller (a PUT may need kms:GenerateDataKey)."""
        found = re.search(r"not authorized to perform: ([\w-]+:\w+)", self.words)
        return (found[1],) if found else self.actions


def phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "no words"


def _not_of_aws(answer: Answer) -> RopewayError:
    if answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        words = "the proxy wants a user and a password, or others than it got"
        return NetworkError(f"Could not {answer.doing}: {words}.", advice=LOGIN)
    what = "a web page, no answer" if answer.is_web_page else "no answer"
    tls = (
        " If the other side speaks TLS, it must begin with https://." if answer.status == HTTPStatus.BAD_REQUEST else ""
    )
    return NetworkError(
        f"Could not {answer.doing}: what came back ({answer.status}) is {what} of AWS.",
        advice=f"Check the endpoint URL (it must be the store's API, not its web page), and the proxies between.{tls}",
    )


# --- credentials ---------------------------------------------------------------------------------------------------------


def _credentials(advice: str) -> Callable[[Answer], RopewayError]:
    return lambda answer: answer.credentials(advice)


def _skewed(answer: Answer) -> RopewayError:
    """S3 names both times in the body; every answer has a Date."""
    ours = answer.error.get("RequestTime") or f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    theirs = answer.error.get("ServerTime") or answer.headers.get("date", "not known")
    return answer.credentials(
        f"This machine's clock says {ours}, AWS's {theirs}; they may differ by 15 minutes at most. Set the clock (NTP)."
    )


def _signature(answer: Answer) -> RopewayError:
    if re.search(r"Signature (expired|not yet current)", answer.words):
        return _skewed(answer)
    return answer.credentials(
        "The secret access key is not the one of this access key: copy it anew, whole. "
        "(A proxy that changes requests has the same effect.)"
    )


# --- permissions -----------------------------------------------------------------------------------------------------------

REASONS = (
    ("BlockPublicAcls", "The bucket blocks public ACLs: set the canned ACL (filesAcl) to none."),
    ("with an explicit deny", "A deny outweighs every allow: it must be taken out of the policy that AWS names."),
    ("no identity-based policy allows", "Add it to the identity's policy."),
    ("no resource-based policy allows", "Add it to the policy of the bucket, the key or the access point."),
    ("no session policy allows", "Add it to the policy that the session was made with."),
    ("no permissions boundary allows", "Add it to the identity's permissions boundary."),
    ("no VPC endpoint policy allows", "Add it to the policy of the VPC endpoint."),
    ("no service control policy allows", "Ask whoever keeps the organization's service control policies."),
)
"""Why AWS denied, as its words say it (IAM user guide, "Troubleshoot access denied error messages"), and what helps."""

PERHAPS = (
    "If its own policy allows that, the bucket's policy, a VPC endpoint's or the organization's may deny it; a bucket of another "
    "account must let this identity in by its bucket policy."
)


def _denied(answer: Answer) -> RopewayError:
    if answer.operation in STS:
        return answer.credentials(STS[answer.operation])
    reason = next((advice for words, advice in REASONS if words in answer.words), "")
    return answer.said(AccessDenied, f"{_need(answer)} {reason or _perhaps(answer)}".strip())


def _need(answer: Answer) -> str:
    where = f" on bucket {answer.bucket}" if answer.bucket else ""
    if answer.operation == "HeadObject" and len(answer.needed) > 1:
        read, listing = answer.needed
        return (
            f"The identity needs {read}{where}, and {listing} to be told that there is no such object; which of them is missing, "
            "an answer to HEAD does not say. Where a KMS key of yours encrypts the object, it needs kms:Decrypt, too."
        )
    on_key = [action for action in answer.needed if action.startswith("kms:")]
    others = [action for action in answer.needed if action not in on_key]
    parts = [f"{' and '.join(others)}{where}"] if others else []
    parts += [f"{' and '.join(on_key)} on the KMS key, by its own policy and by the key's"] if on_key else []
    return f"The identity needs {', and '.join(parts)}." if parts else ""


def _perhaps(answer: Answer) -> str:
    if answer.bucket_owner:
        return f"Or the bucket does not belong to account {answer.bucket_owner} (expectedBucketOwner). {PERHAPS}"
    return PERHAPS


# --- the bucket --------------------------------------------------------------------------------------------------------------

WRONG_REGION = {"PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException"}
ABOUT_REGIONS = {*WRONG_REGION, "AuthorizationHeaderMalformed"}
REDIRECTS = {301, 302, 307}


def _region_in(words: str) -> str:
    """From "the region 'us-east-1' is wrong; expecting 'eu-west-1'" or "The me-south-1 location constraint is incompatible"."""
    found = re.search(r"expecting '([a-z0-9-]+)'|The ([a-z]+(?:-[a-z]+)+-\d+) location constraint", words)
    return (found[1] or found[2]) if found else ""


def _wrong_region(answer: Answer) -> RopewayError:
    bucket = f"The bucket {answer.bucket}" if answer.bucket else "The bucket"
    asked = f", not in {answer.region}" if answer.region else ""
    if answer.right_region:
        advice = f"{bucket} lies in {answer.right_region}{asked}: set regionName to {answer.right_region}."
    else:
        advice = f"{bucket} lies in another region{asked}: S3's console names it; set regionName to it."
    return answer.said(WrongRegion, advice)


def _not_found(answer: Answer) -> RopewayError:
    """HEAD has no words: 404 on a bucket means the bucket, on an object either."""
    return _no_bucket(answer) if answer.operation == "HeadBucket" else answer.said(AwsError, NOTHING_THERE)


def _no_bucket(answer: Answer) -> RopewayError:
    return answer.said(
        BucketMissing,
        "Check bucketName and that the connection is of the right account; an upload, or the release of a site, creates the bucket "
        "with createBucket.",
    )


def _bad_request(answer: Answer) -> RopewayError:
    return answer.said(
        AwsError,
        "An answer to HEAD has no words. It may be an expired session, another region, or an object whose customer key (SSE-C) is "
        "missing or another one.",
    )


def _deleted(answer: Answer) -> RopewayError:
    return answer.said(AwsError, DELETED if answer.operation in {"HeadObject", "GetObject"} else "")


def _archived(answer: Answer) -> RopewayError:
    kept = answer.error.get("StorageClass", "")
    where = f" in {kept}" if kept else ""
    return answer.said(
        AwsError, f"The object is archived{where}: restore it first (`aws s3api restore-object`), then run again."
    )


def _invalid_request(answer: Answer) -> RopewayError:
    if "Object Lock" in answer.words:
        return answer.said(AwsError, NO_CHECKSUM if "HTTP header is required" in answer.words else NO_LOCK)
    if "Server Side Encryption" in answer.words:
        return answer.said(AwsError, "The object is encrypted with a customer key (SSE-C): give it as customerKey.")
    return _digest(answer) if "checksum" in answer.words.lower() else _anything_else(answer)


def _digest(answer: Answer) -> RopewayError:
    return IntegrityError(
        answer.said(AwsError).message,
        advice="The bytes were changed on the way, or the file while it was read. Nothing was stored; run again.",
    )


def _advice(advice: str) -> Callable[[Answer], RopewayError]:
    return lambda answer: answer.said(AwsError, advice)


def _too_fast(answer: Answer) -> RopewayError:
    tried = f"It still said so at attempt {answer.retries + 1}. " if answer.retries else ""
    return answer.said(AwsError, f"{tried}Run again later, or with fewer transfers at once (maxConcurrency).")


def _anything_else(answer: Answer) -> RopewayError:
    if answer.code.startswith("KMS."):
        return answer.said(AwsError, KMS)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer.said(AwsError, "The fault is at the other end: run again later.")
    if answer.code.endswith(NOT_THERE):
        return answer.said(AwsError, WHERE)
    return answer.said(AwsError)


# --- the codes -------------------------------------------------------------------------------------------------------------

TRUST = (
    "The role's trust policy must name this identity (and ask for the external id that the connection gives), the identity's own "
    "policy must allow sts:AssumeRole on the role, and the role must permit the duration."
)
STS = {
    "AssumeRole": TRUST,
    "GetCallerIdentity": "A VPC endpoint's policy or the organization's may deny sts:GetCallerIdentity.",
}
"""Operations of STS: whatever goes wrong in them, there is no identity to act under."""

KMS = "Check that the KMS key exists in the bucket's region, is enabled, and is meant for encryption (kmsMasterKeyId)."
EXPIRED = "The session is over. Renew the session token, or let the connection assume a role: that renews itself."
NO_SUCH_KEY = "The access key is deleted, disabled, mistyped or of another AWS partition; a temporary one (ASIA…) also needs its session token."
TOKEN = "The session token does not belong to the access key, or is not whole: copy both anew."  # noqa: S105 - advice
MALFORMED = "The access key is not written as AWS writes one: copy it anew."
WHERE = "Check the name, the account and the region."
NOT_THERE = ("NotFound", "NotFoundException", "NonExistentQueue", "QueueDoesNotExist")
"""How the codes of AWS's services end that say so. S3 has codes of its own for that, see CODES."""

NAMED = "A bucket's name has 3 to 63 characters: lower-case letters, digits, hyphens and dots, a letter or a digit at either end."
TAKEN = "Bucket names are one for all accounts, and another account has this one: choose another name."
NO_OBJECT = "The object was deleted meanwhile: run again to take what is there now."
NOTHING_THERE = "The object, or its bucket, was deleted meanwhile: run again to take what is there now."
NO_ACL = "The bucket takes no ACLs (its owner owns every object): set the canned ACL (filesAcl) to none."
NO_CHECKSUM = "The bucket locks its objects, and takes none without a checksum: set `checksums` to whenSupported."
NO_LOCK = (
    "The bucket must have Object Lock enabled before objects in it can be locked (objectLockMode, objectLockLegalHold)."
)
DELETED = (
    "That version only says that the object was deleted: ask for the one before it (`aws s3api list-object-versions`)."
)
NOT_KNOWN = (
    "The store does not know a feature that was asked for; stores without checksums need `checksums: whenRequired`."
)

CODES: Mapping[str, Callable[[Answer], RopewayError]] = {
    code: told
    for codes, told in (
        ("ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired", _credentials(EXPIRED)),
        ("InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException AuthFailure", _credentials(NO_SUCH_KEY)),
        ("InvalidToken InvalidSecurity", _credentials(TOKEN)),
        ("SignatureDoesNotMatch InvalidSignatureException", _signature),
        ("RequestTimeTooSkewed", _skewed),
        ("AuthorizationHeaderMalformed", _credentials(MALFORMED)),
        (
            "AccessDenied AccessDeniedException UnauthorizedOperation AllAccessDisabled KMS.AccessDeniedException 403",
            _denied,
        ),
        ("NoSuchBucket", _no_bucket),
        ("NoSuchKey", _advice(NO_OBJECT)),
        ("404", _not_found),
        ("400", _bad_request),
        ("405 MethodNotAllowed", _deleted),
        ("BucketAlreadyExists", _advice(TAKEN)),
        ("InvalidBucketName", _advice(NAMED)),
        ("AccessControlListNotSupported InvalidBucketAclWithObjectOwnership", _advice(NO_ACL)),
        ("InvalidObjectState", _archived),
        ("InvalidRequest", _invalid_request),
        ("BadDigest InvalidDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch", _digest),
        ("SlowDown Throttling ThrottlingException RequestLimitExceeded TooManyRequests", _too_fast),
        ("RequestTimeout", _advice("The bytes came too slowly: check the network, or send fewer files at once.")),
        ("NotImplemented", _advice(NOT_KNOWN)),
        ("KMSInvalidStateException", _advice(KMS)),
    )
    for code in codes.split()
}
