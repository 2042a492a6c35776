"""Whatever goes wrong on the way to SSM, and in whichever order: nobody is told well who is not, and nothing runs twice.

A few histories by default; RUN_COMMAND_HISTORIES sets how many.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from hypothesis import strategies as st

from ropeway.aws.run_command.model import HostRun, Pace, Script, Terms
from ropeway.aws.run_command.running import run
from ropeway.aws.session import Aws
from ropeway.errors import RopewayError
from ropeway.outcome import Cancellation
from tests.servers.ssm_between import HANGS_UP, PASS_ON, Between, ssm_answer, ssm_error

HISTORIES = int(os.environ.get("RUN_COMMAND_HISTORIES", "12"))

PACE = Pace(pauses=(0.03, 0.05), again=(0.01, 0.01, 0.01), lost=(0.01, 0.03), unseen=0.5, grace=0.4)

OPERATIONS = ("SendCommand", "ListCommands", "ListCommandInvocations", "GetCommandInvocation", "CancelCommand")

FAULTS = {
    "well": PASS_ON,
    "throttled": ssm_error("ThrottlingException", "Rate exceeded"),
    "broken": ssm_error("InternalServerError", status=500),
    "denied": ssm_error("AccessDeniedException", "not authorized"),
    "unreached": HANGS_UP,
    "nothing": ssm_answer(Commands=[], CommandInvocations=[]),
}

HISTORY = st.fixed_dictionaries(
    {
        "SendCommand": st.lists(
            st.sampled_from(["well", "throttled", "broken", "unreached", "lost", "denied"]), max_size=4
        ),
        "ListCommands": st.lists(st.sampled_from(["well", "throttled", "broken", "unreached", "denied"]), max_size=3),
        "ListCommandInvocations": st.lists(st.sampled_from(["well", *sorted(FAULTS)]), max_size=6),
        "GetCommandInvocation": st.lists(st.sampled_from(["well", "throttled", "denied", "lost"]), max_size=2),
        "CancelCommand": st.lists(st.sampled_from(["well", "denied", "unreached", "lost"]), max_size=2),
    }
)


@pytest.fixture
def way(through, between, embedded, settings):
    """A way to SSM, and three instances that begin at once with what they are sent."""
    settings(delivery=0.0)
    return through, between, embedded.instances.add(3)


def plan(between: Between, history: dict[str, list[str]]) -> None:
    between.forget()
    for operation, faults in history.items():
        for fault in faults:
            if fault == "lost":
                between.lose(operation)
            else:
                between.instead(operation, FAULTS[fault])


def told(
    aws: Aws, ids: list[str], text: str, seconds: float, stopped: Cancellation
) -> tuple[HostRun, ...] | RopewayError:
    try:
        return run(aws, ids, Script(text, 20), terms=Terms(overall=seconds, pace=PACE), cancellation=stopped)
    except RopewayError as error:
        return error


@how(
    max_examples=HISTORIES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a history takes seconds: one that fails is told as it is
)
@given(
    history=HISTORY,
    code=st.sampled_from([0, 0, 3]),
    prints=st.booleans(),
    stops=st.booleans(),
    for_good=st.sampled_from(["well", "well", "well", "well", "throttled", "nothing"]),
)
def test_nobody_is_told_well_who_is_not_and_nothing_runs_twice(way, history, code, prints, stops, for_good):
    aws, between, hosts = way
    plan(between, history)
    between.always("ListCommandInvocations", FAULTS[for_good])
    name, cancellation = uuid.uuid4().hex, Cancellation()
    if stops:
        between.instead("ListCommandInvocations", lambda _: cancellation.ask("of the test"))
    text = f"echo run >> {name}; {'seq 2000;' if prints else ''} sleep 0.1; echo end >> {name}; exit {code}"
    seconds = 2.5 if for_good == "well" else 0.7
    answer = told(aws, [host.id for host in hosts], text, seconds, cancellation)
    written = {host.id: lines(Path(host.folder, name)) for host in hosts}
    assert all(ran.count("run") <= 1 for ran in written.values())
    if isinstance(answer, RopewayError):
        return
    assert [one.target for one in answer] == [host.id for host in hosts]
    for one in answer:
        assert not one.active
        assert not one.ok or (code == 0 and written[one.target] == ["run", "end"])
        assert one.began or written[one.target] == []
        assert one.ok or one.why


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []
