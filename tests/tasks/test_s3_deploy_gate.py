"""S3Deploy once a release is live: read back, checked, taken back; and what a job `on: failure:` takes back."""

from __future__ import annotations

import pytest

from ropeway.errors import Cancelled, ChecksFailed, InputError, IntegrityError, LockHeld, NothingMatched, Overtaken
from ropeway.outcome import Cancellation, Run
from ropeway.s3.state.lock import lock_place, locked
from ropeway.s3.state.place import site_place
from tests.s3.boto_kit import each_engine, engine_at
from tests.servers.misbehaving import Answer, _forwarded, s3_error
from tests.tasks.sites import ONE, TWO, back, build, deploy, history, outputs, shown, suite

__all__ = ["back", "build", "deploy", "suite"]

KEPT = {**ONE, "app-B7yX3kLm.js": TWO["app-B7yX3kLm.js"]}
"""Release 41, with what pages of 42 may ask for that are open."""


# --- checks -----------------------------------------------------------------------------------------------------------------------


def test_a_release_that_passes_its_checks_is_healthy(deploy, suite, s3, bucket):
    ran = deploy("41", ONE, checks_file=suite("41"))
    assert ran.outcome.error is None
    assert [(result.check.name, result.verdict) for result in ran.outcome.checks] == [("home page", "pass")]
    assert (outputs(ran.outcome)["result"], history(s3, bucket)) == ("healthy", ("41", {"41": "healthy"}))


def test_a_release_that_fails_is_taken_back_and_the_one_before_is_checked(deploy, suite, s3, bucket):
    checks = suite("41")
    deploy("41", ONE, checks_file=checks)
    ran = deploy("42", TWO, checks_file=checks)
    assert isinstance(ran.outcome.error, ChecksFailed)
    assert ran.outcome.error.message == (
        "1 critical check did not pass: home page. Of home page: expected status 200, got status 503 (Service Unavailable). "
        "42 was taken back: release 41 is live again, and passes the checks."
    )
    assert ran.outcome.title == f"Release 42 was taken back from s3://{bucket}/docs: 41 is live again"
    assert [(one.check.name, one.verdict) for one in ran.outcome.checks] == [
        ("home page", "fail"),
        ("home page, after the rollback", "pass"),
    ]
    assert (outputs(ran.outcome)["result"], outputs(ran.outcome)["liveRelease"]) == ("rolledBack", "41")
    assert history(s3, bucket) == ("41", {"41": "healthy", "42": "rolledBack"})
    assert shown(s3, bucket) == KEPT


def test_a_fault_of_ours_in_a_check_takes_the_release_back_as_a_check_that_fails(
    deploy, suite, s3, bucket, monkeypatch
):
    deploy("41", ONE)
    monkeypatch.setattr("ropeway.checks.kinds.http.fetch", broken)
    ran = deploy("42", TWO, checks_file=suite())
    assert "The checks broke off (ZeroDivisionError: of ours), so that nobody knows" in str(ran.outcome.error)
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})
    assert shown(s3, bucket) == KEPT


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError("of ours")


def test_a_rollback_that_does_not_help_is_told_too(deploy, suite, s3, bucket):
    deploy("41", ONE)
    ran = deploy("42", TWO, checks_file=suite())
    assert "release 41 is live again, and is not seen to be well either: 1 critical check did not pass" in str(
        ran.outcome.error
    )
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})


def test_a_release_that_fails_stays_where_that_is_asked(deploy, suite, s3, bucket):
    deploy("41", ONE)
    ran = deploy("42", TWO, checks_file=suite(), on_failure="fail")
    assert str(ran.outcome.error).startswith("1 critical check did not pass: home page.")
    assert "Release 42 stays live, marked as failed (onFailure is fail)." in str(ran.outcome.error)
    assert history(s3, bucket) == ("42", {"41": "live", "42": "failed"})
    assert outputs(ran.outcome)["result"] == "failed"


def test_a_first_release_that_fails_has_nothing_to_go_back_to(deploy, suite, s3, bucket):
    ran = deploy("41", ONE, checks_file=suite())
    assert "There is no release before it to go back to: 41 stays live, marked as failed." in str(ran.outcome.error)
    assert (history(s3, bucket), shown(s3, bucket)) == (("41", {"41": "failed"}), ONE)


def test_a_release_that_failed_is_well_once_its_checks_pass(deploy, suite, s3, bucket):
    assert deploy("41", ONE, checks_file=suite()).outcome.error
    assert deploy("41", ONE, checks_file=suite("41")).outcome.error is None
    assert history(s3, bucket) == ("41", {"41": "healthy"})


def test_what_cannot_be_taken_back_is_told_with_what_failed(deploy, suite, s3, bucket):
    deploy("41", ONE)
    for one in s3.list_object_versions(Bucket=bucket, Prefix="docs/index.html")["Versions"]:
        lost = {"Key": one["Key"], "VersionId": one["VersionId"]}

    def lose(_):
        s3.delete_object(Bucket=bucket, **lost)

    checks = suite()
    ran = deploy("42", TWO, checks_file=checks, between=lose)
    assert (
        "42 was not taken back, and stays live, marked as failed: 1 object of the release cannot be brought back"
        in str(ran.outcome.error)
    )
    assert history(s3, bucket)[0] == "42"


def test_the_checks_are_asked_of_a_rollback_too(deploy, back, suite, s3, bucket):
    deploy("41", ONE)
    deploy("42", TWO)
    ran = back(checks_file=suite("41"))
    assert (ran.outcome.error, history(s3, bucket)) == (None, ("41", {"41": "healthy", "42": "rolledBack"}))
    ran = back(release_id="42", checks_file=suite())
    assert "Release 42 is live again, and is not well either: it is marked as failed." in str(ran.outcome.error)


# --- reading back ------------------------------------------------------------------------------------------------------------------


@each_engine
def test_what_reads_back_otherwise_is_taken_back(deploy, misbehaving, embedded, s3, bucket):
    deploy("41", ONE)
    misbehaving.upstream = embedded.endpoint_url

    def other(request):
        answer = _forwarded(embedded.endpoint_url, request)
        return Answer(answer.status, answer.headers, bytes(reversed(answer.body))) if b"two" in answer.body else answer

    misbehaving.on(other, method="GET", target="docs/index.html")
    ran = deploy("42", TWO, endpoint_url=misbehaving.url)
    assert isinstance(ran.outcome.error, IntegrityError)
    assert "1 object of 2 read back not as released" in str(ran.outcome.error)
    assert "42 was taken back: release 41 is live again." in str(ran.outcome.error)
    assert shown(s3, bucket) == KEPT


@pytest.mark.parametrize(("verify", "read"), [("sample", 2), ("all", 3), ("none", 0)])
def test_so_much_is_read_back(deploy, misbehaving, embedded, verify, read):
    misbehaving.upstream = embedded.endpoint_url
    deploy("41", ONE)
    deploy("42", TWO, endpoint_url=misbehaving.url, verify=verify)
    signed = [one for one in misbehaving.requests if "authorization" in {name.lower() for name in one.headers}]
    gets = [one for one in signed if one.method == "GET" and "/docs/" in one.target and ".ropeway" not in one.target]
    assert len(gets) == read


@pytest.mark.parametrize("asked", ["", "STANDARD_IA"])
def test_what_a_lifecycle_rule_has_moved_to_another_class_reads_back_well(deploy, misbehaving, embedded, asked):
    settings = f"site: {{headers: {{about.html: {{storageClass: {asked}}}}}}}" if asked else ""
    deploy("41", ONE, settings=settings)
    misbehaving.upstream = embedded.endpoint_url

    def moved(request):
        answer = _forwarded(embedded.endpoint_url, request)
        return Answer(answer.status, {**dict(answer.headers), "x-amz-storage-class": "GLACIER_IR"}, answer.body)

    misbehaving.on(moved, method="HEAD", target="docs/about.html")
    ran = deploy("42", TWO, settings=settings, endpoint_url=misbehaving.url, verify="all")
    assert ran.outcome.error is None


# --- who was stopped ---------------------------------------------------------------------------------------------------------------


def test_who_is_stopped_while_it_waits_for_the_lock_changes_nothing(deploy, misbehaving, embedded, s3, bucket):
    deploy("41", ONE)
    place, stop = lock_place(site_place(f"s3://{bucket}", "docs")), Cancellation()

    def stopping(request):
        stop.ask("the job was cancelled")
        return _forwarded(embedded.endpoint_url, request)

    misbehaving.upstream = embedded.endpoint_url
    misbehaving.on(stopping, method="GET", target="lock.json", skip=3)
    with (
        engine_at(embedded) as engine,
        locked(engine, place, "build 7", "release 40", Run()),
        pytest.raises(Cancelled) as stopped,
    ):
        deploy("42", TWO, cancellation=stop, endpoint_url=misbehaving.url)
    assert str(stopped.value) == "Stopped: the job was cancelled. It had not got the lock: nothing was changed."
    assert (history(s3, bucket), shown(s3, bucket)) == (("41", {"41": "live"}), ONE)


def test_who_waits_says_for_whom_and_fails_at_last(deploy, embedded, bucket, monkeypatch):
    monkeypatch.setattr("ropeway.s3.site.holding.MINUTE", 0.05)
    place = lock_place(site_place(f"s3://{bucket}", "docs"))
    with (
        engine_at(embedded) as engine,
        locked(engine, place, "build 7", "release 40", Run()),
        pytest.raises(LockHeld, match=r"is not free after 0\.1 s: build 7 holds it .*Nothing was changed\."),
    ):
        deploy("42", TWO, lock_wait_minutes="2")


def test_who_is_stopped_amid_deletes_leaves_the_release_before_live_and_the_next_run_ends_it(
    deploy, misbehaving, embedded, s3, bucket
):
    old = {**ONE, **{f"old/{n}.html": b"old" for n in range(5)}}
    deploy("41", old)
    misbehaving.upstream, stop = embedded.endpoint_url, Cancellation()

    def stopping(request):
        stop.ask("the job was cancelled")
        return _forwarded(embedded.endpoint_url, request)

    misbehaving.on(stopping, method="POST", target="delete")
    ran = deploy("42", TWO, endpoint_url=misbehaving.url, cancellation=stop)
    assert isinstance(ran.outcome.error, Cancelled)
    assert "release 41 is still the live one by the list. Deploy again, or roll back" in str(ran.outcome.error)
    assert history(s3, bucket) == ("41", {"41": "live", "42": "failed"})
    assert deploy("42", TWO).outcome.error is None
    assert shown(s3, bucket) == {**TWO, "app-C4Zk2xQ9.js": b"one()"}


def test_who_is_stopped_while_checks_are_asked_leaves_the_release_live_and_says_so(
    deploy, misbehaving, tmp_path, s3, bucket
):
    deploy("41", ONE)
    stop = Cancellation()
    misbehaving.on(lambda _: stop.ask("the job was cancelled") or Answer(503))
    checks = tmp_path / "never.yml"
    checks.write_text(f"checks: {{never: {{http: {{url: '{misbehaving.url}', status: 200}}}}}}")
    ran = deploy("42", TWO, checks_file=str(checks), cancellation=stop)
    assert isinstance(ran.outcome.error, Cancelled)
    assert "Release 42 is live, and it was not seen to the end whether it is well." in str(ran.outcome.error)
    assert history(s3, bucket) == ("42", {"41": "live", "42": "live"})


def test_an_object_that_is_denied_keeps_the_release_before_live(deploy, misbehaving, embedded, s3, bucket):
    deploy("41", ONE)
    misbehaving.upstream = embedded.endpoint_url
    misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target="docs/index.html", times=1)
    ran = deploy("42", TWO, endpoint_url=misbehaving.url)
    assert f"s3://{bucket}/docs/index.html" in str(ran.outcome.error)
    assert shown(s3, bucket)["index.html"] == ONE["index.html"]
    assert history(s3, bucket) == ("41", {"41": "live", "42": "failed"})
    assert deploy("42", TWO).outcome.error is None


# --- two at a time -----------------------------------------------------------------------------------------------------------------


def test_what_was_planned_before_somebody_else_deployed_is_planned_anew(deploy, s3, bucket):
    deploy("41", ONE)
    three = {"index.html": b"three"}
    ran = deploy("43", TWO, between=lambda _: deploy("42", three, max_delete="0", protected="about.html"))
    assert ran.outcome.error is None
    assert any("is planned anew" in note for note in ran.told.notes)
    assert outputs(ran.outcome)["previousRelease"] == "42"
    assert shown(s3, bucket)["index.html"] == TWO["index.html"]


@pytest.mark.parametrize("named", ["", "41"])
def test_a_rollback_that_waited_while_a_colleague_went_back_goes_no_further_than_was_shown(
    deploy, back, s3, bucket, named
):
    for release, files in (("40", {"index.html": b"forty"}), ("41", ONE), ("42", TWO)):
        deploy(release, files)
    with pytest.raises(
        Overtaken, match=r"rolled back since this rollback was planned: 41 is there, and not 42\. Nothing was changed"
    ):
        back(release_id=named, between=lambda _: back())
    assert history(s3, bucket)[0] == "41"
    assert shown(s3, bucket)["index.html"] == ONE["index.html"]


def test_a_rollback_that_waited_for_who_changed_nothing_goes_where_was_shown(deploy, back, s3, bucket):
    deploy("41", ONE)
    deploy("42", TWO)
    same = {"index.html": TWO["index.html"], **TWO}
    ran = back(between=lambda _: deploy("42", same))
    assert ran.outcome.error is None
    assert history(s3, bucket)[0] == "41"


def test_an_older_build_does_not_overtake_a_newer_one_that_came_first(deploy, build, s3, bucket):
    def newer(_):
        build("43")
        assert deploy("43", TWO).outcome.error is None

    build("42")
    with pytest.raises(InputError, match="Build 42 is older than 43, which is live"):
        deploy("42", ONE, between=newer)
    assert shown(s3, bucket)["index.html"] == TWO["index.html"]
    assert deploy("42", ONE, allow_older="true").outcome.error is None


# --- what a stage takes back ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def take_back(back):
    return lambda **given: back(mode="takeBack", **given)


def test_a_stage_takes_back_what_it_released(deploy, build, take_back, s3, bucket):
    build("41")
    deploy("", ONE)
    build("42")
    deploy("", TWO)
    ran = take_back()
    assert outputs(ran.outcome)["liveRelease"] == "41"
    assert (history(s3, bucket), shown(s3, bucket)) == (("41", {"41": "live", "42": "rolledBack"}), KEPT)
    again = take_back()
    assert (again.outcome.error, outputs(again.outcome)) == (None, {"result": "nothing"})
    assert again.outcome.title == f"Release 42 is taken back already from s3://{bucket}/docs/"


def test_a_stage_that_released_nothing_takes_nothing_back(deploy, build, take_back, s3, bucket):
    build("41")
    deploy("", ONE)
    for number, stage in (("42", "Production"), ("41", "Staging")):
        build(number, stage)
        ran = take_back()
        assert "this build and stage has released nothing" in ran.outcome.title
    assert history(s3, bucket) == ("41", {"41": "live"})


def test_a_stage_takes_nothing_back_from_a_colleague(deploy, build, take_back, s3, bucket):
    for number in ("41", "42", "43"):
        build(number)
        deploy("", {"index.html": number.encode()})
    build("42")
    with pytest.raises(
        Overtaken, match=r"Release 43 is live, and not 42, which was to be taken back\. Nothing was changed"
    ):
        take_back()
    assert (history(s3, bucket)[0], shown(s3, bucket)["index.html"]) == ("43", b"43")


def test_a_stage_whose_deploy_ended_half_way_finishes_the_way_back(
    deploy, build, take_back, misbehaving, embedded, s3, bucket
):
    build("41")
    deploy("", ONE)
    build("42")
    misbehaving.upstream = embedded.endpoint_url
    misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target="docs/new.html")
    assert deploy("", {**TWO, "new.html": b"new"}, endpoint_url=misbehaving.url).outcome.error
    assert take_back().outcome.error is None
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})
    assert {key: body for key, body in shown(s3, bucket).items() if key in ONE} == ONE


def test_a_first_release_cannot_be_taken_back(deploy, build, take_back, s3, bucket):
    build("41")
    deploy("", ONE)
    with pytest.raises(NothingMatched, match="There is no release before 41 to go back to"):
        take_back()
    assert shown(s3, bucket) == ONE


def test_without_a_build_nothing_is_taken_back(take_back):
    with pytest.raises(InputError, match=r"mode is takeBack, .*: there is no build here"):
        take_back()


# --- checks that may fail ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("second", "result"), [("false", "live"), ("true", "healthy")])
def test_a_suite_of_which_nothing_passes_calls_no_release_healthy(deploy, s3, bucket, tmp_path, second, result):
    """Port 9 of this machine is closed: one check says so, one says that it is open."""
    path = tmp_path / "ropeway-checks.yml"
    closed = f"{{severity: {'critical' if second == 'true' else 'warning'}, tcp: {{address: '127.0.0.1:9', open: {'false' if second == 'true' else 'true'}}}}}"
    open_one = "{severity: warning, tcp: {address: '127.0.0.1:9', open: true}}"
    path.write_text(f"within: 60s\ndefaults: {{failures: 0}}\nchecks:\n  one: {open_one}\n  other: {closed}\n")
    ran = deploy("41", ONE, checks_file=str(path))
    assert (ran.outcome.error, outputs(ran.outcome)["result"], history(s3, bucket)[1]) == (None, result, {"41": result})
    assert any("did not pass" in words for words in ran.outcome.warnings)
