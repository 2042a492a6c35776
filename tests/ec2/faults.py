"""What tests of faults share: two instances behind a target group, something that happens meanwhile, and how all must stand after it."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ropeway.local.patches import target_health
from tests.ec2.services import service
from tests.ec2.test_no_request_lost import Fleet
from tests.servers.balanced import PORT


@pytest.fixture
def fleet(embedded, client_of, bucket, monkeypatch, tmp_path) -> Fleet:
    """Two instances with v1, behind a target group."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    fleet = Fleet(embedded, client_of, bucket, 2)
    assert fleet.deploy(service(tmp_path, "v1"), batches="100%").error is None
    fleet.register()
    return fleet


# --- meanwhile ------------------------------------------------------------------------------------------------------------------


@contextmanager
def when(seen: Callable[[], object], act: Callable[[], object]) -> Iterator[None]:
    """While the block runs: once this is seen, that is done. An error where it is never seen."""
    over = threading.Event()

    def watch() -> None:
        while not seen():
            assert not over.wait(0.01), "what was waited for was never seen"
        act()

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            yield
        finally:
            over.set()
    watching.result()


@contextmanager
def as_it_is_taken_out(host: Any, act: Callable[[], object]) -> Iterator[None]:
    """While the block runs: once this instance begins to drain, that is done before anybody hears of it. An error where it never does."""
    deregister, acted = target_health._deregister, []

    def deregistered(group: Any, target: tuple[str, int]) -> None:
        deregister(group, target)
        if target[0] == host.id and not acted:
            acted.append(True)
            act()

    with patch.object(target_health, "_deregister", deregistered):
        yield
    assert acted, f"{host.id} was never taken out"


def until(seen: Callable[[], object], seconds: float = 240.0) -> None:
    ends = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < ends, "what was waited for was never seen"
        time.sleep(0.02)


def held_at(folder: Path, script: str, host: Any) -> Path:
    """On this host the hook of a build waits until the file `go` is there, and says by the file `here` that it does. Their folder."""
    hold = f'[ "$AWS_SSM_INSTANCE_ID" = {host.id} ] && {{ : >"$INSTANCE_ROOT/tmp/here"; until [ -e "$INSTANCE_ROOT/tmp/go" ]; do sleep 0.05; done; }}'
    file = folder / "scripts" / script
    file.write_text(file.read_text().replace("\n", f"\n{hold}\n", 1))
    return Path(host.folder, "tmp")


def drains(fleet: Fleet, host: Any) -> bool:
    """Or is out already."""
    return fleet.group.health().get((host.id, PORT), ("gone",))[0] in {"draining", "gone"}


def of(fleet: Fleet, at: int) -> Any:
    """By the order in which they are switched."""
    return sorted(fleet.hosts, key=lambda host: host.id)[at]


# --- after it -------------------------------------------------------------------------------------------------------------------


def answers(fleet: Fleet) -> list[str]:
    told = []
    for host in fleet.hosts:
        with urllib.request.urlopen(f"http://{host.address}:8080/", timeout=60) as answer:
            told.append(answer.read().decode())
    return told


def state(s3: Any, fleet: Fleet, name: str) -> Any:
    key = f".ropeway/applications/{fleet.name}/{name}"
    return json.loads(s3.get_object(Bucket=fleet.bucket, Key=key)["Body"].read())


def left_in_journal(s3: Any, fleet: Fleet) -> list[str]:
    """Before anything was taken out there is none."""
    listed = s3.list_objects_v2(Bucket=fleet.bucket, Prefix=f".ropeway/applications/{fleet.name}/journal.json")
    if not listed["KeyCount"]:
        return []
    return [effect["member"] for effect in state(s3, fleet, "journal.json")["effects"]]


PAGE = Path(__file__).parents[2] / "docs/faults.md"


def rows() -> dict[str, str]:
    """What comes of each fault of a deploy to instances, as the page says."""
    table = PAGE.read_text(encoding="utf-8").split("## Deploys to instances")[1].split("\n## ")[0]
    cells = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {what.strip(): comes for what, comes, _ in cells[2:]}


def as_the_page_says(fault: str, error: object, said: str = "") -> None:
    """How it ended is in the table of docs/faults.md, and every word that stands in quotes there was told."""
    comes = rows()[fault]
    assert ("ends well" in comes) is (error is None), f"{fault}: {error}"
    words = said if error is None else f"{error}{said}"
    assert [quote for quote in re.findall("“(.*?)”", comes) if quote not in words] == [], words


def told(ended: Any) -> str:
    return str(ended.error) + "".join(str(one) for one in ended.instances)


def nothing_is_left(fleet: Fleet, s3: Any) -> None:
    """Every target gets its traffic, nobody holds the lock, and nothing is to be undone."""
    fleet.group.wait_all("healthy")
    assert {member for member, _ in fleet.group.health()} == set(fleet.addresses)
    assert state(s3, fleet, "lock.json")["owner"] == ""
    assert left_in_journal(s3, fleet) == []


def run_out(s3: Any, fleet: Fleet) -> None:
    """Its owner is dead, and a minute is over."""
    hold = state(s3, fleet, "lock.json")
    if hold["owner"]:
        key = f".ropeway/applications/{fleet.name}/lock.json"
        s3.put_object(Bucket=fleet.bucket, Key=key, Body=json.dumps({**hold, "expires": 1.0}))


def all_have(fleet: Fleet, s3: Any, version: str) -> None:
    assert answers(fleet) == [version, version]
    nothing_is_left(fleet, s3)
    assert state(s3, fleet, "releases.json")["live"] == version
