"""What a way back claims, and what answers after it: on instances that really run."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

import pytest

from ropeway.ec2.doing import Doing
from ropeway.ec2.model import Target
from ropeway.ec2.performing import _Performing
from ropeway.errors import Overtaken
from ropeway.outcome import Cancellation
from tests.checks.kinds.aws_kit import client_of
from tests.ec2.services import APP, START, service
from tests.tasks.test_ec2_deploy import OF_HOST, Shop, outputs, shop
from tests.waiting import wait_until

__all__ = ["client_of", "shop"]

STARTS_UNLESS_BROKEN = '#!/bin/bash\n[ ! -e "$INSTANCE_ROOT/broken" ] || exit 3\n'

BEFORE_INSTALL = "hooks:\n  BeforeInstall: {script: scripts/before.sh, timeout: 60s}\n"


# --- a switch that did not come to its end ----------------------------------------------------------------------------------------


def before_install(fleet: Shop, version: str, body: str) -> Path:
    """A build whose BeforeInstall does this: what was live is stopped by then, and `current` leads to it still."""
    folder = service(fleet.builds, version)
    (folder / "scripts/before.sh").write_text(f"#!/bin/bash\n{body}\n")
    (folder / "scripts/before.sh").chmod(0o755)
    (folder / "ropeway-app.yml").write_text(APP.replace("hooks:\n", BEFORE_INSTALL))
    return folder


def stopped_when(seen: Callable[[], bool], cancellation: Cancellation) -> None:
    def stop() -> None:
        wait_until(seen)
        cancellation.ask("by you")

    threading.Thread(target=stop).start()


def left_half_way(fleet: Shop, how: str) -> None:
    """v2 comes to the first instance and is left in its first hook."""
    there, cancellation = fleet.builds / "there", Cancellation()
    folder = before_install(fleet, "v2", "exit 3" if how == "it failed" else f"touch {there}; sleep 60")
    texts = {"source_path": str(folder), "release_id": "v2", "batches": "1", "on_failure": "stop"}

    if how == "it was stopped":
        stopped_when(there.exists, cancellation)
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


# --- what lies there and does not answer ------------------------------------------------------------------------------------------


@pytest.fixture
def asked(tmp_path) -> dict[str, str]:
    """Every host is asked for the release."""
    (tmp_path / "host.yml").write_text(OF_HOST)
    return {"host_checks_file": str(tmp_path / "host.yml")}


def kill(fleet: Shop, id_: str) -> None:
    folder = next(host.folder for host in fleet.hosts if host.id == id_)
    os.kill(int(Path(folder, "opt", fleet.name, "shared/run/pid").read_text()), signal.SIGKILL)


@pytest.mark.parametrize("way", ["rollback", "deploy"])
def test_who_has_the_release_by_its_mark_is_asked_and_switched_again_where_it_does_not_answer(shop, asked, way):
    fleet = shop(2)
    fleet.deploy("v1", batches="100%", **asked)
    kill(fleet, fleet.ids[1])
    assert fleet.answers == ["v1", ""]
    back = fleet.back(release_id="v1", **asked) if way == "rollback" else fleet.deploy("v1", **asked)
    assert (back.error, fleet.answers) == (None, ["v1", "v1"])
    assert {one.instance.id: one.fate for one in back.instances} == {
        fleet.ids[0]: "unchanged",
        fleet.ids[1]: "deployed",
    }


def knows_its_own(fleet: Shop, version: str, also: str = "") -> Path:
    """A build whose ValidateService fails at once where its process is dead."""
    folder = service(fleet.builds, version)
    validate = folder / "scripts/validate.sh"
    dead = 'kill -0 "$(cat "$(dirname "$0")/../run/pid")" || { echo "the process is gone"; exit 4; }'
    validate.write_text(validate.read_text().replace("\n", f"\n{also}\n{dead}\n", 1))
    return folder


@pytest.mark.parametrize("way", ["rollback", "deploy"])
def test_who_has_the_release_by_its_mark_is_validated_by_its_own_hook_where_nobody_else_asks(shop, s3, way):
    """No checks of hosts, no load balancer: a stage that is tried again at night must not call well what is dead."""
    fleet = shop(2)
    knows_its_own(fleet, "v1")
    fleet.deploy("v1", batches="100%")
    kill(fleet, fleet.ids[1])

    back = fleet.back(release_id="v1") if way == "rollback" else fleet.deploy("v1")

    assert (back.error, fleet.answers) == (None, ["v1", "v1"])
    assert [(one.instance.id, one.fate, [step.name for step in one.steps]) for one in back.instances] == [
        (fleet.ids[0], "unchanged", ["validate"]),
        (fleet.ids[1], "deployed", ["validate", "stage", "switch", "mark"]),
    ]
    assert back.instances[1].steps[0].why == "ValidateService: scripts/validate.sh ended with exit code 4."
    assert fleet.releases(s3) == {"v1": "healthy"}


def test_who_has_the_release_and_is_dead_for_good_is_no_green(shop, s3):
    fleet = shop(2)
    knows_its_own(fleet, "v1", also='[ ! -e "$INSTANCE_ROOT/broken" ] || exit 5')
    fleet.deploy("v1", batches="100%")
    Path(next(host.folder for host in fleet.hosts if host.id == fleet.ids[1]), "broken").touch()

    again = fleet.deploy("v1")

    assert (outputs(again)["result"], outputs(again)["instancesFailed"]) == ("failed", fleet.ids[1])
    assert f"{fleet.ids[1]}: ValidateService: scripts/validate.sh ended with exit code 5" in str(again.error)
    assert fleet.releases(s3) == {"v1": "live"}, "nobody vouches for it on every host"


def test_a_dry_run_tells_who_is_validated(shop):
    fleet = shop(2)
    folder = service(fleet.builds, "v1")
    fleet.deploy("v1", batches="100%")
    kill(fleet, fleet.ids[1])
    given = {"source_path": str(folder), "release_id": "v1"}
    plan = fleet.run(**given, dry_run="true", only_plan=True).plan
    (script,) = plan.scripts
    assert script.title == f"validate, on {', '.join(fleet.ids)}"
    assert "ValidateService" in script.text
    assert fleet.answers == ["v1", ""]


def test_who_has_the_release_and_does_not_pass_its_checks_is_no_rollback_that_went_well(shop, asked, tmp_path):
    """What answers there is not the release that its link and its mark name."""
    fleet = shop(1)
    folder = service(fleet.builds, "v1")
    (folder / "VERSION").write_text("v0\n")
    fleet.deploy("v1", batches="100%")
    assert fleet.answers == ["v0"]
    back = fleet.back(release_id="v1", **asked)
    assert outputs(back)["result"] == "failed"
    assert "1 critical check did not pass: version" in str(back.error)


def test_what_was_put_back_and_does_not_pass_its_checks_is_not_taken_for_well_by_the_next_run(shop, asked, s3):
    fleet = shop(1)
    folder = service(fleet.builds, "v1")
    (folder / "VERSION").write_text("v0\n")
    fleet.deploy("v1", batches="100%")
    bad = fleet.deploy("v2", broken_on=fleet.ids[0], **asked)
    assert outputs(bad)["result"] == "failed"
    assert f"{fleet.ids[0]} was not put back: 1 critical check did not pass: version" in str(bad.error)
    assert fleet.marks(fleet.hosts[0])["v1"] == "failed"
    assert [one.fate for one in fleet.back(release_id="v1").instances] == ["deployed"]


@contextmanager
def as_it_is_staged(act: Callable[[], object]) -> Iterator[None]:
    """While the block runs: before the instances are asked to fetch a bundle, that is done."""
    stage = Doing.stage

    def staged(doing: Doing, targets: Sequence[Target]) -> None:
        act()
        stage(doing, targets)

    with patch.object(Doing, "stage", staged):
        yield


# --- whose release goes back ------------------------------------------------------------------------------------------------------


def test_what_a_stage_has_deployed_is_taken_back_also_where_another_build_has_failed_half_way_over_it(
    shop, s3, monkeypatch
):
    """Half-way over a live one, back means to the live one: but not where the live one is what is to go."""
    fleet = shop(2)
    monkeypatch.setenv("SYSTEM_STAGENAME", "production")
    for version in ("v1", "v2"):
        monkeypatch.setenv("BUILD_BUILDID", version)
        fleet.deploy(version, batches="100%")
    with monkeypatch.context() as other:
        other.setenv("BUILD_BUILDID", "v3")
        fleet.deploy("v3", broken_on=fleet.ids[0], batches="1", on_failure="stop")

    back = fleet.run(mode="takeBack").outcome

    assert (back.error, outputs(back)["liveRelease"], fleet.answers) == (None, "v1", ["v1", "v1"])
    assert fleet.releases(s3) == {"v1": "healthy", "v2": "rolledBack", "v3": "rolledBack"}


def test_a_rollback_goes_past_the_live_release_once_that_has_been_deployed_over_what_was_half_done(shop, s3):
    fleet = shop(2)
    for version in ("v0", "v1"):
        fleet.deploy(version, batches="100%")
    fleet.deploy("v2", broken_on=fleet.ids[0], batches="1", on_failure="stop")
    assert fleet.deploy("v1").error is None
    assert (fleet.answers, fleet.releases(s3)) == (
        ["v1", "v1"],
        {"v0": "healthy", "v1": "healthy", "v2": "rolledBack"},
    )
    back = fleet.back()
    assert (back.error, outputs(back)["liveRelease"], fleet.answers) == (None, "v0", ["v0", "v0"])


@pytest.mark.parametrize("by", ["another attempt", "another build"])
@pytest.mark.parametrize("how", ["failed", "stopped"])
def test_a_live_release_that_fails_as_it_is_deployed_again_is_healthy_no_more_and_is_taken_back(
    shop, s3, monkeypatch, how, by
):
    fleet, cancellation = shop(2), Cancellation()
    monkeypatch.setenv("SYSTEM_STAGENAME", "production")
    folder = service(fleet.builds, "v2")
    validate = folder / "scripts/validate.sh"
    validate.write_text(
        validate.read_text().replace("\n", '\n[ ! -e "$INSTANCE_ROOT/broken" ] || . "$INSTANCE_ROOT/broken"\n', 1)
    )
    for version in ("v1", "v2"):
        monkeypatch.setenv("BUILD_BUILDID", version)
        monkeypatch.setenv("SYSTEM_STAGEATTEMPT", "1")
        fleet.deploy(version, batches="100%")

    there = fleet.builds / "there"
    broken = "exit 3" if how == "failed" else f"touch {there}; sleep 60"
    Path(fleet.hosts[0].folder, "broken").write_text(f"{broken}\n")
    if by == "another attempt":
        monkeypatch.setenv("SYSTEM_STAGEATTEMPT", "2")
    else:
        monkeypatch.setenv("BUILD_BUILDID", "v2-again")
    if how == "stopped":
        stopped_when(there.exists, cancellation)
    again = fleet.deploy("v2", force="true", on_failure="stop", cancellation=cancellation)
    assert outputs(again)["result"] == how
    assert fleet.releases(s3)["v2"] == "live"

    back = fleet.run(mode="takeBack").outcome
    assert (back.error, outputs(back)["result"], fleet.answers) == (None, "healthy", ["v1", "v1"])


@pytest.mark.parametrize("how", ["untouched", "stopped"])
def test_a_rollback_goes_past_the_live_release_when_the_last_deploy_ended_before_it_changed_anything(shop, s3, how):
    fleet, cancellation = shop(1), Cancellation()
    for version in ("v0", "v1"):
        fleet.deploy(version)
    if how == "untouched":
        (fleet.folder(fleet.hosts[0]) / "releases/v2").mkdir()
    texts = {"source_path": str(service(fleet.builds, "v2")), "release_id": "v2", "cancellation": cancellation}
    with as_it_is_staged(lambda: cancellation.ask("by you") if how == "stopped" else None):
        ended = fleet.run(**texts).outcome
    assert (outputs(ended)["result"], fleet.answers) == (how, ["v1"])
    back = fleet.back()
    assert (back.error, outputs(back)["liveRelease"], fleet.answers) == (None, "v0", ["v0"])


def killed(fleet: Shop, step: str, version: str = "v2") -> None:
    """It ends as it comes to this step (of `Doing`), and nobody writes down how."""
    cancellation, done = Cancellation(), getattr(Doing, step)

    def ends(doing: Doing, *given: object) -> object:
        cancellation.ask("by you")
        return done(doing, *given)

    with patch.object(Doing, step, ends), patch.object(_Performing, "_end", lambda *_: None):
        fleet.deploy(version, batches="1", cancellation=cancellation)


@pytest.mark.parametrize("step", ["stage", "take_out"])
def test_a_rollback_goes_past_what_was_begun_by_a_run_that_was_killed_before_it_switched_anybody(shop, s3, step):
    fleet = shop(2)
    for version in ("v0", "v1"):
        fleet.deploy(version, batches="100%")
    killed(fleet, step)
    assert (fleet.answers, fleet.releases(s3)["v2"]) == (["v1", "v1"], "staged")

    back = fleet.back()

    assert (back.error, outputs(back)["liveRelease"], fleet.answers) == (None, "v0", ["v0", "v0"])
    assert fleet.releases(s3) == {"v0": "healthy", "v1": "rolledBack", "v2": "rolledBack"}


@pytest.mark.parametrize("when", ["after it switched somebody", "in a first hook", "and the next one, too"])
def test_a_rollback_leads_to_what_is_live_where_a_run_was_killed(shop, s3, when):
    fleet = shop(2)
    for version in ("v0", "v1"):
        fleet.deploy(version, batches="100%")
    if when == "in a first hook":
        with patch.object(_Performing, "_end", lambda *_: None):
            left_half_way(fleet, "it was stopped")
    else:
        killed(fleet, "mark")
    if when == "and the next one, too":
        killed(fleet, "stage", "v3")
    assert fleet.releases(s3)["v2"] == "staged"
    back = fleet.back()
    assert (back.error, outputs(back)["liveRelease"], fleet.answers) == (None, "v1", ["v1", "v1"])


def test_a_rollback_during_whose_wait_a_run_was_killed_half_way_says_where_it_would_lead_now(shop):
    fleet = shop(2)
    for version in ("v0", "v1"):
        fleet.deploy(version, batches="100%")
    with pytest.raises(Overtaken, match=r"since this rollback was planned: it would lead to v1 now, and not to v0\."):
        fleet.run(mode="rollback", between=lambda _: killed(fleet, "mark"))


def test_what_a_killed_run_has_switched_on_an_instance_that_is_away_is_not_gone_past(shop):
    fleet = shop(2)
    for version in ("v0", "v1"):
        fleet.deploy(version, batches="100%")
    killed(fleet, "mark")
    fleet.embedded.instances.take_offline(fleet.ids[0])
    back = fleet.back(max_failures="1")
    assert outputs(back)["liveRelease"] == "v1"
    fleet.embedded.instances.bring_back(fleet.ids[0])
    assert fleet.answers[1] == "v1"


def test_what_was_begun_by_a_killed_run_is_taken_back_by_its_own_stage_and_no_more_than_that(shop, s3, monkeypatch):
    fleet = shop(1)
    monkeypatch.setenv("SYSTEM_STAGENAME", "production")
    for version in ("v0", "v1"):
        monkeypatch.setenv("BUILD_BUILDID", version)
        fleet.deploy(version)
    monkeypatch.setenv("BUILD_BUILDID", "v2")
    killed(fleet, "take_out")
    back = fleet.run(mode="takeBack").outcome
    assert (back.error, outputs(back)["liveRelease"], fleet.answers) == (None, "v1", ["v1"])
    assert fleet.releases(s3) == {"v0": "healthy", "v1": "healthy", "v2": "rolledBack"}


def test_a_second_try_of_a_rollback_that_passed_over_what_was_begun_leads_where_the_first_one_led(shop, s3):
    fleet = shop(2)
    service(fleet.builds, "v0").joinpath("scripts/start.sh").write_text(f"{STARTS_UNLESS_BROKEN}{START}")
    for version in ("v0", "v1"):
        fleet.deploy(version, batches="100%")
    killed(fleet, "stage")
    broken = Path(next(host.folder for host in fleet.hosts if host.id == fleet.ids[1]), "broken")
    broken.touch()
    assert outputs(fleet.back(batches="1"))["result"] == "failed"
    broken.unlink()

    again = fleet.back()

    assert (again.error, outputs(again)["liveRelease"], fleet.answers) == (None, "v0", ["v0", "v0"])


def test_a_rollback_beside_a_run_that_is_at_work_goes_no_further_than_that_run_has_gone(shop, s3):
    """Its release has come to nobody yet. It is not dead, and what it comes to is for the rollback to go back from."""
    fleet = shop(1)
    for version in ("v0", "v1"):
        fleet.deploy(version)
    staged, planned, stage = threading.Event(), threading.Event(), Doing.stage

    def waits(doing: Doing, targets: Sequence[Target]) -> None:
        stage(doing, targets)
        staged.set()
        assert planned.wait(60)

    def ended(_: object) -> None:
        planned.set()
        deploy.join()

    deploy = threading.Thread(target=lambda: fleet.deploy("v2", broken_on=fleet.ids[0]))
    with patch.object(Doing, "stage", waits):
        deploy.start()
        assert staged.wait(60)
        with pytest.raises(Overtaken, match="Nothing was changed"):
            fleet.run(mode="rollback", between=ended)
    assert (fleet.answers, fleet.releases(s3)) == (["v1"], {"v0": "healthy", "v1": "healthy", "v2": "rolledBack"})


def test_what_somebody_else_has_left_half_way_makes_the_release_of_another_build_nobodys_to_take_back(
    shop, monkeypatch
):
    fleet, cancellation = shop(2), Cancellation()
    monkeypatch.setenv("SYSTEM_STAGENAME", "production")
    for version in ("v0", "v1"):
        monkeypatch.setenv("BUILD_BUILDID", version)
        fleet.deploy(version, batches="100%")
    monkeypatch.setenv("BUILD_BUILDID", "v2")
    left_half_way(fleet, "it was stopped")
    monkeypatch.setenv("BUILD_BUILDID", "v1-again")
    with as_it_is_staged(lambda: cancellation.ask("by you")):
        ended = fleet.deploy("v1", cancellation=cancellation)
    assert outputs(ended)["result"] == "stopped"
    back = fleet.run(mode="takeBack").outcome
    assert (outputs(back), fleet.answers) == ({"result": "nothing"}, ["", "v1"])


@pytest.mark.parametrize("how", ["failed", "was killed"])
def test_what_was_taken_back_from_some_instances_alone_is_taken_back_by_the_next_try(shop, monkeypatch, how):
    """The stage is run again, and with it the job that takes back. Who is killed never comes to write down how it ended."""
    fleet = shop(2)
    monkeypatch.setenv("SYSTEM_STAGENAME", "production")
    monkeypatch.setenv("SYSTEM_STAGEATTEMPT", "1")
    for version in ("v1", "v2"):
        monkeypatch.setenv("BUILD_BUILDID", version)
        fleet.deploy(version, batches="100%")
    fleet.embedded.instances.take_offline(fleet.ids[1])
    with patch.object(_Performing, "_end", lambda *_: None) if how == "was killed" else nullcontext():
        fleet.run(mode="takeBack")
    fleet.embedded.instances.bring_back(fleet.ids[1])
    assert fleet.answers == ["v1", "v2"]

    monkeypatch.setenv("SYSTEM_STAGEATTEMPT", "2")
    back = fleet.run(mode="takeBack").outcome

    assert (back.error, outputs(back)["result"], fleet.answers) == (None, "healthy", ["v1", "v1"])


def test_a_build_that_deploys_the_live_release_of_another_again_and_changes_nothing_has_nothing_to_take_back(
    shop, monkeypatch
):
    fleet = shop(1)
    monkeypatch.setenv("SYSTEM_STAGENAME", "production")
    for version in ("v1", "v2"):
        monkeypatch.setenv("BUILD_BUILDID", version)
        fleet.deploy(version)
    cancellation = Cancellation()
    monkeypatch.setenv("BUILD_BUILDID", "v2-again")
    with as_it_is_staged(lambda: cancellation.ask("by you")):
        ended = fleet.deploy("v2", force="true", cancellation=cancellation)
    assert outputs(ended)["result"] == "stopped"
    back = fleet.run(mode="takeBack").outcome
    assert (outputs(back), fleet.answers) == ({"result": "nothing"}, ["v2"])
