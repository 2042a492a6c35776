"""Every entry through everything that is printed, as whoever reads it reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from ropeway.sanitise import one_line
from tests.hostile.corpus import TEXTS
from tests.hostile.printing import DOORS, RUNS
from tests.hostile.reading import executed, lines_of, obeyed, told, unprintable

HARMLESS = "harmless"


def ran(printed: bytes) -> list[tuple[str, dict[str, str]]]:
    """Commands and what they are told; of the lines of a text for the debug log there may be several."""
    commands = [command for command in executed(printed) if command.name != "task.debug"]
    return [(command.name, _ours(command.properties)) for command in commands]


def _ours(properties: Mapping[str, str]) -> dict[str, str]:
    """But for the title of a test run, which tells of the text, and its file, which lies in a folder of the run's own."""
    return {name: value for name, value in properties.items() if name not in {"runtitle", "resultfiles"}}


@pytest.mark.parametrize(("door", "how"), RUNS)
def test_a_hostile_text_runs_what_a_harmless_one_runs_and_is_obeyed_by_no_terminal(door, how):
    harmless = DOORS[door](HARMLESS, how)
    for text in TEXTS:
        for surface, printed in DOORS[door](text, how).items():
            assert ran(printed) == ran(harmless[surface]), (surface, ascii(text))
            assert obeyed(told(printed)) <= obeyed(harmless[surface]), (surface, ascii(text))
            assert not unprintable(told(printed)) or door == "coloured terminal", (surface, ascii(text))


def test_every_name_is_told_whole():
    for text in TEXTS:
        agent, terminal = DOORS["agent"](text, "fails"), DOORS["terminal"](text, "fails")
        shown = "  " + one_line(text)
        assert [line for line in lines_of(agent["log"]) if line.endswith(shown)], ascii(text)
        # A terminal has stops for tabs: there are blanks in their place.
        assert [line for line in lines_of(terminal["stdout"]) if blanks(line).endswith(blanks(shown))], ascii(text)
        assert [json.loads(line)["name"] for line in agent["list file"].splitlines()] == [text] * 3
        answer = json.loads(DOORS["JSON"](text, "fails")["stdout"])
        assert [step["name"] for step in answer["plan"]["steps"]] == [text] * 3
        assert answer["warnings"][0] == answer["error"]["advice"] == text


def blanks(line: str) -> str:
    return re.sub(r"\s+", " ", line)
