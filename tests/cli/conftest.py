"""The command line as somebody types it: in this process, with what it wrote to stdout and stderr and its exit code."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import boto3
import pytest

from ropeway import cli
from ropeway.cli import tree
from ropeway.local.embedded import EmbeddedAws
from tests.cli.carrying import carry_task
from tests.leaks import watch
from tests.servers.misbehaving import misbehaving_server
from tests.servers.organization import Organization


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal(io.TextIOWrapper):
    """A stream that is kept, and is a terminal when it is told to be."""

    def __init__(self, tty: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    def write(self, text: str) -> int:
        watch("the terminal", text)
        return super().write(text)

    def text(self) -> str:
        return self.buffer.getvalue().decode()


@pytest.fixture
def ropeway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Answer]]:
    """`ropeway("s3", "upload", "dist", "s3://b")`. `typed` is what stdin holds, `tty` whether there is a terminal."""

    def run(*arguments: str, typed: str = "", tty: bool = False) -> Answer:
        out, err = Terminal(tty), Terminal(tty)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        with mock.patch.object(sys, "stdout", out), mock.patch.object(sys, "stderr", err):
            with pytest.raises(SystemExit) as exited:
                cli.main([str(argument) for argument in arguments])
            return Answer(int(exited.value.code or 0), out.text(), err.text())

    with mock.patch.dict(os.environ, {"AWS_REGION": "eu-west-1"}):
        yield run


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> Iterator[Organization]:
    """An empty organisation of Azure DevOps, and a token for it in the environment."""
    with misbehaving_server() as server:
        made = Organization(server.url)
        server.on(made)
        monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", made.token)
        yield made


@pytest.fixture
def carry(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`carry(error=...)`: from now on the S3 commands run a task that moves nothing and does as it is told."""

    def become(**does: Any) -> None:
        monkeypatch.setattr(tree, "load_task", lambda _: carry_task(**does))

    return become


@pytest.fixture
def at_aws(monkeypatch: pytest.MonkeyPatch, embedded: EmbeddedAws) -> Any:
    """The machine's own AWS is the embedded one; a client of its IAM."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    monkeypatch.setenv("AWS_REGION", embedded.region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", embedded.connection.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", embedded.connection.secret_access_key)
    return boto3.client("iam", endpoint_url=embedded.endpoint_url, region_name=embedded.region)
