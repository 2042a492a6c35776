"""One request of S3, and an answer that says no to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ropeway.aws.refusals import Answer as Refusal
from ropeway.aws.refusals import phrase
from ropeway.errors import RopewayError
from ropeway.s3.wire import xml
from ropeway.s3.wire.store import Place, Store
from ropeway.wire.response import Answer
from ropeway.wire.sigv4 import EMPTY, Credentials
from ropeway.wire.transport import Slice


@dataclass(slots=True)
class Call:
    """One request of S3. `doing` reads on from "Could not", `needed` are the IAM actions; `accepted` are statuses that are no refusal.

    `hash` is the SHA-256 of the body. Headers may hold a customer's key, and are not shown. `may_contradict` is for what may answer
    200 with an error inside. `signed_by` and `signed_ahead` are the credentials and the signer's offset of the last attempt.
    """

    operation: str
    method: str
    bucket: str
    key: str
    doing: str
    needed: tuple[str, ...]
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Slice = field(default=b"", repr=False)
    hash: str = EMPTY
    accepted: frozenset[int] = frozenset()
    may_contradict: bool = False
    patience: float = 0.0
    attempts: int = 0
    sinking: bool = False
    refused: Refused | None = None
    place: Place | None = None
    signed_by: Credentials | None = None
    signed_ahead: float = 0.0

    @property
    def length(self) -> int:
        return self.body.length if isinstance(self.body, Slice) else len(self.body)


@dataclass
class Refused(Exception):
    """An answer that says no. `document` is what it says in XML: S3 quotes a request that was signed wrongly, with its token and keys, so
    none of it is shown.
    """

    answer: Answer = field(repr=False)
    document: xml.Document = field(repr=False)

    def __str__(self) -> str:
        return str(self.answer.status)

    @property
    def code(self) -> str:
        return self.document.top.get("Code", "")[:100] or str(self.answer.status)

    @property
    def words(self) -> str:
        return self.document.top.get("Message", "")[:1000] or phrase(self.status)

    @property
    def status(self) -> int:
        """Errors that came with 200 are S3's own faults (S3 API reference, CompleteMultipartUpload)."""
        return 500 if self.answer.status < 300 else self.answer.status

    def told(self, call: Call, store: Store) -> RopewayError:
        headers, details = self.answer.headers, self.document.top
        return Refusal(
            call.doing,
            call.needed,
            call.bucket,
            store.terms.bucket_owner,
            store.place(call.bucket).signer.region,
            operation=call.operation,
            code=self.code,
            words=self.words,
            status=self.status,
            request_id=headers.get("x-amz-request-id") or details.get("RequestId", ""),
            retries=call.attempts - 1,
            error=details,
            headers=headers,
        ).told()
