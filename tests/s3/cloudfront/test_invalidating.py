"""Invalidations of the embedded CloudFront: made once, waited for, and found again by whoever comes after a run that died."""

from __future__ import annotations

import threading

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.aws.session import connect
from ropeway.errors import AwsError, Cancelled, NetworkError, RopewayError
from ropeway.outcome import Cancellation, Run
from ropeway.s3.cloudfront import invalidating
from ropeway.s3.cloudfront.distributions import read_distribution
from ropeway.s3.cloudfront.invalidating import Journalled, Terms, invalidate, note
from ropeway.s3.cloudfront.journal import read_journal
from ropeway.s3.cloudfront.planning import Stale, plan_invalidations, plan_owed
from tests.s3.cloudfront.conftest import GO_ON
from tests.s3.cloudfront.kit import distribution
from tests.tasks.conftest import Told


@pytest.fixture(autouse=True)
def soon(monkeypatch, settings):
    settings(invalidation=0.1)
    monkeypatch.setattr(invalidating, "PAUSES", (0.02, 0.05))


@pytest.fixture
def journal(engine, site):
    return Journalled(engine, site)


@pytest.fixture
def settings(embedded):
    before = dict(embedded.instances.settings())
    yield embedded.instances.settings
    embedded.instances.settings(**before)


def plan(aws, journal, bucket, keys, *edges, release="42"):
    distributions = [read_distribution(aws, edge.id) for edge in edges]
    left = read_journal(journal.engine, journal.site, GO_ON)
    return plan_invalidations(distributions, Stale(bucket, tuple(keys), release), left, 30)


def pending(journal):
    return {id: one.paths for id, one in read_journal(journal.engine, journal.site, GO_ON).pending.items()}


def test_it_is_noted_before_and_asked_for_and_completed_after(aws, journal, bucket, edge):
    made = plan(aws, journal, bucket, ["index.html"], edge)
    note(journal, made, GO_ON)
    assert (pending(journal), edge.invalidations) == ({edge.id: ("/", "/index.html")}, [])
    told = Told()
    done = invalidate(aws, journal, made, Terms(), Run(told))
    assert [(one.step.name, one.error) for one in done] == [
        (f"CloudFront {edge.id}: /", None),
        (f"CloudFront {edge.id}: /index.html", None),
    ]
    [one] = edge.invalidations
    assert (one["Status"], one["InvalidationBatch"]["Paths"]["Items"]) == ("Completed", ["/", "/index.html"])
    assert pending(journal) == {}
    assert told.notes == [f"Invalidates 2 paths of {edge.id}: {one['Id']}, InProgress."]


def test_nothing_to_invalidate_writes_and_asks_nothing(aws, journal, bucket, edge, s3):
    made = plan(aws, journal, bucket, [], edge)
    note(journal, made, GO_ON)
    assert invalidate(aws, journal, made, Terms(), Run()) == ()
    assert edge.invalidations == []
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_run_that_died_after_it_asked_is_followed_by_one_that_makes_no_second_invalidation(
    aws, journal, bucket, edge
):
    made = plan(aws, journal, bucket, ["a.html"], edge)
    note(journal, made, GO_ON)
    invalidate(aws, journal, made, Terms(wait=False, seconds=60), Run())
    note(journal, made, GO_ON)  # it died before it could say that it was done
    again = plan(aws, journal, bucket, [], edge, release="43")
    assert [one.error for one in invalidate(aws, journal, again, Terms(), Run())] == [None]
    assert len(edge.invalidations) == 1
    assert pending(journal) == {}


def test_a_run_that_died_before_it_asked_is_made_good_by_one_that_changes_nothing(aws, journal, bucket, edge):
    note(journal, plan(aws, journal, bucket, ["a.html"], edge), GO_ON)
    again = plan(aws, journal, bucket, [], edge, release="43")
    invalidate(aws, journal, again, Terms(), Run())
    assert edge.paths == [["/a.html"]]


def test_a_release_that_is_deployed_twice_is_invalidated_twice(aws, journal, bucket, edge):
    for _ in range(2):
        made = plan(aws, journal, bucket, ["a.html"], edge)
        note(journal, made, GO_ON)
        invalidate(aws, journal, made, Terms(), Run())
    assert edge.paths == [["/a.html"], ["/a.html"]]


def test_too_many_in_progress_are_waited_for(aws, journal, bucket, settings, edge):
    settings(invalidation=600)
    wildcards = {"Quantity": 15, "Items": [f"/{n}/*" for n in range(15)]}
    busy = {"Paths": wildcards, "CallerReference": "somebody else"}
    edge.cloudfront.create_invalidation(DistributionId=edge.id, InvalidationBatch=busy)
    made = plan(aws, journal, bucket, ["a~b"], edge)

    class Settling(Told):
        def note(self, message):
            super().note(message)
            settings(invalidation=0)

    told = Settling()
    assert [one.error for one in invalidate(aws, journal, made, Terms(), Run(told))] == [None]
    assert told.notes[0] == f"{edge.id} has too many invalidations in progress: waiting."
    assert ["/a*"] in edge.paths


class Beaten:
    """An engine that is beaten to its next write."""

    def __init__(self, engine, beat):
        self.engine, self.beats = engine, [beat]

    def __getattr__(self, name):
        return getattr(self.engine, name)

    def write(self, *args, **kwargs):
        while self.beats:
            self.beats.pop()()
        return self.engine.write(*args, **kwargs)


def test_two_runs_without_a_lock_that_are_done_at_once_are_both_done(aws, journal, bucket, client_of, edge):
    other = distribution(client_of("cloudfront"), bucket)
    made = plan(aws, journal, bucket, ["a.html"], edge, other)
    note(journal, made, GO_ON)
    ours, theirs = ([one for one in made if one.distribution == which.id] for which in (edge, other))
    beaten = Journalled(Beaten(journal.engine, lambda: invalidate(aws, journal, theirs, Terms(), Run())), journal.site)
    assert [one.error for one in invalidate(aws, beaten, ours, Terms(), Run())] == [None]
    assert pending(journal) == {}


def test_what_another_run_notes_meanwhile_stays(aws, journal, bucket, client_of, edge):
    other = distribution(client_of("cloudfront"), bucket)
    ours, theirs = (plan(aws, journal, bucket, ["a.html"], which) for which in (edge, other))
    beaten = Journalled(Beaten(journal.engine, lambda: note(journal, theirs, GO_ON)), journal.site)
    note(beaten, ours, GO_ON)
    assert pending(journal) == {edge.id: ("/a.html",), other.id: ("/a.html",)}


def test_one_that_takes_too_long_is_an_error_and_stays_to_be_done(aws, journal, bucket, settings, edge):
    settings(invalidation=600)
    made = plan(aws, journal, bucket, ["a.html"], edge)
    note(journal, made, GO_ON)
    [done] = invalidate(aws, journal, made, Terms(seconds=0.3), Run())
    assert str(done.error).startswith(
        f"CloudFront has not invalidated 1 path of the distribution {edge.id} within 0.3 s: "
    )
    assert "invalidationMinutes" in done.error.advice
    assert pending(journal) == {edge.id: ("/a.html",)}
    settings(invalidation=0)
    again = plan(aws, journal, bucket, [], edge)
    assert [one.error for one in invalidate(aws, journal, again, Terms(), Run())] == [None]
    assert len(edge.invalidations) == 1


def test_whoever_does_not_wait_is_done_when_it_is_accepted(aws, journal, bucket, settings, edge):
    settings(invalidation=600)
    made = plan(aws, journal, bucket, ["a.html"], edge)
    note(journal, made, GO_ON)
    assert [one.error for one in invalidate(aws, journal, made, Terms(wait=False), Run())] == [None]
    assert pending(journal) == {}


def test_a_stop_ends_the_waiting_and_leaves_it_to_be_done(aws, journal, bucket, settings, edge):
    settings(invalidation=600)
    made = plan(aws, journal, bucket, ["a.html"], edge)
    note(journal, made, GO_ON)
    cancellation = Cancellation()
    stop = threading.Timer(0.3, cancellation.ask, ["the agent said so"])
    stop.start()
    with pytest.raises(Cancelled, match="the agent said so"):
        invalidate(aws, journal, made, Terms(), Run(cancellation=cancellation))
    stop.join()
    assert pending(journal) == {edge.id: ("/a.html",)}


def test_one_distribution_that_is_refused_keeps_no_other_from_it(aws, journal, bucket, client_of, edge):
    gone = distribution(client_of("cloudfront"), bucket)
    made = plan(aws, journal, bucket, ["a.html"], gone, edge)
    note(journal, made, GO_ON)
    config = client_of("cloudfront").get_distribution(Id=gone.id)
    client_of("cloudfront").delete_distribution(Id=gone.id, IfMatch=config["ETag"])
    first, second = invalidate(aws, journal, made, Terms(), Run())
    assert isinstance(first.error, AwsError)
    assert f"Could not invalidate 1 path of the distribution {gone.id}: AWS answered NoSuchDistribution" in str(
        first.error
    )
    assert (second.error, edge.paths) == (None, [["/a.html"]])
    assert pending(journal) == {gone.id: ("/a.html",)}


def test_what_somebody_else_has_noted_meanwhile_stays(aws, journal, bucket, edge):
    made = plan(aws, journal, bucket, ["a.html"], edge)
    note(journal, made, GO_ON)
    note(journal, plan(aws, journal, bucket, ["b.html"], edge, release="43"), GO_ON)
    invalidate(aws, journal, made, Terms(), Run())
    assert pending(journal) == {edge.id: ("/a.html", "/b.html")}


def test_what_a_run_that_died_had_noted_since_this_one_was_planned_is_left_to_the_next(aws, journal, bucket, edge):
    """Without a lock two runs may plan at once."""
    ours = plan(aws, journal, bucket, ["b.html"], edge, release="43")
    note(journal, plan(aws, journal, bucket, ["a.html"], edge), GO_ON)
    note(journal, ours, GO_ON)
    invalidate(aws, journal, ours, Terms(), Run())
    invalidate(aws, journal, plan(aws, journal, bucket, [], edge), Terms(), Run())
    asked = {path for one in edge.invalidations for path in one["InvalidationBatch"]["Paths"]["Items"]}
    assert asked == {"/a.html", "/b.html"}
    assert pending(journal) == {}


def test_throttling_is_sat_out(aws, journal, bucket, settings, edge):
    made = plan(aws, journal, bucket, ["a.html"], edge)
    settings(throttled={"CreateInvalidation": 1})
    assert [one.error for one in invalidate(aws, journal, made, Terms(), Run())] == [None]
    assert len(edge.invalidations) == 1


def test_a_distribution_that_there_is_not_is_an_error_of_the_plan(aws):
    with pytest.raises(
        AwsError, match="Could not look at the distribution ENOSUCHONE: AWS answered NoSuchDistribution"
    ):
        read_distribution(aws, "ENOSUCHONE")


def test_an_aws_that_does_not_answer_is_raised(aws, journal, bucket, edge, embedded, monkeypatch):
    made = plan(aws, journal, bucket, ["a.html"], edge)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens: RFC 863 gave the port away
    silent = connect(AwsInputs(region_name=embedded.region), embedded.connection)
    with pytest.raises(NetworkError):
        invalidate(silent, journal, made, Terms(), Run())


def test_pages_that_are_kept_where_there_are_none_are_read_of_a_distribution(aws, bucket, client_of):
    made = distribution(client_of("cloudfront"), bucket, errors=(("/index.html", 300), ("/soon.html", 10)))
    assert read_distribution(aws, made.id).error_pages == ("/index.html",)


@pytest.mark.parametrize(("seconds", "kept"), [(10, False), (300, True)])
def test_how_long_it_is_kept_that_there_is_nothing_is_read_of_a_distribution(aws, bucket, client_of, seconds, kept):
    made = distribution(client_of("cloudfront"), bucket, errors=(("/oops.html", seconds),))
    assert read_distribution(aws, made.id).keeps_absence is kept


def test_an_origin_path_is_written_as_an_address_is(aws, journal, bucket, client_of):
    made = distribution(client_of("cloudfront"), bucket, path="/high%20season")
    assert [one.pending.paths for one in plan(aws, journal, bucket, ["high season/a.html"], made)] == [("/a.html",)]


def test_a_page_for_what_is_missing_is_written_as_an_address_is(aws, journal, bucket, client_of):
    made = distribution(client_of("cloudfront"), bucket, errors=(("/caf%C3%A9.html", 300),))
    assert [one.pending.paths for one in plan(aws, journal, bucket, ["café.html"], made)] == [("/*",)]


@pytest.mark.parametrize(("event", "rewrites"), [("origin-request", True), ("viewer-request", False)])
def test_code_that_asks_the_origin_for_something_else_is_read_of_a_distribution(
    aws, edge, monkeypatch, event, rewrites
):
    client = aws.client("cloudfront")
    told = client.get_distribution(Id=edge.id)
    function = {"LambdaFunctionARN": "arn:aws:lambda:us-east-1:111122223333:function:pretty:1", "EventType": event}
    behaviour = told["Distribution"]["DistributionConfig"]["DefaultCacheBehavior"]
    behaviour["LambdaFunctionAssociations"] = {"Quantity": 1, "Items": [function]}
    monkeypatch.setattr(client, "get_distribution", lambda **_: told)  # moto keeps no functions
    assert read_distribution(aws, edge.id).rewrites is rewrites


def test_what_is_owed_to_a_distribution_holds_up_nothing_where_aws_does_not_answer(
    aws, journal, bucket, edge, embedded, monkeypatch
):
    note(journal, plan(aws, journal, bucket, ["a.html"], edge), GO_ON)
    owed = plan_owed((), read_journal(journal.engine, journal.site, GO_ON))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    silent = connect(AwsInputs(region_name=embedded.region), embedded.connection)
    [done] = invalidate(silent, journal, owed, Terms(), Run())
    assert isinstance(done.error, NetworkError)
    assert f"or delete s3://{bucket}/.ropeway/sites/@root/cloudfront.json if" in done.error.advice
    assert pending(journal) == {edge.id: ("/a.html",)}


def test_what_is_named_is_done_before_what_is_owed(aws, journal, bucket, client_of, edge, settings):
    busy = distribution(client_of("cloudfront"), bucket)
    note(journal, plan(aws, journal, bucket, ["a~b"], busy), GO_ON)
    settings(invalidation=0.3)
    wildcards = {"Quantity": 15, "Items": [f"/{n}/*" for n in range(15)]}
    busy.cloudfront.create_invalidation(
        DistributionId=busy.id, InvalidationBatch={"Paths": wildcards, "CallerReference": "somebody else"}
    )
    left = read_journal(journal.engine, journal.site, GO_ON)
    planned = (*plan_owed({edge.id}, left), *plan(aws, journal, bucket, ["a.html"], edge))
    told = Told()
    assert [one.error for one in invalidate(aws, journal, planned, Terms(), Run(told))] == [None, None]
    assert told.notes[0].startswith(f"Invalidates 1 path of {edge.id}")
    assert (busy.paths[1:], pending(journal)) == ([["/a*"]], {})


def test_a_journal_that_is_none_stops_the_plan(aws, journal, bucket, edge, s3):
    s3.put_object(
        Bucket=bucket, Key=f"{journal.site.key}/cloudfront.json", Body=b'{"version": 1, "distributions": [1]}'
    )
    with pytest.raises(RopewayError, match="is nothing that Ropeway left there"):
        plan(aws, journal, bucket, ["a.html"], edge)
