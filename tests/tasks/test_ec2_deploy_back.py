"""What a way back claims, and what answers after it: on instances that really run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ropeway.outcome import Cancellation
from tests.checks.kinds.aws_kit import client_of
from tests.ec2.services import APP, service
from tests.tasks.test_ec2_deploy import Shop, outputs, shop
from tests.waiting import wait_until

__all__ = ["client_of", "shop"]

BEFORE_INSTALL = "hooks:\n  BeforeInstall: {script: scripts/before.sh, timeout: 60s}\n"


# --- a switch that did not come to its end ----------------------------------------------------------------------------------------


def before_install(fleet: Shop, version: str, body: str) -> Path:
    """A build whose BeforeInstall does this: what was live is stopped by then, and `current` leads to it still."""
    folder = service(fleet.builds, version)
    (folder / "scripts/before.sh").write_text(f"#!/bin/bash\n{body}\n")
    (folder / "scripts/before.sh").chmod(0o755)
    (folder / "ropeway-app.yml").write_text(APP.replace("hooks:\n", BEFORE_INSTALL))
    return folder


def left_half_way(fleet: Shop, how: str) -> None:
    """v2 comes to the first instance and is left in its first hook."""
    there, cancellation = fleet.builds / "there", Cancellation()
    folder = before_install(fleet, "v2", "exit 3" if how == "it failed" else f"touch {there}; sleep 60")
    texts = {"source_path": str(folder), "release_id": "v2", "batches": "1", "on_failure": "stop"}

    def stop() -> None:
        wait_until(there.exists)
        cancellation.ask("by you")

    stopping = threading.Thread(target=stop)
    if how == "it was stopped":
        stopping.start()
    ended = fleet.run(cancellation=cancellation, **texts).outcome
    assert outputs(ended)["result"] == ("failed" if how == "it failed" else "stopped")
    assert fleet.answers == ["", "v1"]


@pytest.mark.parametrize("how", ["it failed", "it was stopped"])
@pytest.mark.parametrize("way", ["rollback", "deploy"])
def test_what_a_switch_has_stopped_and_left_is_started_again_by_the_way_back(shop, how, way):
    """Its folder, and its mark, are those of an instance that has v1 already."""
    fleet = shop(2)
    fleet.deploy("v1", batches="100%")
    left_half_way(fleet, how)

    back = fleet.back() if way == "rollback" else fleet.deploy("v1")

    assert (back.error, fleet.answers) == (None, ["v1", "v1"])
    assert [(one.instance.id, one.instance.why, one.fate) for one in back.instances] == [
        (fleet.ids[0], "an earlier switch did not come to its end", "deployed"),
        (fleet.ids[1], "it has v1 already", "unchanged"),
    ]
    assert {one.fate for one in fleet.back(release_id="v1").instances} == {"unchanged"}
