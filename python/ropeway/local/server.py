"""The embedded AWS in this process: moto's application, mended, behind an HTTP server on a free port of 127.0.0.1.

moto keeps its state for the whole process: two servers in one process show the same buckets, and the state ends with it.
"""

from __future__ import annotations

import functools
import json
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.sax.saxutils import escape

from moto import backends
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from ropeway.local import patches
from ropeway.local.control import controlled
from ropeway.local.embedded import BucketHeld, EmbeddedAws
from ropeway.local.http import Environ, Server, Wsgi
from ropeway.local.instances.fleet import FLEET
from ropeway.local.websites.sites import SITES, hosted

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())  # nothing on stderr unless the process asked for a log


@contextmanager
def embedded(*, tls: ssl.SSLContext | None = None) -> Iterator[EmbeddedAws]:
    """An embedded AWS for as long as the block lasts."""
    server = Server(application(), tls)
    server.start()
    _running.append(server)
    FLEET.endpoint_url = _for_hosts()
    try:
        yield EmbeddedAws(server.url)
    finally:
        server.stop()
        _running.remove(server)
        if _running:
            FLEET.endpoint_url = _for_hosts()
        else:
            end()


_running: list[Server] = []
"""They share what moto holds, and the instances: those end with the last of them."""


def _for_hosts() -> str:
    """Where instances and functions find the embedded AWS: over plain HTTP where there is one, since they know no authority of ours."""
    return next((server.url for server in _running if not server.ssl_context), _running[0].url)


def application() -> Wsgi:
    """The application of moto, mended, which answers instead of falling over."""
    patches.apply()
    moto = DomainDispatcherApplication(_mended)
    # Asked for each request, and each time moto looks for all its services on the disk: a quarter of the time of a small PUT.
    moto.get_backend_for_host = functools.cache(moto.get_backend_for_host)
    s3 = _never_falling(moto)
    return _never_falling(controlled(hosted(s3)))


def _mended(service: str) -> Any:
    """The application of one service, made when it is first asked for."""
    app = create_backend_app(service)
    patches.mend_loaded()
    return app


def end() -> None:
    """What was started beside the server ends: instances and what runs on them, websites' ports."""
    FLEET.end()
    SITES.end()


def reset() -> None:
    """Forget everything: all services, accounts and regions."""
    end()
    moto_api_backend.reset()


def held() -> tuple[BucketHeld, ...]:
    """The buckets of all accounts, by name."""
    accounts = backends.get_backend("s3").values()
    buckets = [bucket for partitions in accounts for s3 in partitions.values() for bucket in s3.buckets.values()]
    return tuple(_held(bucket) for bucket in sorted(buckets, key=lambda bucket: str(bucket.name)))


def _held(bucket: Any) -> BucketHeld:
    sizes = [key.size for key in bucket.keys.values() if hasattr(key, "size")]  # a delete marker has none
    return BucketHeld(bucket.name, len(sizes), sum(sizes))


def _never_falling(app: Wsgi) -> Wsgi:
    """What moto cannot do raises; AWS's clients want an answer, and 501 is one that they do not ask for again."""

    def answer(environ: Environ, start_response: Any) -> Any:
        try:
            return app(environ, start_response)
        except Exception as error:
            log.exception("%s %s", environ["REQUEST_METHOD"], environ["RAW_URI"])
            kind, content = _refusal(environ, f"The embedded AWS cannot do this ({type(error).__name__}: {error}).")
            start_response("501 Not Implemented", [("Content-Type", kind)])
            return [content]

    return answer


def _refusal(environ: Environ, message: str) -> tuple[str, bytes]:
    """Content type and body in the protocol that the client speaks."""
    if "HTTP_X_AMZ_TARGET" in environ:
        return "application/x-amz-json-1.1", json.dumps({"__type": "NotImplemented", "message": message}).encode()
    error = f"<Error><Code>NotImplemented</Code><Message>{escape(message)}</Message></Error>"
    if "/s3/" not in environ.get("HTTP_AUTHORIZATION", ""):
        error = f"<ErrorResponse>{error}</ErrorResponse>"
    return "application/xml", error.encode()
