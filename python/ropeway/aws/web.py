"""A request to a server that is not AWS's (the one that issues identity tokens), by the way that requests to AWS take.

By botocore's own HTTP session, which is in the bundle anyway: requests would bring a second list of trusted authorities and a
second family of errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from botocore import UNSIGNED
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnectedError
from botocore.session import Session

from ropeway.aws.answers import asking
from ropeway.aws.connection import Reply
from ropeway.aws.silence import is_hopeless
from ropeway.wire.waiting import retry_after

PAUSES = (1.0, 3.0)
"""Seconds before the second and the third attempt, unless the server asks for more."""

LONGEST = 30.0
"""Seconds that it is waited for at most: Azure DevOps may ask for minutes."""

CONFIG = Config(signature_version=UNSIGNED, read_timeout=20)
"""Seconds: what is asked here are small things."""


class SessionWeb:
    """The `Web` of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def post(self, doing: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        with asking(doing):
            # A client of this address has found its way already: proxy, bypass, certificates, timeouts.
            client: Any = self._session.create_client("sts", endpoint_url=url, config=CONFIG)
            try:
                return _persistently(lambda: _sent(client._endpoint.http_session, url, headers, body))  # noqa: SLF001 - as in aws.proxies
            finally:
                client.close()


def _sent(http: Any, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
    try:
        answer = http.send(AWSRequest("POST", url, dict(headers), body).prepare())
    except BotoCoreError as error:
        http._proxy_config.tell_the_way(error, url)  # noqa: SLF001 - as in aws.proxies
        raise
    return Reply(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content)


def _persistently(send: Callable[[], Reply]) -> Reply:
    """What passes is tried again: a network that failed, a server that did (5xx) or is asked too much (429)."""
    for pause in PAUSES:
        asked = 0.0
        try:
            reply = send()
        except (HTTPClientError, NotConnectedError) as error:
            if is_hopeless(error):
                raise
        else:
            if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR and reply.status != HTTPStatus.TOO_MANY_REQUESTS:
                return reply
            asked = retry_after(reply.headers, LONGEST)
        time.sleep(max(pause, asked))
    return send()
