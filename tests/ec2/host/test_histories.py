"""Any history of a host: after each step it stands as a few lines of Python say, and what must never be lost is there.

More of them: HOST_HISTORIES=200 pytest tests/ec2/host/test_histories.py
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropeway.ec2.host import HostScripts
from ropeway.ec2.model import Layout
from ropeway.s3.state.releases import State
from tests.ec2.host.machine import FOLDER, Machine, Shop
from tests.servers.web import Web

HISTORIES = int(os.environ.get("HOST_HISTORIES", "4"))
IDS = ("1", "2", "3", "4")
KEPT = Layout(FOLDER)
"""As the releases are staged: what is not kept goes before another one arrives."""
FAILS = '#!/bin/sh\n[ ! -e "$INSTANCE_ROOT/fails" ]\n'


@dataclass
class Model:
    """`order` has the latest last: staged, or switched to."""

    states: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    live: str = ""

    def latest(self, id: str) -> None:
        self.order = [one for one in self.order if one != id] + [id]

    @property
    def previous(self) -> str:
        healthy = [id for id in self.order if id != self.live and self.states[id] == "healthy"]
        return healthy[-1] if healthy else ""

    def stage(self, id: str) -> None:
        if id not in self.states:
            self.prune(KEPT.keep, KEPT.keep_failed)
            self.states[id] = "staged"
            self.latest(id)
        elif self.states[id] in {"failed", "rolledBack"} and id != self.live:
            self.states[id] = "staged"

    def switch(self, id: str, *, fails: bool) -> bool:
        if id not in self.states:
            return False
        self.live, self.states[id] = id, "failed" if fails else "live"
        self.latest(id)
        return not fails

    def leave(self, to: str) -> None:
        later = set(self.order[self.order.index(to) + 1 :]) | {self.live}
        for id in later - {"", to}:
            if self.states[id] in {"live", "healthy"}:
                self.states[id] = "rolledBack"

    def back(self, to: str, *, fails: bool) -> bool:
        if to in self.states:
            self.leave(to)
        return self.switch(to, fails=fails)

    def rollback(self, to: str, *, fails: bool) -> bool:
        if to not in self.states:
            return False
        self.leave(to)
        was = self.states[to]
        self.switch(to, fails=fails)
        if not fails and was == "healthy":
            self.states[to] = was
        return not fails

    def prune(self, keep: int, keep_failed: int) -> None:
        newest = self.order[::-1]
        kept = {self.live, self.previous}
        kept |= {*[id for id in newest if self.states[id] == "healthy"][:keep]}
        kept |= {*[id for id in newest if self.states[id] != "healthy" and id != self.live][:keep_failed]}
        self.order = [id for id in self.order if id in kept]
        self.states = {id: state for id, state in self.states.items() if id in kept}


@pytest.fixture(scope="module")
def releases(web: Web, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, HostScripts]]:
    scratch = tmp_path_factory.mktemp("histories")
    shop = Shop(Machine(scratch), web, scratch / "trees")
    return scratch, {id: shop.release(id, {"ValidateService": FAILS}) for id in IDS}


STEPS = st.one_of(
    st.tuples(st.just("stage"), st.sampled_from(IDS), st.just(False)),
    st.tuples(st.just("switch"), st.sampled_from(IDS), st.booleans()),
    st.tuples(st.just("deploy"), st.sampled_from(IDS), st.just(False)),
    st.tuples(st.just("rollback"), st.sampled_from(IDS), st.booleans()),
    st.tuples(st.just("back"), st.sampled_from(IDS), st.booleans()),
    st.tuples(st.just("prune"), st.sampled_from(IDS[:2]), st.booleans()),
)


@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(STEPS, min_size=3, max_size=8))
def test_a_host_stands_as_its_history_says(releases, web, steps):
    scratch, scripts = releases
    root = scratch / "machine"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    shop, model = Shop(Machine(root), web, scratch / "trees"), Model()
    for what, id, fails in steps:
        (root / "fails").touch() if fails else (root / "fails").unlink(missing_ok=True)
        do(what, id, fails, shop, model, scripts[id])
        status = shop.status()
        assert {one.id: one.state.value for one in status.releases} == model.states
        assert (status.live, status.previous) == (model.live, model.previous)
        assert [one.id for one in status.releases] == model.order[::-1]
        if model.live:
            assert (shop.machine.app / "current/version").read_text() == model.live


def do(what: str, id: str, fails: bool, shop: Shop, model: Model, scripts: HostScripts) -> None:
    if what in {"stage", "deploy"}:
        assert shop.stage(scripts).ok
        model.stage(id)
    if what in {"switch", "deploy"}:
        assert shop.switch(scripts, model.live).ok == model.switch(id, fails=fails)
    if what == "deploy":
        assert shop.mark(scripts).ok
        model.states[id] = State.HEALTHY.value
    if what == "back":
        assert shop.back(scripts, model.live).ok == model.back(id, fails=fails)
    if what == "rollback":
        assert shop.rollback(scripts, id).ok == model.rollback(id, fails=fails)
    if what == "prune":
        shop.layout = Layout(FOLDER, int(id), int(fails))
        assert shop.prune(shop.scripts(id)).ok
        model.prune(int(id), int(fails))
