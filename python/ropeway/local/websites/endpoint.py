"""The website endpoint of a bucket: index and error documents, redirects, S3's own pages for errors, and never a listing.

What it serves it asks of S3 as anybody on the internet would, without a signature: what is not public is not there.
S3 user guide: "Website endpoints", "Configuring an index document", "Configuring a custom error document", "Configuring redirects".
"""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition

from ropeway.local.http import Environ, Wsgi
from ropeway.local.patches.public import is_open, is_open_object
from ropeway.local.websites.configuration import Configuration, Rule, parsed

MESSAGES = {
    "AccessDenied": "Access Denied",
    "MethodNotAllowed": "The specified method is not allowed against this resource.",
    "NoSuchBucket": "The specified bucket does not exist",
    "NoSuchKey": "The specified key does not exist.",
    "NoSuchWebsiteConfiguration": "The specified bucket does not have a website configuration",
}
PASSED_ON = ("HTTP_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")
UNTOLD = {"x-amz-website-redirect-location", "access-control-allow-origin", "x-amzn-requestid"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


@dataclass
class Problem(Exception):
    """An error of S3: its page, unless the bucket has one of its own. `details` are shown on it."""

    status: int
    code: str
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """One request at a time. `s3`: the application that knows the buckets."""

    s3: Wsgi
    bucket: str

    def __call__(self, environ: Environ, start_response: Any) -> list[bytes]:
        answer = self._answer(environ)
        phrase = HTTPStatus(answer.status).phrase
        request_id = uuid.uuid4().hex[:16].upper()
        known = [("x-amz-id-2", f"embedded/{request_id}"), ("x-amz-request-id", request_id), ("Server", "AmazonS3")]
        names = {name.lower() for name, _ in answer.headers}
        headers = [*answer.headers, *((n, v) for n, v in known if n.lower() not in names)]
        start_response(f"{answer.status} {phrase}", headers)
        return [answer.body]

    def _answer(self, environ: Environ) -> Answer:
        key = unquote(environ["RAW_URI"].partition("?")[0]).lstrip("/")
        host = environ.get("HTTP_HOST", "")
        configuration = None
        try:
            configuration = self._configuration(environ["REQUEST_METHOD"])
            return self._redirected(configuration, key, host) or self._served(configuration, key, environ)
        except Problem as problem:
            return self._troubled(problem, configuration, key, host)

    def _configuration(self, method: str) -> Configuration:
        if method not in {"GET", "HEAD"}:
            raise Problem(405, "MethodNotAllowed", {"Method": method, "ResourceType": "OBJECT"})
        bucket = self._stored()
        if bucket is None:
            raise Problem(404, "NoSuchBucket", {"BucketName": self.bucket})
        if not bucket.website_configuration:
            raise Problem(404, "NoSuchWebsiteConfiguration", {"BucketName": self.bucket})
        return parsed(bucket.website_configuration)

    def _stored(self) -> Any:
        if self.bucket not in s3_backends.bucket_accounts:
            return None
        partition, owner = s3_backends.bucket_accounts[self.bucket]
        return s3_backends[owner][partition].get_bucket(self.bucket)

    # --- where to ---------------------------------------------------------------------------------------------------

    def _redirected(self, configuration: Configuration, key: str, host: str) -> Answer | None:
        if configuration.everything:
            return _moved(301, configuration.everything.location(key, "", host))
        return _ruled(configuration, key, 0, host)

    def _served(self, configuration: Configuration, key: str, environ: Environ) -> Answer:
        wanted = key + configuration.index if not key or key.endswith("/") else key
        try:
            return self._object(wanted, environ)
        except Problem as problem:
            if problem.status in {403, 404} and wanted == key and self._is_there(f"{key}/{configuration.index}"):
                return _moved(302, quote(f"/{key}/"))
            raise

    # --- what S3 has ------------------------------------------------------------------------------------------------

    def _object(self, key: str, environ: Environ) -> Answer:
        if not self._may_read(key):
            raise self._problem(403 if self._key(key) else 404, key, b"")
        status, headers, body = self._ask(key, {name: environ[name] for name in PASSED_ON if name in environ})
        if status >= 400:
            raise self._problem(status, key, body)
        told = {name.lower(): value for name, value in headers}
        if location := told.get("x-amz-website-redirect-location"):
            return _moved(301, location)
        return Answer(status, [(name, value) for name, value in headers if name.lower() not in UNTOLD], body)

    def _ask(self, key: str, more: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        """As anybody on the internet asks."""
        path = f"/{self.bucket}/{quote(key)}"
        environ: Environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": f"/{self.bucket}/{key}".encode().decode("latin-1"),
            "RAW_URI": path,
            "REQUEST_URI": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **more,
        }
        begun: list[Any] = []
        body = b"".join(self.s3(environ, lambda *head: begun.extend(head)))
        return int(begun[0].partition(" ")[0]), begun[1], body

    def _key(self, key: str) -> Any:
        found = self._stored().keys.get(key)
        return found if hasattr(found, "acl") else None  # what was deleted is there as a marker

    def _may_read(self, key: str) -> bool:
        bucket = self._stored()
        return is_open(bucket, "s3:GetObject", f"{self._arn}/{key}") or is_open_object(bucket, self._key(key))

    @property
    def _arn(self) -> str:
        return f"arn:{get_partition(self._stored().region_name)}:s3:::{self.bucket}"

    def _is_there(self, key: str) -> bool:
        return self._may_read(key) and self._key(key) is not None

    def _problem(self, status: int, key: str, body: bytes) -> Problem:
        """Who may not list is not told what is missing."""
        if status == 404:
            told = is_open(self._stored(), "s3:ListBucket", self._arn)
            return Problem(404, "NoSuchKey", {"Key": key}) if told else Problem(403, "AccessDenied")
        code = re.search(rb"<Code>(\w+)</Code>", body)
        return Problem(status, code[1].decode() if code else "AccessDenied")

    # --- when it went wrong -----------------------------------------------------------------------------------------

    def _troubled(self, problem: Problem, configuration: Configuration | None, key: str, host: str) -> Answer:
        details = problem.details
        if configuration is None:
            return _page(problem, details)
        if moved := _ruled(configuration, key, problem.status, host):
            return moved
        if not configuration.error:
            return _page(problem, details)
        try:
            document = self._object(configuration.error, {})
        except Problem as second:
            return _page(problem, details, second)
        return Answer(problem.status, [*document.headers, *_error_headers(problem)], document.body)


def _ruled(configuration: Configuration, key: str, status: int, host: str) -> Answer | None:
    """Where the first rule sends it that catches this key with this status; 0 is before anything was looked for."""
    caught: Callable[[Rule], bool] = lambda rule: rule.catches(key, status)  # noqa: E731
    rule = next(filter(caught, configuration.rules), None)
    return _moved(rule.redirect.status, rule.redirect.location(key, rule.prefix, host)) if rule else None


def _moved(status: int, location: str) -> Answer:
    return Answer(status, [("Location", location), ("Content-Length", "0")])


def _error_headers(problem: Problem) -> list[tuple[str, str]]:
    told = [("x-amz-error-code", problem.code), ("x-amz-error-message", MESSAGES.get(problem.code, problem.code))]
    return told + [(f"x-amz-error-detail-{name}", quote(value, safe="/ ")) for name, value in problem.details.items()]


def _page(problem: Problem, details: dict[str, str], second: Problem | None = None) -> Answer:
    """S3's own page."""
    title = f"{problem.status} {HTTPStatus(problem.status).phrase}"
    body = f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n{_list(problem, details)}"
    if second:
        body += "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n"
        body += _list(second, second.details)
    headers = [("Content-Type", "text/html; charset=utf-8"), *_error_headers(problem)]
    return Answer(problem.status, headers, f"{body}<hr/>\n</body>\n</html>\n".encode())


def _list(problem: Problem, details: dict[str, str]) -> str:
    told = {"Code": problem.code, "Message": MESSAGES.get(problem.code, problem.code), **details}
    return "<ul>\n" + "".join(f"<li>{name}: {escape(value)}</li>\n" for name, value in told.items()) + "</ul>\n"
