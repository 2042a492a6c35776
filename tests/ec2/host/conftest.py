"""Hosts to run scripts on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ropeway.ec2 import host
from tests.ec2.host.machine import Machine, Shop
from tests.servers.web import Web, web_server


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with web_server() as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    root = tmp_path / "machine"
    root.mkdir()
    return Machine(root)


@pytest.fixture
def shop(machine: Machine, web: Web, tmp_path: Path) -> Shop:
    return Shop(machine, web, tmp_path / "scratch")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once, and who does not end when asked is ended soon."""
    monkeypatch.setattr(host, "PAUSE", 0)
    monkeypatch.setattr(host, "GRACE", 1)
