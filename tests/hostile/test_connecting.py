"""Entries where it is said whom to ask, and as whom: they are taken, or refused in words; no name is looked up, and no secret shown."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ropeway.aws.session import connect
from ropeway.azure.protocol import DONE, FAILED
from ropeway.registry import load_task
from tests.hostile.corpus import SHORT
from tests.hostile.printing import at_the_door
from tests.hostile.reading import executed, obeyed, unprintable
from tests.hostile.test_downloads import holding

SECRET = "hush/hush"
PLACES: Mapping[str, Callable[[str, str], dict[str, str]]] = {
    "host": lambda text, _: {"INPUT_ENDPOINTURL": f"http://{text}.invalid"},
    "port": lambda text, _: {"INPUT_ENDPOINTURL": f"http://store.invalid:{text}"},
    "path": lambda text, store: {"INPUT_ENDPOINTURL": f"{store}/{text}"},
    "scheme": lambda text, _: {"INPUT_ENDPOINTURL": f"{text}://store.invalid"},
    "region": lambda text, _: {"INPUT_REGIONNAME": text},
    "region by variable": lambda text, _: {"INPUT_REGIONNAME": "", "AWS_REGION": text},
    "bucket": lambda text, _: {"INPUT_BUCKETNAME": text},
    "access point": lambda text, _: {"INPUT_BUCKETNAME": f"arn:aws:s3:us-east-1:123456789012:accesspoint/{text}"},
    "account": lambda text, _: {"INPUT_ALLOWEDACCOUNTIDS": text},
    "connection": lambda text, _: {"INPUT_AWSCONNECTION": text},
    "authorization": lambda text, _: {"INPUT_AWSCONNECTION": "it", "ENDPOINT_AUTH_IT": text},
    "access key": lambda text, _: {"AWS_ACCESSKEYID": text},
    "secret": lambda text, _: {"SECRET_AWS_SECRETACCESSKEY": f"{SECRET}{text}"},
    "session token": lambda text, _: {"SECRET_AWS_SESSIONTOKEN": f"{SECRET}{text}"},
}
MAKING_A_CLIENT = {"path", "access key", "secret", "session token"}
"""Here most texts are taken; a client and a request each cost 0.1 s, so it is every sixth of them."""


@pytest.fixture
def store(misbehaving, monkeypatch) -> str:
    """The address of a store that answers. Nobody asks a name server."""
    look_up = socket.getaddrinfo

    def nowhere_else(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "127.0.0.1":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", nowhere_else)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    misbehaving.take = holding(b"a.txt")
    return misbehaving.url


@pytest.mark.parametrize("place", PLACES)
def test_it_is_taken_or_refused_in_words(store, place):
    for text in SHORT[:: 6 if place in MAKING_A_CLIENT else 1]:
        given = {
            "INPUT_ENDPOINTURL": store,
            "INPUT_BUCKETNAME": "bucket",
            "INPUT_REGIONNAME": "us-east-1",
            "INPUT_TARGETFOLDER": "/nowhere",
            "INPUT_DRYRUN": "true",
            "AWS_ACCESSKEYID": "AKIAROPEWAYTEST00000",
            "SECRET_AWS_SECRETACCESSKEY": SECRET,
        }
        ran = at_the_door(given | PLACES[place](text, store), lambda _: load_task("s3_download"), connect)
        assert ran["exit code"] in {str(DONE).encode(), str(FAILED).encode()}, ascii(text)
        assert b"This is a bug in Ropeway" not in ran["log"], ran["log"]
        assert {command.name for command in executed(ran["log"])} <= OURS, ascii(text)
        assert not obeyed(ran["log"] + ran["summary"]), ascii(text)
        assert not unprintable(ran["log"] + ran["summary"]), ascii(text)
        assert SECRET.encode() not in ran["log"] + ran["summary"], ascii(text)


OURS = {"task.debug", "task.setprogress", "task.setvariable", "task.logissue", "task.uploadsummary", "task.complete"}
