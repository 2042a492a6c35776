"""Every error that a user can meet, each with an exit code and a next step.

RopewayError                 1    what went wrong, and what to do next
├── InputError               2    what was asked cannot be done as it is written; one problem a line
├── CredentialsError         1    no identity, half an identity, or one that AWS does not accept
├── AwsError                 1    AWS answered no: its code, its words, the request id
│   ├── AccessDenied         1
│   ├── BucketMissing        1
│   ├── ConditionFailed      1
│   └── WrongRegion          1
├── AzureDevOpsError         1    Azure DevOps answered no: its words and their key
├── NetworkError             1    AWS did not answer: unreachable, timed out, proxy
│   └── TlsError             1    the other side could not prove who it is
├── NothingMatched           1    the globs picked no file and no object
├── TargetsMissing           1    instances that were asked for are not there, or too few are
├── Archived                 1    objects must be restored before they can be read
├── LocalFileError           1    a file or folder on this machine
├── IntegrityError           1    bytes that arrived are not the bytes that were sent
├── TransferFailed           1    some objects did not make it; names them
├── ChecksFailed             1    a check that matters did not pass; names them
├── DeployFailed             1    instances did not take a release; names them
├── LockHeld                 1    somebody else works on the same target
├── Overtaken                1    somebody else has taken over, or released, meanwhile
└── Cancelled              130    stopped by the user or the agent
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self


class RopewayError(Exception):
    """`message` says what was being done, to what, and what happened; `advice` what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}" if self.advice else self.message

    def advised(self, advice: str) -> Self:
        """The same error with advice that only the caller can give."""
        self.advice = advice
        return self


class InputError(RopewayError):
    """All problems of the inputs at once, so that they are mended at once."""

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class CredentialsError(RopewayError):
    """There is no identity to act under, or AWS does not accept it."""


class AwsError(RopewayError):
    """AWS answered no. `doing` reads on from "Could not": "upload a.txt to s3://bucket/a.txt"."""

    def __init__(self, doing: str, *, code: str, answer: str, request_id: str = "", advice: str = "") -> None:
        request = f" (request id {request_id})" if request_id else ""
        super().__init__(f"Could not {doing}: AWS answered {code}: {answer.rstrip('.')}{request}.", advice=advice)
        self.code = code
        self.request_id = request_id


class AccessDenied(AwsError):
    """The identity may not do this, or the resource does not let it."""


class BucketMissing(AwsError):
    """There is no bucket of this name."""


class ConditionFailed(AwsError):
    """A conditional write met an object that another one had written (412, or 409 while both were under way)."""


class WrongRegion(AwsError):
    """The bucket lies in another region; the advice names it."""


class AzureDevOpsError(RopewayError):
    """Azure DevOps answered no. `doing` reads on from "Could not"; `key` is the kind of its exception, empty where it told none."""

    def __init__(self, doing: str, *, answer: str, key: str = "", advice: str = "") -> None:
        kind = f" ({key})" if key else ""
        super().__init__(f"Could not {doing}: Azure DevOps answered: {answer.rstrip('.')}{kind}.", advice=advice)
        self.key = key


class NetworkError(RopewayError):
    """No answer: the endpoint, a proxy or the network between."""


class TlsError(NetworkError):
    """The certificate of the other side is not trusted here."""


class NothingMatched(RopewayError):
    """The globs picked nothing, and that was not allowed (`noMatch`)."""


class TargetsMissing(RopewayError):
    """Instances that were named are not there, or fewer were found than there must be."""


class Archived(RopewayError):
    """Some objects lie in archive storage and must be restored before they can be read."""


class LocalFileError(RopewayError):
    """A file or folder on this machine is absent, unreadable, unwritable or not what it should be."""


class IntegrityError(RopewayError):
    """A checksum or a length differs: nothing that was received is kept."""


class TransferFailed(RopewayError):
    """Some objects did not make it. `failures` holds the error of each."""

    def __init__(self, message: str, failures: Sequence[RopewayError], *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.failures = tuple(failures)


class ChecksFailed(RopewayError):
    """What was deployed was not seen to work."""


class DeployFailed(RopewayError):
    """A release is not on the instances as it should be; the message says where it failed, and what each is on now."""


class LockHeld(RopewayError):
    """Somebody else works on the same target at this moment, or did not say that they ended."""


class Overtaken(RopewayError):
    """What this run stood on is no longer so: its lock is another one's, or another release is live."""


class Cancelled(RopewayError):
    """Stopped from outside; the message says what state was left."""

    exit_code = 130
