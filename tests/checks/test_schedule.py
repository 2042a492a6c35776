"""Waiting, by a clock that is handed in: what turns green when, what ends red and why."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ropeway.checked import PlannedCheck
from ropeway.checks.cases import Case, Pace, Terms
from ropeway.checks.course import OVERDUE
from ropeway.checks.kinds.tcp import KIND
from ropeway.checks.runner import run_schedule
from ropeway.outcome import Run
from tests.checks.histories import Put, Scripted, Service, Told, play, service

# --- a table of histories ----------------------------------------------------------------------------------------------------

HISTORIES = [
    # what happens; services; terms; result; verdicts; when it ends
    ("up at once", [service("P")], {}, "passed", ["pass"], 0),
    ("up after a while", [service("F12 P")], {}, "passed", ["pass"], 12.5),
    ("down for good", [service("F")], {}, "failed", ["fail"], 300),
    ("up as its time is over", [service("F300 P")], {}, "passed", ["pass"], 300),
    ("up when its time has been over for a moment", [service("F301 P")], {}, "failed", ["fail"], 300),
    ("up before its time is over, but not asked again until then", [service("F250 P")], {}, "passed", ["pass"], 275.938),
    ("less patience", [service("F20 P", within=10)], {}, "failed", ["fail"], 10),
    ("a delay of the run", [service("F10 P")], {"delay": 10}, "passed", ["pass"], 10),
    ("a delay of the check", [service("F10 P", delay=10)], {}, "passed", ["pass"], 10),
    ("both delays", [service("F30 P", delay=10)], {"delay": 20}, "passed", ["pass"], 30),
    ("patience begins after the delay", [service("F15 P", delay=10, within=10)], {}, "passed", ["pass"], 15),
    ("the run has less patience than the check", [service("F")], {"within": 60}, "failed", ["fail"], 60),
    ("no back-off", [service("F12 P", back_off=1)], {}, "passed", ["pass"], 15),
    ("a back-off that does not grow for ever", [service("F60 P", at_most=6)], {}, "passed", ["pass"], 65),
    ("an error at first", [service("E6 P")], {}, "passed", ["pass"], 12.5),
    ("errors for good", [service("E")], {}, "failed", ["error"], 40.625),
    ("more errors are borne", [service("E60 P", errors=9)], {}, "passed", ["pass"], 65.938),
    ("no error is borne", [service("E1 P", errors=0)], {}, "failed", ["error"], 0),
    ("a name that DNS does not know yet", [service("N240 P")], {}, "passed", ["pass"], 245.938),
    ("a name that DNS never knows", [service("N")], {}, "failed", ["error"], 300),
    ("a name that is not known yet, and then errors for good", [service("N60 E", back_off=1)], {}, "failed", ["error"], 80),
    ("a name that is not known yet, where no error is borne", [service("N1 P", errors=0)], {}, "failed", ["error"], 0),
    ("a name that is not known yet is no fail", [service("N60 P", failures=0, back_off=1)], {}, "passed", ["pass"], 60),
    ("errors that a fail interrupts", [service("E8 F5 E8 P", errors=2, back_off=1)], {}, "passed", ["pass"], 25),
    ("an error as its time is over", [service("F6 E", within=10, errors=9)], {}, "failed", ["error"], 10),
    ("one fail is borne", [service("F4 P", failures=1)], {}, "passed", ["pass"], 5),
    ("one fail is borne, but not two", [service("F6 P", failures=1)], {}, "failed", ["fail"], 5),
    ("no fail is borne", [service("F1 P", failures=0)], {}, "failed", ["fail"], 0),
    ("errors are no fails", [service("E6 P", failures=0)], {}, "passed", ["pass"], 12.5),
    ("three in a row", [service("P", successes=3)], {}, "passed", ["pass"], 10),
    ("three in a row, with a fail between", [service("P6 F1 P", successes=3, every=2)], {"steady": 0}, "passed", ["pass"], 4),
    ("three in a row, begun anew", [service("P3 F2 P", successes=3, every=2)], {}, "passed", ["pass"], 10),
    ("two in a row that never come", [service("P5 F5 *", successes=2)], {"within": 60}, "failed", ["fail"], 60),
    ("a steady window", [service("P")], {"steady": 10}, "passed", ["pass"], 10),
    ("a window that is broken once", [service("P4 F1 P")], {"steady": 10}, "passed", ["pass"], 19),
    ("a window with an error in it", [service("P4 E1 P")], {"steady": 10}, "passed", ["pass"], 19),
    ("up 2 s, down 1 s", [service("P2 F1 *")], {"steady": 10, "within": 120}, "failed", ["fail"], 120),
    ("up 2 s, down 1 s, asked once each", [service("P2 F1 *")], {}, "passed", ["pass"], 0),
    ("green together", [service("P"), service("F7 P")], {"steady": 10}, "passed", ["pass", "pass"], 22.5),
    ("green by turns", [service("P9 F9 *"), service("F9 P9 *")], {"steady": 5, "within": 90}, "failed", ["fail", "fail"], 90),
    ("one flaps, the others do not", [service("P"), service("P2 F1 *")], {"steady": 10, "within": 90}, "failed", ["pass", "fail"], 90),
    ("the window is not over when the run is", [service("F52 P", back_off=1)], {"steady": 10, "within": 60}, "failed", ["fail"], 60),
    ("the window is over just when the run is", [service("F50 P", back_off=1)], {"steady": 10, "within": 60}, "passed", ["pass"], 60),
    ("green, lost, and not found again", [service("P7 F", within=30)], {"steady": 20}, "failed", ["fail"], 37),
    ("watched, and well", [service("P")], {"soak": 60}, "passed", ["pass"], 60),
    ("watched, and down for a moment", [service("P31 F6 P")], {"soak": 60}, "failed", ["fail"], 35),
    ("watched, and down for longer than is borne", [service("P31 F11 P", soak_failures=1)], {"soak": 60}, "failed", ["fail"], 40),
    ("watched, and one fail is borne", [service("P31 F5 P", soak_failures=1)], {"soak": 60}, "passed", ["pass"], 60),
    ("watched, and an error is no fail", [service("P31 E6 P")], {"soak": 60}, "passed", ["pass"], 60),
    ("watched, and errors for good", [service("P31 E")], {"soak": 60}, "failed", ["error"], 55),
    ("watched, and its name is gone for good", [service("P31 N")], {"soak": 60}, "failed", ["error"], 55),
    ("watched, and down at the very end", [service("P59 F2 P", soak_failures=1)], {"soak": 60}, "passed", ["pass"], 65),
    ("watched, and one fail is borne, at the very end", [service("P61 F5 P", soak_failures=1, successes=2)], {"soak": 60}, "passed", ["pass"], 75),
    ("watched after a window", [service("F5 P")], {"steady": 10, "soak": 30}, "passed", ["pass"], 45),
    ("watched beyond the time of the run", [service("P")], {"within": 10, "soak": 60}, "passed", ["pass"], 60),
    ("a warning", [service("P"), service("F", severity="warning", within=20)], {}, "warnings", ["pass", "fail"], 20),
    ("a warning is no reason to stop watching", [service("P"), service("F", severity="warning", within=20)], {"soak": 30}, "warnings", ["pass", "fail"], 50),
    ("a warning that flaps", [service("P"), service("P2 F1 *", severity="warning")], {"steady": 10, "within": 60}, "warnings", ["pass", "fail"], 60),
    ("an error that warns", [service("P"), service("E", severity="warning", errors=0)], {}, "warnings", ["pass", "error"], 0),
    ("for information", [service("P"), service("F", severity="info")], {}, "passed", ["pass", "fail"], 0),
    ("for information, and nothing else", [service("F", severity="info")], {}, "passed", ["fail"], 0),
    ("for information, and nothing else, after a delay", [service("F", severity="info")], {"delay": 10}, "passed", ["fail"], 10),
    ("for information: no window waits for it", [service("P"), service("P2 F1 *", severity="info")], {"steady": 10}, "passed", ["pass", "pass"], 10),
    ("one fails, one would need more time", [service("F", failures=0), service("F60 P")], {}, "failed", ["fail", "fail"], 0),
    ("required, and up", [service("F7 P", "db"), service("P", "app", requires=("db",))], {}, "passed", ["pass", "pass"], 12.5),
    ("required, and down", [service("F", "db", within=10), service("P", "app", requires=("db",))], {}, "failed", ["fail", "skipped"], 10),
    ("what warns is required by what matters", [service("F", "db", within=10, severity="warning"), service("P", "app", requires=("db",))], {}, "failed", ["fail", "skipped"], 10),
    ("a chain that breaks", [service("P", "c", requires=("b",)), service("P", "b", requires=("a",)), service("F", "a", failures=0)], {}, "failed", ["skipped", "skipped", "fail"], 0),
    ("the run is over before what is required", [service("F", "a", failures=0), service("F9 P", "b"), service("P", "c", requires=("b",))], {}, "failed", ["fail", "fail", "skipped"], 0),
    ("green whose answers take time, and one that stays down", [service("P", takes=0.5), service("F")], {"within": 4}, "failed", ["pass", "fail"], 4),
    ("an answer takes time", [service("P", takes=3)], {}, "passed", ["pass"], 3),
    ("an answer takes too much of it", [service("P", takes=30, timeout=5, errors=1)], {}, "failed", ["error"], 15),
]  # fmt: skip


@pytest.mark.parametrize(
    ("services", "terms", "result", "verdicts", "ended"), [pytest.param(*row[1:], id=row[0]) for row in HISTORIES]
)
def test_a_history_comes_to_its_end(services, terms, result, verdicts, ended):
    told = play(services, **terms)

    assert (told.checked.result, told.verdicts(), round(told.ended, 3)) == (result, verdicts, ended)


def test_there_are_histories_enough():
    assert len(HISTORIES) >= 40
    assert len({row[0] for row in HISTORIES}) == len(HISTORIES)


# --- what is said of it ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "terms", "why"),
    [
        ([service("P")], {}, "It is green."),
        ([service("F", within=90)], {}, "It was not green within 1m30s."),
        ([service("F")], {"within": 60}, "It was not green when the time of the whole run, 1m, was over."),
        ([service("F", failures=2)], {}, "It failed 3 times; 2 are borne."),
        ([service("E")], {}, "It could not be asked 5 times in a row."),
        ([service("N")], {}, "It was not green within 5m."),
        ([service("P3 F")], {"soak": 60}, "It failed while it was watched after the deploy; none is borne."),
        ([service("P3 F", soak_failures=1)], {"soak": 60}, "It failed 2 times while it was watched after the deploy; one is borne."),
        ([service("F52 P", back_off=1)], {"steady": 10, "within": 60}, "It was green, but not for 10s together with the others, when the time of the whole run, 1m, was over."),
    ],
)  # fmt: skip
def test_how_it_ended_is_said(services, terms, why):
    assert play(services, **terms).why() == why


def test_what_was_not_asked_says_why():
    told = play([service("F", "db", within=10), service("P", "app", requires=("db",))])
    assert told.why(1) == "Not asked: it requires db, which did not pass."
    told = play([service("F", "a", failures=0), service("F9 P", "b"), service("P", "c", requires=("b",))])
    assert told.why(1) == "It was not green when the run was over."
    assert told.why(2) == "Not asked: the run was over before what it requires had passed."


def test_the_last_three_attempts_are_kept_and_all_are_counted():
    [result] = play([service("F30 P", back_off=1, at_most=5)]).checked.results

    assert result.asked == 7
    assert [(attempt.at, attempt.finding.verdict) for attempt in result.attempts] == [
        (20, "fail"),
        (25, "fail"),
        (30, "pass"),
    ]


def test_a_run_that_has_failed_asks_what_was_not_asked_yet_and_waits_for_nothing():
    down = service("F", failures=0, takes=1)
    told = play([down, *[service("F60 P", takes=1) for _ in range(4)]], parallel=2)

    assert told.verdicts() == ["fail"] * 5
    assert told.ended == 3
    assert [len(told.times(at)) for at in range(5)] == [1] * 5


# --- when it is asked -------------------------------------------------------------------------------------------------------------


def test_the_pauses_grow_and_once_more_is_asked_as_the_time_is_over():
    assert play([service("F", within=100)]).times() == [0, 5, 12.5, 23.75, 40.625, 65.938, 95.938, 100]


def test_a_window_is_looked_through_twenty_times_and_at_its_end():
    assert play([service("P", every=60)], steady=10).times() == [at / 2 for at in range(21)]
    assert len(play([service("P", every=60)], steady=600).times()) == 21


def test_what_runs_something_of_the_users_is_not_run_more_often_in_a_window():
    assert play([service("P", gently=True, every=4)], steady=10).times() == [0, 4, 8, 10]


def test_jitter_spreads_the_pauses_by_its_share_and_no_more():
    case = Case(PlannedCheck("a", "tcp", "", "critical", "is up"), Pace(jitter=0.1, back_off=1), KIND, None)
    askers = Scripted(["F"], [0.0])
    run_schedule([case], Terms(), askers, Run(), random.Random(7))

    pauses = [later.put - earlier.put for earlier, later in zip(askers.asked, askers.asked[1:], strict=False)][:-1]
    assert all(4.5 <= pause <= 5.5 for pause in pauses)
    assert len({round(pause, 6) for pause in pauses}) == len(pauses)


def test_an_attempt_gets_no_more_time_than_is_left():
    timeouts = []

    class Noting(Scripted):
        def ask(self, at: int, case: Case, timeout: float) -> None:
            timeouts.append(timeout)
            super().ask(at, case, timeout)

    case = Case(
        PlannedCheck("a", "tcp", "", "critical", "is up"), Pace(jitter=0, every=6, back_off=1, within=15), KIND, None
    )
    run_schedule([case], Terms(), Noting(["F"], [0.0]), Run())
    assert timeouts == [10, 9, 3, 1]


def test_a_question_that_hangs_in_the_system_ends_its_check_and_keeps_no_other_waiting():
    class Hanging(Scripted):
        def ask(self, at: int, case: Case, timeout: float) -> None:
            if at == 0:
                self.asked.append(Put(0, self.clock, float("inf"), "error"))
            else:
                super().ask(at, case, timeout)

    cases = [Case(PlannedCheck(name, "tcp", "", "warning", "is up"), Pace(jitter=0), KIND, None) for name in "ab"]
    checked = run_schedule(cases, Terms(parallel=1), askers := Hanging(["P", "P"], [0.0, 0.0]), Run())

    assert [result.verdict for result in checked.results] == ["error", "pass"]
    assert checked.results[0].why == "The question was not back 15s after it was asked."
    assert askers.clock == 10 + OVERDUE


@pytest.mark.parametrize("every", [0.5, 1.0, 1.5, 3.0, 6.0, 30.0])
@pytest.mark.parametrize("takes", [0.0, 0.2, 0.7])
def test_what_is_up_for_two_seconds_and_down_for_one_never_passes_a_window_of_ten(every, takes):
    """Whatever the rhythm that it is asked in, and whenever that begins."""
    for delay in range(12):
        told = play([service("P2 F1 *", every=every, takes=takes)], steady=10, within=90, delay=delay / 4)
        assert told.checked.result == "failed", delay


# --- many ---------------------------------------------------------------------------------------------------------------------------


def many(checks: int, targets: int) -> list[Service]:
    """Checks over targets, each check requiring an earlier one, of different lengths."""
    lots = random.Random(5)
    services = []
    for at in range(checks):
        requires = (f"c{lots.randrange(at)}",) if at and lots.random() < 0.7 else ()
        share = targets // checks + (at < targets % checks)
        services += [
            service("P", f"c{at}", requires=requires, takes=lots.choice([0.25, 0.5, 1.0, 2.0])) for _ in range(share)
        ]
    return services


def critical_path(services: Sequence[Service]) -> float:
    """When the last one is done, if nobody ever waits for a free asker."""
    done: dict[str, float] = {}
    for one in services:  # what is required stands before
        begun = max((done[name] for name in one.requires), default=0.0)
        done[one.name] = max(done.get(one.name, 0.0), begun + one.takes)
    return max(done.values())


def test_sixty_checks_over_two_hundred_targets_take_as_long_as_their_critical_path():
    services = many(60, 200)
    assert (len({one.name for one in services}), len(services)) == (60, 200)

    told = play(services, parallel=200)

    assert told.checked.result == "passed"
    assert told.ended == critical_path(services) > 4


def test_with_few_askers_nobody_is_idle_while_something_is_due():
    services = [service("P", takes=1.0) for _ in range(200)]

    told = play(services, parallel=10)

    assert (told.ended, told.most) == (20.0, 10)


# --- any history at all -----------------------------------------------------------------------------------------------------------------

seconds = st.sampled_from([0.5, 1, 2, 3, 5, 8, 13, 21])
parts = st.lists(st.tuples(st.sampled_from("PPPFE"), seconds), min_size=0, max_size=6)
scripts = st.builds(
    lambda parts, last: " ".join([*(f"{state}{length:g}" for state, length in parts), last]),
    parts,
    st.sampled_from(["P", "F", "P1 F1 *"]),
)
paces = st.fixed_dictionaries(
    {
        "every": st.sampled_from([1.0, 2.5, 5.0]),
        "successes": st.integers(1, 3),
        "failures": st.sampled_from([None, 0, 3, 10]),
        "errors": st.integers(0, 6),
        "within": st.sampled_from([10.0, 40.0, 200.0]),
        "soak_failures": st.integers(0, 2),
        "gently": st.booleans(),
    }
)
severities = st.sampled_from(["critical", "critical", "warning"])
services = st.builds(
    lambda script, severity, takes, pace: service(script, severity=severity, takes=takes, **pace),
    scripts, severities, st.sampled_from([0.0, 0.3, 1.7]), paces,
)  # fmt: skip
runs = st.fixed_dictionaries(
    {
        "steady": st.sampled_from([0.0, 2.0, 7.0, 20.0]),
        "soak": st.sampled_from([0.0, 6.0, 30.0]),
        "within": st.sampled_from([15.0, 60.0, 150.0]),
        "delay": st.sampled_from([0.0, 4.0]),
        "parallel": st.integers(1, 5),
    }
)


def green_since(puts: Sequence[Put], successes: int) -> float | None:
    """When the answers made it green, as far as they go; None when they did not."""
    row = []
    for put in puts:
        row = [*row, put] if put.verdict == "pass" else []
    return row[successes - 1].answered if len(row) >= successes else None


def window_is_met(told: Told, chosen: Sequence[int], services: Sequence[Service], steady: float, answers: int) -> bool:
    """By the definition, from nothing but the first answers: all green, and each seen so once more after `steady`."""
    answered = [[put for put in told.answered[:answers] if put.at == at] for at in chosen]
    greens = [green_since(puts, services[at].pace["successes"]) for at, puts in zip(chosen, answered, strict=True)]
    if any(green is None for green in greens):
        return False
    return steady == 0 or all(puts[-1].put >= max(greens) + steady for puts in answered)  # type: ignore[type-var]


def first_met(told: Told, chosen: Sequence[int], services: Sequence[Service], steady: float) -> int | None:
    """After how many answers the window is met; None when it never is."""
    counts = range(1, len(told.answered) + 1)
    return next((count for count in counts if window_is_met(told, chosen, services, steady, count)), None)


@given(st.lists(services, min_size=1, max_size=4), runs)
@example(
    [service("P2 F1 *", every=3.0, successes=1)],
    {"steady": 20.0, "soak": 0.0, "within": 150.0, "delay": 0.0, "parallel": 1},
)
def test_green_is_what_had_its_window_and_red_what_had_none(services, terms):
    told = play(services, **terms)
    results = told.checked.results
    critical = [at for at, one in enumerate(services) if one.severity == "critical"]
    passed = {at for at, result in enumerate(results) if result.verdict == "pass"}

    if told.checked.result == "passed":
        assert passed == set(range(len(services)))
    if told.checked.result != "failed":
        assert set(critical) <= passed
        assert not critical or first_met(told, critical, services, terms["steady"])
    elif not terms["soak"]:
        # Had an answer before the last one met the window of all, it would have ended the run there, and not red.
        met = first_met(told, range(len(services)), services, terms["steady"])
        assert met is None or told.answered[met - 1].answered == told.ended


@given(st.lists(services, min_size=1, max_size=4), runs)
def test_whatever_happens_a_run_keeps_its_time_and_its_limit(services, terms):
    told = play(services, **terms)

    slowest = sum(max(one.takes, 1.0) for one in services) + 10
    soaked = terms["soak"] + 210 if terms["soak"] else 0
    assert told.ended <= terms["delay"] + terms["within"] + slowest + soaked
    assert told.most <= terms["parallel"]
    assert min((put.put for put in told.asked), default=terms["delay"]) >= terms["delay"]


@given(
    st.lists(st.tuples(st.sampled_from("PFE"), seconds), max_size=5),
    st.sampled_from([0.0, 2.0, 7.0]),
    st.integers(1, 3),
)
def test_what_is_up_for_good_in_time_passes(before, steady, successes):
    script = " ".join([*(f"{state}{length:g}" for state, length in before), "P"])
    up = sum(length for _, length in before)

    told = play(
        [service(script, successes=successes, errors=1000, every=1.0, at_most=3.0, within=up + 20)],
        steady=steady,
        within=up + 40,
    )

    assert told.checked.result == "passed"
    assert told.ended <= up + 3.0 + successes + steady + 1


@given(st.lists(services, min_size=1, max_size=3), st.sampled_from([6.0, 30.0]))
def test_what_passes_a_soak_was_seen_well_at_its_end_and_failed_no_more_than_is_borne(services, soak):
    told = play(services, soak=soak, within=60.0)

    if told.checked.result == "passed":
        count = first_met(told, range(len(services)), services, 0)
        assert count
        met = told.answered[count - 1].answered
        for at, one in enumerate(services):
            watched = [put for put in told.answered[count:] if put.at == at]
            assert watched[-1].verdict == "pass"
            assert watched[-1].put >= met + soak
            assert sum(1 for put in watched if put.verdict == "fail") <= one.pace["soak_failures"]
