"""From one release to the next, and back: hooks with their limits, the link that is never missing, and what is told of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ropeway.ec2 import host
from ropeway.ec2.host import output_of
from ropeway.s3.state.releases import State
from tests.ec2.host.machine import FOLDER

FORWARD = ["BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"]


def waited(for_it, seconds: float = 100) -> None:
    until = time.monotonic() + seconds
    while not for_it():
        assert time.monotonic() < until
        time.sleep(0.01)


def written(pid_file: Path) -> bool:
    """Not only made: a shell makes the file first."""
    return pid_file.exists() and pid_file.read_text().endswith("\n")


def alive(pid_file: Path) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
        return "Z" not in Path(f"/proc/{pid_file.read_text().strip()}/stat").read_text().rpartition(")")[2].split()[0]
    return False


@pytest.fixture(autouse=True)
def nothing_runs_on(machine) -> Iterator[None]:
    """What a test has started ends with it."""
    yield
    for pid_file in machine.root.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(pid_file.read_text()), signal.SIGKILL)


# --- forward ------------------------------------------------------------------------------------------------------------------------


def test_the_hooks_run_in_their_order_in_the_folder_of_their_release(shop, machine):
    shop.live("1")
    assert machine.events == [f"{event} by 1 in 1" for event in FORWARD]
    shop.live("2", over="1")
    assert machine.events[4:] == ["ApplicationStop by 2 in 1", *(f"{event} by 2 in 2" for event in FORWARD)]
    assert machine.current == "releases/2"
    status = shop.status()
    assert (status.live, status.live_state, status.previous) == ("2", State.HEALTHY, "1")


def test_current_is_switched_between_before_install_and_after_install(shop, machine):
    shop.live("1")
    body = '#!/bin/sh\nreadlink "$ROPEWAY_FOLDER/current" >>"$INSTANCE_ROOT/events"\n'
    scripts = shop.release("2", dict.fromkeys(("BeforeInstall", "AfterInstall"), body))
    shop.stage(scripts)
    assert shop.switch(scripts, over="1").ok
    assert machine.events[4:] == ["ApplicationStop by 2 in 1", "releases/1", "releases/2"]


def test_hooks_are_told_what_codedeploy_tells_them_and_more(shop, machine):
    names = "APPLICATION_NAME DEPLOYMENT_ID DEPLOYMENT_GROUP_NAME DEPLOYMENT_GROUP_ID LIFECYCLE_EVENT ROPEWAY_RELEASE"
    body = f'#!/bin/sh\nfor name in {names}; do eval "echo \\"$name=\\$$name\\""; done >"$INSTANCE_ROOT/told"\npwd >>"$INSTANCE_ROOT/told"\n'
    shop.live("1 \u00e4", hooks={"ApplicationStart": body})
    assert (machine.root / "told").read_text().splitlines() == [
        "APPLICATION_NAME=shop",
        "DEPLOYMENT_ID=d-1 \u00e4",
        "DEPLOYMENT_GROUP_NAME=web servers",
        "DEPLOYMENT_GROUP_ID=web servers",
        "LIFECYCLE_EVENT=ApplicationStart",
        "ROPEWAY_RELEASE=1 \u00e4",
        f"{machine.app}/releases/1%20%C3%A4",
    ]


def test_a_release_without_hooks_is_switched_to_all_the_same(shop, machine):
    shop.live("1", hooks={})
    assert (machine.app / "current/version").read_text() == "1"


def test_another_release_than_expected_is_left_alone(shop, machine):
    shop.live("1")
    scripts = shop.release("2")
    shop.stage(scripts)
    before = machine.events
    report = shop.switch(scripts, over="0")
    assert (report.ok, report.changed) == (False, False)
    assert report.why == "Release 1 is live here, and not 0: nothing was changed."
    assert shop.switch(scripts, over="").why == "Release 1 is live here, and not none: nothing was changed."
    assert (machine.events, machine.current) == (before, "releases/1")


def test_what_is_live_and_healthy_is_left_alone_unless_forced(shop, machine):
    scripts = shop.live("1")
    before = len(machine.events)
    report = shop.switch(scripts, force=False)
    assert (report.ok, report.changed, len(machine.events)) == (True, False, before)
    assert shop.switch(scripts, over="1", force=True).changed
    assert machine.events[before:] == ["ApplicationStop by 1 in 1", *(f"{event} by 1 in 1" for event in FORWARD)]


def test_a_script_that_runs_again_after_a_reboot_ends_what_the_first_began(shop, machine):
    """The agent runs it once more: the release is live already, and not yet proved."""
    shop.live("1")
    scripts = shop.release("2")
    shop.stage(scripts)
    (machine.notes / "releases/2/state").write_text("live\n")
    (machine.app / "current").unlink()
    (machine.app / "current").symlink_to("releases/2")
    assert shop.switch(scripts, over="1").ok
    assert shop.status().live_state is State.LIVE
    assert machine.events[-1] == "ValidateService by 2 in 2"


# --- validated alone ----------------------------------------------------------------------------------------------------------------------


def test_what_is_live_is_validated_by_its_own_hook_and_nothing_else_runs_or_changes(shop, machine):
    scripts = shop.live("1")
    before, notes = len(machine.events), stood(machine)
    report = shop.validate(scripts)
    assert (report.ok, report.release, report.live, report.live_state) == (True, "1", "1", State.HEALTHY)
    assert machine.events[before:] == ["ValidateService by 1 in 1"]
    assert stood(machine) == notes


def test_what_is_live_and_does_not_validate_any_more_is_told_and_nothing_changes(shop, machine):
    body = '#!/bin/sh\n[ ! -e "$INSTANCE_ROOT/gone" ] || { echo "no answer"; exit 4; }\n'
    scripts = shop.live("1", hooks={"ValidateService": body})
    (machine.root / "gone").touch()
    notes = stood(machine)
    run = machine.run(scripts.validate())
    report = scripts.report(run, "validate")
    assert report is not None
    assert (report.ok, report.hook, report.why) == (
        False,
        "ValidateService",
        "hooks/ValidateService ended with exit code 4.",
    )
    assert "no answer" in output_of(run)
    assert stood(machine) == notes


def test_a_validation_that_hangs_is_ended_in_its_time(shop, machine):
    body = '#!/bin/sh\n[ ! -e "$INSTANCE_ROOT/hangs" ] || sleep 600\n'
    scripts = shop.live("1", hooks={"ValidateService": body}, timeout=1)
    (machine.root / "hangs").touch()
    assert shop.validate(scripts).why == "hooks/ValidateService did not end within 1 s; its process group was killed."


def test_only_what_is_live_is_validated(shop, machine):
    shop.live("1")
    two = shop.release("2")
    assert shop.validate(two).why == "Release 1 is live here, and not 2."
    assert shop.stage(two).ok
    before = len(machine.events)
    assert shop.validate(two).why == "Release 1 is live here, and not 2."
    assert len(machine.events) == before


def stood(machine) -> dict[str, str]:
    """Where `current` leads, and all notes."""
    notes = [one for one in machine.notes.rglob("*") if one.is_file() and "log" not in one.parts]
    return {str(one): one.read_text() for one in notes} | {"current": machine.current}


# --- a link that is never missing -------------------------------------------------------------------------------------------------------


def test_whoever_reads_current_while_it_is_switched_always_finds_a_release(shop, machine):
    shop.live("1", hooks={})
    two = shop.release("2", {})
    shop.stage(two)
    seen, stop = set[str](), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add((machine.app / "current/version").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(2):
            assert shop.switch(two, over="1").ok
            assert shop.rollback(two, "1").ok
    finally:
        stop.set()
        reader.join()
    assert seen == {"1", "2"}


def test_killed_just_before_the_link_takes_its_place_it_still_leads_to_the_old_one(shop, machine):
    shop.live("1", hooks={})
    scripts = shop.release("2", {})
    shop.stage(scripts)
    tools = machine.root / "tools"
    tools.mkdir()
    # The last moment before the rename: mv kills who called it, instead.
    (tools / "mv").write_text(
        '#!/bin/bash\ncase "$*" in *.current.new*) kill -KILL $PPID; sleep 0.2 ;; *) exec /bin/mv "$@" ;; esac\n'
    )
    (tools / "mv").chmod(0o755)
    machine.path = f"{tools}:{os.environ['PATH']}"
    run = machine.run(scripts.switch(over="1", force=True))
    assert (run.ok, scripts.report(run, "switch")) == (False, None)
    machine.path = ""
    assert (machine.app / "current/version").read_text() == "1"
    status = shop.status()
    assert (status.live, status.live_state) == ("1", State.HEALTHY)
    assert shop.switch(scripts, over="1").ok
    assert (machine.app / "current/version").read_text() == "2"


def test_what_a_host_says_is_on_its_disk_before_it_says_so(shop, machine):
    """The power may fail the moment after: links and notes that are only in memory would be gone, or empty."""
    shop.live("1", hooks={})
    tools, seen = machine.root / "tools", machine.root / "synced"
    tools.mkdir()
    (tools / "sync").write_text(f"""#!/bin/sh
cd "$INSTANCE_ROOT{FOLDER}" && echo "$(readlink current) $(cat .ropeway/releases/2/state) $(ls .ropeway/half-way)" >>"$INSTANCE_ROOT/synced"
[ "$1" != -f ]
""")  # coreutils before 8.24 know no -f
    (tools / "sync").chmod(0o755)
    two = shop.release("2", {})
    assert shop.stage(two).ok
    machine.path = f"{tools}:{os.environ['PATH']}"

    def synced(done) -> list[str]:
        assert done.ok
        lines = seen.read_text().splitlines() if seen.exists() else []
        seen.unlink(missing_ok=True)
        return [" ".join(line.split()) for line in lines]

    assert synced(shop.switch(two, over="1")) == ["releases/2 live"] * 2
    assert synced(shop.mark(two)) == ["releases/2 healthy"] * 2
    assert synced(shop.rollback(two, "1")) == ["releases/1 rolledBack"] * 2


# --- hooks that go wrong ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "live"), [("BeforeInstall", "1"), ("AfterInstall", "2"), ("ValidateService", "2")])
def test_a_hook_that_fails_fails_the_release_and_is_told_with_its_last_words(shop, machine, event, live):
    shop.live("1")
    scripts = shop.release("2", {event: "#!/bin/sh\necho no database\nexit 7\n"})
    shop.stage(scripts)
    run = machine.run(scripts.switch(over="1"))
    report = scripts.report(run, "switch")
    assert report is not None
    assert (report.ok, report.hook, report.changed, report.live) == (False, event, True, live)
    assert report.why == f"hooks/{event} ended with exit code 7."
    assert output_of(run).splitlines()[-2:] == ["no database", f"Failed: hooks/{event} ended with exit code 7."]
    assert shop.states()["2"] == "failed"
    status = shop.status()
    assert (status.previous, status.changed) == ("1" if live == "2" else "", True)
    assert shop.rollback(scripts, "1").ok
    assert not shop.status().changed


def test_a_hook_that_fails_where_nothing_can_be_written_is_told_all_the_same_and_nobody_vouches_for_the_release(
    shop, machine
):
    """Something stands where the note would be written, which to the script is the same as a full disk."""
    shop.live("1")
    full = '#!/bin/sh\nmkdir "$ROPEWAY_FOLDER/.ropeway/releases/2/.state.new"\necho "the queue is gone"\nexit 3\n'
    two = shop.release("2", {"ValidateService": full})
    assert shop.stage(two).ok
    report = shop.switch(two, over="1")
    assert (report.hook, report.why) == ("ValidateService", "hooks/ValidateService ended with exit code 3.")
    assert (report.live, report.live_state) == ("2", State.FAILED)


def test_a_release_that_fills_the_disk_can_be_taken_back_all_the_same(shop, machine):
    """Something stands where notes would be written, which to the script is the same as a full disk."""
    shop.live("1")
    shop.live("2", over="1")
    full = """#!/bin/sh
for id in 1 2 3; do mkdir "$ROPEWAY_FOLDER/.ropeway/releases/$id/.state.new" "$ROPEWAY_FOLDER/.ropeway/releases/$id/.order.new"; done
exit 3
"""
    three = shop.release("3", {"ApplicationStart": full})
    assert shop.stage(three).ok
    assert not shop.switch(three, over="2").ok
    done = len(machine.events)
    report = shop.rollback(three, "2")
    assert (report.ok, report.live, report.live_state, report.previous) == (True, "2", State.HEALTHY, "1")
    assert report.warning == f"Not all notes could be written in {FOLDER}/.ropeway, and it went on: is the disk full?"
    assert machine.events[done:] == [f"{event} by 2 in 2" for event in FORWARD]
    assert shop.states() == {"1": "healthy", "2": "healthy", "3": "failed"}
    report = shop.back(shop.scripts("1"), over="2")
    assert (report.ok, report.live, report.previous) == (True, "1", "")
    assert shop.states() == {"1": "healthy", "2": "failed", "3": "failed"}, "nobody goes back to what was left"


def test_nobody_goes_forward_without_a_note_of_it(shop, machine):
    shop.live("1")
    two = shop.release("2")
    assert shop.stage(two).ok
    (machine.notes / "releases/2/.order.new").mkdir()
    report = shop.switch(two, over="1")
    assert (report.live, report.why) == ("1", "The note order of the release cannot be written.")


def test_a_first_hook_that_fails_has_changed_something_nothing_has_not(shop):
    first = shop.release("1", {"BeforeInstall": "#!/bin/sh\nexit 1\n"})
    shop.stage(first)
    assert shop.switch(first).changed
    absent = shop.release("2")
    assert not shop.switch(absent).changed


def test_a_broken_application_stop_of_the_old_release_does_not_block_the_new_one(shop, machine):
    shop.live("1", hooks={"ApplicationStop": "#!/bin/sh\nexit 3\n"})
    scripts = shop.release("2")
    shop.stage(scripts)
    report = shop.switch(scripts, over="1")
    assert (report.ok, report.hook) == (True, "")
    assert (
        report.warning
        == "ApplicationStop of what was live failed, and it went on: hooks/ApplicationStop ended with exit code 3."
    )
    assert machine.current == "releases/2"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("#!/bin/nothing-like-this\n", "hooks/ApplicationStart ended with exit code 127."),
        ("#!/bin/sh\nkill -9 $$\n", "hooks/ApplicationStart ended with exit code 137."),
        ("#!/bin/sh\nexit 194\n", "hooks/ApplicationStart ended with exit code 194."),
    ],
)
def test_hooks_that_end_in_odd_ways_are_failures(shop, body, words):
    """194 would have the agent reboot and run it again: that is for the script, not for a hook, to say."""
    scripts = shop.release("1", {"ApplicationStart": body})
    shop.stage(scripts)
    assert shop.switch(scripts).why == words


def test_a_script_without_a_first_line_runs_by_sh(shop, machine):
    shop.live("1", hooks={"ApplicationStart": 'echo "$0" >"$INSTANCE_ROOT/ran"\n'})
    assert (machine.root / "ran").exists()


def test_a_hook_that_is_gone_or_not_executable_is_told(shop, machine):
    scripts = shop.release("1")
    shop.stage(scripts)
    hook = machine.app / "releases/1/hooks/ApplicationStart"
    hook.chmod(0o644)
    assert shop.switch(scripts).why == "hooks/ApplicationStart is not executable."
    hook.unlink()
    assert shop.switch(scripts, over="1").why == "hooks/ApplicationStart is not in the release."


def test_a_table_of_hooks_that_is_not_whole_runs_nothing(shop, machine):
    scripts = shop.release("1")
    shop.stage(scripts)
    table = machine.notes / "releases/1/app"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:2]))
    report = shop.switch(scripts)
    assert report.why.endswith("app, where the hooks of the release stand, is damaged.")
    assert machine.events == []


# --- time limits ----------------------------------------------------------------------------------------------------------------------------

HANGS = """#!/bin/bash
trap '' TERM
( trap '' TERM; echo $BASHPID >"$INSTANCE_ROOT/grandchild.pid"; while :; do sleep 1; done ) &
echo $$ >"$INSTANCE_ROOT/hook.pid"
while :; do sleep 1; done
"""


def test_a_hook_that_hangs_is_killed_with_its_whole_process_group(shop, machine):
    scripts = shop.release("1", {"ApplicationStart": HANGS.replace("trap '' TERM", ":")}, timeout=1)
    shop.stage(scripts)
    report = shop.switch(scripts)
    assert report.hook == "ApplicationStart"
    assert report.why == "hooks/ApplicationStart did not end within 1 s; its process group was killed."
    waited(lambda: not hooks_of(machine))


def test_one_that_does_not_listen_to_term_is_killed_by_kill(shop, machine):
    scripts = shop.release("1", {"ApplicationStart": HANGS}, timeout=1)
    shop.stage(scripts)
    assert "did not end within 1 s" in shop.switch(scripts).why
    waited(lambda: not hooks_of(machine))


def test_all_hooks_together_have_a_limit_too(shop):
    body = "#!/bin/sh\nsleep 1.2\n"
    scripts = shop.release(
        "1", {"AfterInstall": body, "ApplicationStart": body, "ValidateService": body}, hook_seconds=2
    )
    shop.stage(scripts)
    report = shop.switch(scripts)
    assert not report.ok
    assert "within" in report.why or "No time was left" in report.why


DAEMON = """#!/bin/sh
sleep 300 &
echo $! >"$INSTANCE_ROOT/daemon.pid"
setsid sleep 300 &
echo $! >"$INSTANCE_ROOT/session.pid"
"""


def test_a_daemon_that_keeps_its_output_open_does_not_hold_up_anybody(shop, machine):
    scripts = shop.release("1", {"ApplicationStart": DAEMON})
    shop.stage(scripts)
    assert shop.switch(scripts).ok  # else it would end with the daemon, in five minutes
    assert alive(machine.root / "daemon.pid")
    assert alive(machine.root / "session.pid")


def test_a_daemon_does_not_keep_the_lock_nor_our_output(shop, machine):
    shop.live("1", hooks={"ApplicationStart": DAEMON})
    for name in ("daemon", "session"):
        pid = (machine.root / f"{name}.pid").read_text().strip()
        opened = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
        assert not [path for path in opened if path.endswith("lock") or path.startswith("pipe:")]
    assert shop.mark(shop.scripts("1")).ok


# --- stopped from outside ---------------------------------------------------------------------------------------------------------------------


def test_when_ssm_kills_the_script_the_hook_does_not_live_on(shop, machine):
    """CancelCommand and the time limit of a command kill our process group; the hook has one of its own."""
    scripts = shop.release("1", {"ApplicationStart": HANGS.replace("trap '' TERM", ":")})
    shop.stage(scripts)
    begun = machine.begin(scripts.switch(over=""))
    waited(lambda: written(machine.root / "grandchild.pid") and written(machine.root / "hook.pid"))
    os.killpg(begun.pid, signal.SIGKILL)
    assert scripts.report(machine.end(begun), "switch") is None
    waited(lambda: not alive(machine.root / "hook.pid") and not alive(machine.root / "grandchild.pid"))
    assert shop.states() == {"1": "live"}  # and nobody has called it healthy


def hooks_of(machine) -> list[str]:
    """The processes of hooks that run on it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            told = path.read_bytes().decode(errors="replace").split("\0")
            if f"INSTANCE_ROOT={machine.root}" in told and any(one.startswith("LIFECYCLE_EVENT=") for one in told):
                found.append(path.parent.name)
    return found


@pytest.mark.parametrize("how", ["KILL", "TERM"])
def test_at_whichever_moment_it_is_killed_no_hook_lives_on(shop, machine, how):
    """By SSM's kill -9, or by whoever asks it to stop."""
    brief = "#!/bin/sh\nsleep 0.02\n"
    hangs = '#!/bin/sh\ntouch "$INSTANCE_ROOT/hangs"\nsleep 300\n'
    bodies = {"BeforeInstall": brief, "AfterInstall": brief, "ApplicationStart": brief, "ValidateService": hangs}
    scripts = shop.release("1", bodies)
    shop.stage(scripts)
    for moment in range(1, 6):
        begun = machine.begin(scripts.switch(over=""))
        waited(lambda begun=begun: hooks_of(machine) or begun.poll() is not None)
        time.sleep(moment * 0.02)
        os.killpg(begun.pid, signal.Signals[f"SIG{how}"])
        machine.end(begun)
        waited(lambda: not hooks_of(machine))


def test_a_script_that_is_asked_to_stop_says_so(shop, machine):
    scripts = shop.release("1", {"ApplicationStart": HANGS})
    shop.stage(scripts)
    begun = machine.begin(scripts.switch(over=""))
    waited(lambda: written(machine.root / "hook.pid"))
    os.killpg(begun.pid, signal.SIGTERM)
    run = machine.end(begun)
    report = scripts.report(run, "switch")
    assert report is not None
    assert (report.ok, report.changed, report.why) == (False, True, "It was stopped.")
    waited(lambda: not alive(machine.root / "hook.pid"))


def test_of_two_switches_at_once_one_waits_and_finds_another_world(shop, machine):
    shop.live("1")
    slow = '#!/bin/sh\ntouch "$INSTANCE_ROOT/slow"\nwhile [ ! -e "$INSTANCE_ROOT/go" ]; do sleep 0.05; done\n'
    two, three = shop.release("2", {"ApplicationStart": slow}), shop.release("3")
    shop.stage(two)
    shop.stage(three)
    first = machine.begin(two.switch(over="1"))
    waited((machine.root / "slow").exists)
    second = machine.begin(three.switch(over="1"))
    time.sleep(0.3)
    assert "by 3" not in "".join(machine.events)
    (machine.root / "go").touch()
    assert two.report(machine.end(first), "switch").ok
    assert three.report(machine.end(second), "switch").why == "Release 2 is live here, and not 1: nothing was changed."


def test_who_waits_too_long_for_the_other_gives_up(shop, machine, monkeypatch):
    shop.live("1")
    monkeypatch.setattr(host, "PATIENCE", 1)
    hold = ["flock", str(machine.notes / "lock"), "sh", "-c", "touch held; exec sleep 300"]
    with subprocess.Popen(hold, start_new_session=True, cwd=machine.root) as holder:
        waited((machine.root / "held").exists)
        report = shop.mark(shop.scripts("1"))
        os.killpg(holder.pid, signal.SIGKILL)
    assert report.why == "Another deployment is at work on this instance."


# --- back ---------------------------------------------------------------------------------------------------------------------------------------


def test_a_rollback_runs_the_hooks_of_both_releases_and_proves_the_old_one(shop, machine):
    shop.live("1")
    two = shop.live("2", over="1")
    before = len(machine.events)
    report = shop.rollback(two, "1")
    assert (report.ok, report.release, report.live, report.live_state) == (True, "1", "1", State.HEALTHY)
    assert machine.events[before:] == ["ApplicationStop by 1 in 2", *(f"{event} by 1 in 1" for event in FORWARD)]
    assert shop.states() == {"1": "healthy", "2": "rolledBack"}


def test_back_from_one_that_failed_before_it_was_switched_to_starts_the_old_one_again(shop, machine):
    """Its ApplicationStop has run: it is `current`, and down."""
    shop.live("1")
    two = shop.release("2", {"BeforeInstall": "#!/bin/sh\nexit 1\n"})
    shop.stage(two)
    assert shop.switch(two, over="1").live == "1"
    before = len(machine.events)
    assert shop.rollback(two, "1").ok
    assert machine.events[before:][-2:] == ["ApplicationStart by 1 in 1", "ValidateService by 1 in 1"]
    assert shop.states() == {"1": "healthy", "2": "failed"}


def test_a_rollback_that_ran_already_may_run_again(shop):
    shop.live("1", hooks={})
    two = shop.live("2", over="1", hooks={})
    assert [shop.rollback(two, "1").ok for _ in range(2)] == [True, True]
    assert shop.states() == {"1": "healthy", "2": "rolledBack"}


def test_going_back_twice_leads_further_back_and_never_forward(shop):
    shop.live("1", hooks={})
    shop.live("2", over="1", hooks={})
    three = shop.live("3", over="2", hooks={})
    assert shop.rollback(three, "2").previous == "1"
    report = shop.rollback(three, "1")
    assert (report.live, report.previous) == ("1", "")
    assert shop.states() == {"1": "healthy", "2": "rolledBack", "3": "rolledBack"}


def test_going_back_over_a_healthy_one_passes_it_over_for_good(shop):
    shop.live("1", hooks={})
    shop.live("2", over="1", hooks={})
    three = shop.live("3", over="2", hooks={})
    shop.rollback(three, "1")
    assert shop.states() == {"1": "healthy", "2": "rolledBack", "3": "rolledBack"}


def test_what_is_taken_back_by_command_is_never_gone_back_to(shop):
    """Whoever went back over it did so on purpose: also when the one that is live is not proved any more."""
    one = shop.live("1", hooks={})
    shop.live("2", over="1", hooks={})
    assert shop.back(one, over="2").previous == ""
    assert shop.states() == {"1": "live", "2": "rolledBack"}


def test_an_old_release_that_does_not_validate_any_more_is_told(shop, machine):
    body = '#!/bin/sh\n[ ! -e "$INSTANCE_ROOT/gone" ]\n'
    shop.live("1", hooks={"ValidateService": body})
    two = shop.live("2", over="1")
    (machine.root / "gone").touch()
    report = shop.rollback(two, "1")
    assert (report.ok, report.hook, report.live, report.live_state) == (False, "ValidateService", "1", State.FAILED)


def test_there_is_no_way_back_to_what_is_not_there(shop, machine):
    two = shop.live("2")
    report = shop.rollback(two, "1")
    assert (report.why, report.changed) == ("Release 1 is not on this instance.", False)
    assert machine.current == "releases/2"


# --- what others have left ------------------------------------------------------------------------------------------------------------------------


def test_a_folder_in_the_place_of_current_is_not_touched(shop, machine):
    scripts = shop.release("1")
    shop.stage(scripts)
    (machine.app / "current").mkdir()
    why = f"{machine.app}/current is there, and is no link of Ropeway's: move it away."
    assert [shop.switch(scripts).why, shop.status().why] == [why, why]


def test_a_link_of_somebody_elses_is_told_before_it_is_replaced(shop, machine):
    (machine.app / "releases/20260131").mkdir(parents=True)
    (machine.app / "current").symlink_to(machine.app / "releases/20260131")
    status = shop.status()
    assert status.live == ""
    assert "which Ropeway has not put there: it could not be put back." in status.warning
    shop.live("1")
    assert machine.current == "releases/1"


def test_a_hook_runs_as_the_user_it_names_or_not_at_all(shop, machine):
    """Root may become anybody; who is not root is told that he cannot."""
    body = "#!/bin/sh\nid -un\necho $HOME\n"
    scripts = shop.release("1", {"ApplicationStart": body}, user="nobody" if os.getuid() == 0 else "root")
    machine.root.chmod(0o755)
    for folder in [machine.root, *machine.root.parents]:
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    shop.stage(scripts)
    run = machine.run(scripts.switch(over=""))
    report = scripts.report(run, "switch")
    if os.getuid() == 0:
        assert report.ok, run.stdout
        assert output_of(run).splitlines()[1:] == ["nobody", "/nonexistent"]
    else:
        assert report.why == "hooks/ApplicationStart would run as root, which takes root."


def test_a_user_who_is_not_there_is_told(shop):
    scripts = shop.release("1", user="nobody-knows-this-one")
    shop.stage(scripts)
    report = shop.switch(scripts)
    assert report.why == "There is no user nobody-knows-this-one, as whom hooks/BeforeInstall would run."


def test_a_folder_of_another_application_is_left_as_it_is(shop, machine):
    """A YAML that was copied: another application, the same applicationFolder."""
    shop.live("1")
    other = replace(shop, application="it's a café")
    one, two = other.scripts("1"), other.release("2")
    why = (
        f"{FOLDER} is of the application shop, and not of it's a café: give each a folder of its own. If it was renamed, remove "
        f"{FOLDER}/.ropeway/application."
    )
    told = [other.status(), other.stage(two), other.switch(one, "1"), other.rollback(two, "1"), other.prune(two)]
    assert [report.why for report in told] == [why] * 5
    assert not any(report.changed for report in told)
    assert (machine.current, shop.states()) == ("releases/1", {"1": "healthy"})

    (machine.notes / "application").unlink()
    assert other.stage(two).ok, "a host of before this was noted: whoever stages first has it"
    assert shop.status().why.startswith(f"{FOLDER} is of the application it's a café, and not of shop: ")
    assert other.switch(two, "1").ok
