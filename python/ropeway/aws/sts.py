"""Whose the credentials are, asked without botocore (STS API reference, GetCallerIdentity, in AWS's query protocol)."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat

from ropeway.aws.connection import Way
from ropeway.aws.refusals import Answer as Refusal
from ropeway.aws.refusals import phrase
from ropeway.aws.rules import Endpoint
from ropeway.aws.trace import Tracing
from ropeway.aws.trust import tls_context
from ropeway.aws.unreached import unreached
from ropeway.version import VERSION
from ropeway.wire.connection import Request, Wire
from ropeway.wire.failures import Failure, Malformed, NoConnectionInTime, ProxyRefused, Untrusted
from ropeway.wire.loop import Loop, Task
from ropeway.wire.origin import Origin, Proxy
from ropeway.wire.response import Answer
from ropeway.wire.sigv4 import Provider, Signer

BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
HASH = sha256(BODY).hexdigest()
ATTEMPTS = 2
THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
"""With 400: STS counts the requests of an account."""
PATIENCE, PAUSE = 20.0, 0.5
"""Seconds for an answer, and before the second attempt."""


@dataclass(frozen=True)
class Asking:
    """`doing` reads on from "Could not"."""

    doing: str
    endpoint: Endpoint
    way: Way
    credentials: Provider = field(repr=False)
    tracing: Tracing

    @property
    def is_tls(self) -> bool:
        return self.endpoint.url.startswith("https://")


def caller(asking: Asking) -> tuple[str, str]:
    """Account and ARN. Raises CredentialsError where STS refuses, NetworkError where it does not answer."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = _answered(asking)
        except Failure as failure:
            if attempt < ATTEMPTS and _may_pass(failure):
                time.sleep(PAUSE)
                continue
            raise unreached(failure, asking.doing, tls=asking.is_tls) from failure
        if attempt == ATTEMPTS or not (answer.status >= 500 or _texts(answer.body).get("Code") in THROTTLED):
            break
        time.sleep(PAUSE)
    return _read(asking, answer, attempt - 1)


def _may_pass(failure: Failure) -> bool:
    """Not what took its time already, nor what is the same the next time."""
    return not isinstance(failure, (NoConnectionInTime, Untrusted, ProxyRefused))


def _answered(asking: Asking) -> Answer:
    parts = urlsplit(asking.endpoint.url)
    origin = Origin(
        parts.hostname or "",
        parts.port or (443 if asking.is_tls else 80),
        asking.is_tls,
        Proxy.at(asking.way.proxy_url) if asking.way.proxy_url else None,
    )
    path = parts.path or "/"
    headers = {
        "host": origin.name,
        "user-agent": f"ropeway/{VERSION}",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    }
    signer = Signer(asking.credentials, asking.endpoint.region, asking.endpoint.service)
    headers |= signer.sign("POST", path, "", headers, HASH)
    asking.tracing.request("POST", asking.endpoint.url, headers)
    try:
        answer = _sent(origin, Request("POST", path, headers, BODY, patience=PATIENCE), asking.way)
    except Failure as failure:
        asking.tracing.silence("sts.GetCallerIdentity", failure)
        raise
    asking.tracing.response("sts.GetCallerIdentity", answer.status, answer.headers)
    return answer


def _sent(origin: Origin, request: Request, way: Way) -> Answer:
    """One request on a loop of its own."""
    loop = Loop()
    ended: list[tuple[Any, BaseException | None]] = []

    def context() -> ssl.SSLContext:
        return tls_context(way.ca_file)

    loop.step(Task(Wire(loop, context).ask(origin, request), lambda _, *end: ended.append(end)))
    while not ended:
        loop.round(1.0)
    [(answer, error)] = ended
    if error is not None:
        raise error
    result: Answer = answer
    return result


# --- what it answered -------------------------------------------------------------------------------------------------------


def _read(asking: Asking, answer: Answer, retries: int) -> tuple[str, str]:
    told = _texts(answer.body)
    if answer.status == 200 and told.get("Account") and told.get("Arn"):
        return told["Account"], told["Arn"]
    refusal = _refusal(asking.doing, answer, told, retries)
    if answer.status < 300 and not refusal.is_web_page:
        why = Malformed(why=ValueError("it says yes, but tells no account"))
        raise unreached(why.at(urlsplit(asking.endpoint.url).netloc, ""), asking.doing, tls=asking.is_tls)
    raise refusal.told()


def _refusal(doing: str, answer: Answer, told: Mapping[str, str], retries: int) -> Refusal:
    return Refusal(
        doing=doing,
        actions=(),
        bucket="",
        bucket_owner="",
        region="",
        operation="GetCallerIdentity",
        code=told.get("Code") or str(answer.status),
        words=told.get("Message") or phrase(answer.status),
        status=answer.status,
        request_id=told.get("RequestId") or answer.headers.get("x-amzn-requestid", ""),
        retries=retries,
        error={},
        headers=answer.headers,
    )


def _texts(body: bytes | bytearray) -> dict[str, str]:
    """The texts of an XML document by the names of their elements; nothing where it is none, or has a document type."""
    texts: dict[str, str] = {}
    parts: list[str] = []

    def end(name: str) -> None:
        texts[name] = "".join(parts)
        parts.clear()

    def refuse(*_: object) -> None:
        raise ValueError("a document type")

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = lambda *_: parts.clear()
    parser.EndElementHandler = end
    parser.CharacterDataHandler = parts.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(bytes(body), True)
    except (expat.ExpatError, ValueError):
        return {}
    return texts
