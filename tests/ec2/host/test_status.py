"""How a host stands, and what goes from it."""

from __future__ import annotations

import os

import pytest

from ropeway.ec2.model import Layout
from ropeway.s3.state.releases import State
from tests.ec2.host.machine import FOLDER


def files_of(machine) -> list[str]:
    return sorted(str(path) for path in machine.root.rglob("*") if not path.name.startswith("_script"))


def test_a_host_that_nothing_was_deployed_to_has_nothing_and_stays_so(shop, machine):
    report = shop.status()
    assert (report.ok, report.live, report.live_state, report.previous, report.releases) == (True, "", None, "", ())
    assert report.free > 0
    assert files_of(machine) == []


def test_status_writes_nothing(shop, machine):
    shop.live("1", hooks={})
    before = files_of(machine)
    assert shop.status().live == "1"
    assert files_of(machine) == before


def test_it_says_where_the_folder_lies_as_the_host_says_it(shop, machine):
    """What findmnt and lsblk answer on a Nitro instance with an instance store."""
    tools = machine.root / "tools"
    tools.mkdir()
    for name, answer in {
        "findmnt": "echo '/dev/nvme1n1p1[/opt] xfs'",
        "lsblk": 'case "$*" in *MODEL*) printf "\\nAmazon EC2 NVMe Instance Storage        \\n" ;; *) printf "\\nAWS22CAB8A1F4C3D2E1F \\n" ;; esac; [ "$5" = /dev/nvme1n1p1 ]',
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{answer}\n")
        (tools / name).chmod(0o755)
    machine.path = f"{tools}:{os.environ['PATH']}"
    report = shop.status()
    assert report.mount == "/dev/nvme1n1p1[/opt] xfs"
    assert report.disk == "Amazon EC2 NVMe Instance Storage|AWS22CAB8A1F4C3D2E1F"


def test_a_marker_that_is_lost_vouches_for_nothing(shop, machine):
    shop.live("1", hooks={})
    (machine.notes / "releases/1/state").write_text("")
    assert shop.status().live_state is State.FAILED


def test_of_many_releases_the_live_one_the_one_before_and_the_one_asked_for_are_told(shop, machine):
    shop.layout = Layout(FOLDER, keep_failed=30)
    for number in range(1, 31):
        shop.stage(shop.scripts(str(number), shop.release("1", {}).bundle)) if number < 4 else copied(machine, number)
    one, two = shop.scripts("1"), shop.scripts("2")
    assert shop.switch(one).ok
    shop.mark(one)
    assert shop.switch(two, over="1").ok
    report = shop.status("3")
    assert (report.live, report.previous) == ("2", "1")
    assert all(report.find(id) for id in ("1", "2", "3"))
    assert len(report.releases) < 20


def copied(machine, number: int) -> None:
    """As if it had been staged: thirty real ones would take their time."""
    notes = machine.notes / "releases" / str(number)
    notes.mkdir()
    for name, text in {"state": "staged", "content": "0" * 64, "order": str(number), "app": "end"}.items():
        (notes / name).write_text(f"{text}\n")
    (machine.app / "releases" / str(number)).mkdir()


# --- marks ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(State))
def test_a_mark_says_what_is_known_and_never_switches(shop, machine, state):
    scripts = shop.live("1", hooks={})
    before = machine.current
    report = shop.mark(scripts, state)
    assert (report.ok, report.changed, report.live_state) == (True, False, state)
    assert machine.current == before


def test_what_is_not_there_cannot_be_marked(shop):
    assert shop.mark(shop.scripts("7")).why == "Release 7 is not on this instance."


# --- old releases -------------------------------------------------------------------------------------------------------------------------


def made(machine, states: str) -> None:
    """Releases 1, 2, 3, ... by letters: Healthy, Failed, Rolled back, Staged. The last healthy one is live."""
    words = {"H": "healthy", "F": "failed", "R": "rolledBack", "S": "staged"}
    (machine.notes / "releases").mkdir(parents=True)
    (machine.app / "releases").mkdir(parents=True)
    for number, letter in enumerate(states, 1):
        copied(machine, number)
        (machine.notes / f"releases/{number}/state").write_text(f"{words[letter]}\n")
    (machine.app / "current").symlink_to(f"releases/{states.rindex('H') + 1}")


@pytest.mark.parametrize(
    ("states", "keep", "failed", "left"),
    [
        ("HHHHHHH", 5, 1, "34567"),
        ("HHHH", 1, 0, "34"),  # the live one, and the one before it
        ("HHHH", 0, 0, "34"),
        ("HFFFFFH", 2, 1, "167"),  # failed ones do not push out good ones
        ("HHFRFS", 5, 2, "1256"),
        ("HFF", 5, 0, "1"),
        ("FFFH", 1, 1, "34"),
        ("H", 0, 0, "1"),
    ],
)
def test_healthy_ones_are_kept_and_failed_ones_do_not_push_them_out(shop, machine, states, keep, failed, left):
    made(machine, states)
    shop.layout = Layout(FOLDER, keep, failed)
    assert shop.prune(shop.scripts("9")).ok
    assert sorted(path.name for path in (machine.app / "releases").iterdir()) == list(left)
    assert sorted(path.name for path in (machine.notes / "releases").iterdir()) == list(left)


def test_a_live_release_that_failed_is_kept_with_the_one_it_can_go_back_to(shop, machine):
    made(machine, "HHF")
    (machine.app / "current").unlink()
    (machine.app / "current").symlink_to("releases/3")
    shop.layout = Layout(FOLDER, 0, 0)
    shop.prune(shop.scripts("9"))
    assert sorted(path.name for path in (machine.app / "releases").iterdir()) == ["2", "3"]


def test_what_was_left_half_done_goes_too(shop, machine):
    made(machine, "H")
    (machine.app / "releases/.2.part").mkdir()
    (machine.app / "releases/.gone.3").mkdir()
    shop.prune(shop.scripts("9"))
    assert [path.name for path in (machine.app / "releases").iterdir()] == ["1"]


def test_what_is_not_ours_stays(shop, machine):
    made(machine, "HH")
    (machine.app / "releases/mine").mkdir()
    (machine.app / "shared/log").mkdir(parents=True)
    shop.layout = Layout(FOLDER, 0, 0)
    shop.prune(shop.scripts("9"))
    assert (machine.app / "releases/mine").is_dir()
    assert (machine.app / "shared/log").is_dir()
