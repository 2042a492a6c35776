"""How others read what is printed and written: the agent its lines, a terminal its characters. By their rules, not by ours."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ropeway.sanitise import lines, one_line
from tests.azure.agent import Read, read_command

OUR_DECORATION = re.compile(r"^##\[(group|endgroup|section)\]")
COLOURS = re.compile(r"\x1b\[[\d;]*m")
CONTROL_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|.?)|[\x00-\x08\x0b-\x1f\x7f-\x9f]", re.DOTALL)
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\xa0\u00ad\u0300-\u036f\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)


def lines_of(printed: bytes) -> list[str]:
    """As the agent reads a process (StreamReader.ReadLine of .NET): a line ends at CR, at LF and at both together."""
    return re.split(r"\r\n|\r|\n", printed.decode())


def executed(printed: bytes) -> list[Read]:
    """The commands that the agent runs, in order. What it, or one that reads more loosely, might take for another is an error."""
    commands = []
    for line in lines_of(printed):
        command = read_command(line)
        if command:
            assert line.startswith("##vso["), line
            commands.append(command)
        else:
            assert not loosely(line), line
    return commands


def loosely(line: str) -> bool:
    """Commands in any case and decorations anywhere but where ours are, also where what nobody sees has been left out."""
    shown = COLOURS.sub("", OUR_DECORATION.sub("", line))
    seen = UNSEEN.sub("", shown)
    return "##vso" in seen.casefold() or "##[" in seen


def told(printed: bytes) -> bytes:
    """What the agent's log shows: all but the variables that are set, whose values are nobody's business but the next step's."""
    return "\n".join(line for line in lines_of(printed) if not line.startswith("##vso[task.setvariable ")).encode()


def unprintable(printed: bytes) -> set[str]:
    """What a viewer of logs or an editor does something else with than to show it."""
    return set(UNPRINTABLE.findall(printed.decode()))


def obeyed(printed: bytes) -> set[str]:
    """The control sequences in it, each once."""
    return set(CONTROL_SEQUENCE.findall(printed.decode()))


def named(log: bytes, name: str) -> bool:
    """Whether an error names it: as it is, in one line or in several, or as Python writes it."""
    errors = [command.data for command in executed(log) if command.properties.get("type") == "error"]
    return any(
        shown in error for error in errors for shown in (one_line(name), "\n".join(lines(name)), one_line(repr(name)))
    )


def found(folder: Path) -> dict[str, bytes]:
    """Every file below, by its path."""
    paths = (os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)
    return {os.path.relpath(path, folder): Path(path).read_bytes() for path in paths}
