"""Where websites are reached: by the name in the Host header at the server's own port, or each at a port of its own."""

from __future__ import annotations

import re
import threading
from typing import Any

from moto.s3.models import s3_backends

from ropeway.local.http import Environ, Server, Wsgi
from ropeway.local.websites.endpoint import Endpoint

NAME = re.compile(r"(?:(?P<bucket>.+)\.)?s3-website[.-][a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|localhost)")
ELSEWHERE = "https://aws.amazon.com/s3/"


def hosted(s3: Wsgi) -> Wsgi:
    """The application, with websites at their names: bucket.s3-website-region.amazonaws.com (or .localhost, which browsers resolve
    by themselves), or a host that is called as a bucket with a website is.
    """

    def answer(environ: Environ, start_response: Any) -> Any:
        host = environ.get("HTTP_HOST", "").rpartition(":")[0] or environ.get("HTTP_HOST", "")
        found = NAME.fullmatch(host)
        if found and not found["bucket"]:
            start_response("301 Moved Permanently", [("Location", ELSEWHERE)])
            return [b""]
        bucket = found["bucket"] if found else host if _has_website(host) else ""
        return Endpoint(s3, bucket)(environ, start_response) if bucket else s3(environ, start_response)

    return answer


def _has_website(name: str) -> bool:
    where = s3_backends.bucket_accounts.get(name)
    if not where:
        return False
    bucket = s3_backends[where[1]][where[0]].buckets.get(name)
    return bool(bucket and bucket.website_configuration)


class Sites:
    """Ports of their own, for who cannot choose the Host header. Made when they are first asked for."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._lock = threading.Lock()

    def url(self, bucket: str, s3: Wsgi) -> str:
        """Of the bucket's website, which need not have one yet."""
        with self._lock:
            if bucket not in self._servers:
                self._servers[bucket] = Server(Endpoint(s3, bucket))
                self._servers[bucket].start()
            return self._servers[bucket].url

    def end(self) -> None:
        with self._lock:
            for server in self._servers.values():
                server.stop()
            self._servers.clear()


SITES = Sites()
