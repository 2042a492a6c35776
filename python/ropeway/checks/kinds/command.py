"""A program of this machine says that all is well."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, excerpt, failed, judged, together, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.net.requesting import TELLING
from ropeway.checks.rules import TextRule, judged_text
from ropeway.checks.running import WINDOWS, Ended, Program, run
from ropeway.checks.settings import Settings
from ropeway.outcome import duration, in_units

INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TERM", "TMPDIR", "TMP", "TEMP"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA"),
    *(
        "LOCALAPPDATA",
        "PROGRAMDATA",
        "PROGRAMFILES",
        "PROGRAMFILES(X86)",
        "NUMBER_OF_PROCESSORS",
        "PROCESSOR_ARCHITECTURE",
    ),
    *("BUILD_*", "RELEASE_*", "AGENT_*", "SYSTEM_*", "TF_BUILD"),
)
"""What a program needs to run, and what the agent says of the build: but for names that sound of secrets (SYSTEM_ACCESSTOKEN)."""

LINES = 20
"""Of each stream, its last ones, are told when it did not go well."""


def code(given: str) -> int:
    """Raises ValueError, worded to follow the name of a setting."""
    if not re.fullmatch(r"[0-9]{1,10}", given) or int(given) > 0xFFFFFFFF:
        raise ValueError(f"is {given!r}, which is no exit code.")
    return int(given)


@dataclass(frozen=True, kw_only=True)
class CommandSettings(Settings):
    command: tuple[str, ...] = settings.texts(
        "The program and its arguments, each for itself: `[python, smoke.py, --fast]`. No shell reads it."
    )
    shell: str = settings.text("Instead of `command`: a line for the shell (`/bin/sh`; on Windows `cmd`).")
    folder: str = settings.text("The folder to run it in, from the suite's own on. Empty: that one.")
    env: dict[str, str] = settings.mapping("Environment variables to set.")
    inherit: tuple[str, ...] = settings.texts(
        "Names of environment variables to hand on, `*` for any signs. What a program needs to run is handed on anyway (`PATH`, `HOME`, "
        "...), and what the agent says of the build; the task's AWS credentials and secrets are not."
    )
    exit_code: tuple[int, ...] = settings.parsed_many(
        "The exit codes that are good ones.", word="whole number", read=code, default=(0,), schema={"type": "integer"}
    )
    output: TextRule | None = settings.short(
        TextRule, "contains", "Texts that stand in what it prints, or rules for it."
    )
    error_output: TextRule | None = settings.short(
        TextRule, "contains", "The same of what it prints as errors (stderr)."
    )
    output_limit: int = settings.size("How much of each output is kept: its beginning and its end.", default=1 << 20)

    def problems(self) -> Iterator[str]:
        if bool(self.command) == bool(self.shell):
            yield "It takes one of command and shell."
        if "\0" in "".join((*self.command, self.shell)):
            yield "The command holds a NUL, which no program can be given."
        for name, value in self.env.items():
            if not name or "=" in name or "\0" in name + value:
                yield f"env holds {name!r}, which cannot be set as an environment variable."


def environment(given: CommandSettings, environ: Mapping[str, str], *, windows: bool) -> dict[str, str]:
    """The part of ours that the program gets, and what it gets beside. On Windows, names are the same in upper and lower case."""
    kept = {
        name: value
        for name, value in environ.items()
        if _is_among(name, given.inherit, windows=windows)
        or (_is_among(name, INHERITED, windows=windows) and not TELLING.search(name))
    }
    return {**kept, **given.env}


def _is_among(name: str, patterns: tuple[str, ...], *, windows: bool) -> bool:
    fold = str.upper if windows else str
    return any(fnmatch.fnmatchcase(fold(name), fold(pattern)) for pattern in patterns)


def ask(given: CommandSettings, asking: Asking) -> Finding:
    theirs = environment(given, os.environ, windows=WINDOWS)
    for name, value in theirs.items():
        if TELLING.search(name):
            asking.secret(value)
    if asking.release:
        theirs.setdefault("ROPEWAY_RELEASE", asking.release)
    program = Program(
        given.command, given.shell, asking.path(given.folder) or asking.folder, theirs, given.output_limit
    )
    ended = run(program, asking.left, asking.world.cancellation)
    finding = together(*_questions(given, ended, asking))
    return finding if finding.verdict == "pass" else _with_output(finding, ended)


def _questions(given: CommandSettings, ended: Ended, asking: Asking) -> Iterator[Finding]:
    expected = f"exit code {' or '.join(map(str, given.exit_code))}"
    if ended.code is None:
        yield failed(expected, f"no end within {asking.timeout:g} s: it was stopped", advice=_SLOW)
        return
    well = ended.code in given.exit_code
    yield judged(well, expected, f"{_told(ended.code)} after {duration(ended.seconds)}", advice=_FAILED)
    if not well:
        return
    for rule, what, text in (
        (given.output, "output", ended.output.rstrip("\n")),
        (given.error_output, "error output", ended.errors.rstrip("\n")),
    ):
        if rule and ended.held:
            yield unasked(f"a whole {what}", "what the program has left behind holds it open", advice=_HELD)
        elif rule and not ended.whole:
            yield unasked(f"a whole {what}", f"more than {in_units(given.output_limit)}", advice="Raise outputLimit.")
        elif rule:
            yield judged_text(rule, what, text or None if rule.absent else text, asking)


def _told(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    names = {member.value: member.name for member in signal.Signals}
    return f"the signal {names.get(-code, -code)}"


def _with_output(finding: Finding, ended: Ended) -> Finding:
    output, errors = _last(ended.output), _last(ended.errors)
    heading = ("stderr:",) if errors else ()
    return replace(finding, details=(*finding.details, *output, *heading, *errors))


def _last(text: str) -> tuple[str, ...]:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    more = (f"({len(lines) - LINES:,} lines before)",) if len(lines) > LINES else ()
    return (*more, *(excerpt(line, 300) for line in lines[-LINES:]))


_FAILED = "What it printed last stands below."
_HELD = "Let what it starts to stay write elsewhere (>log 2>&1): as long as it holds the output, nobody knows all that was printed."
_SLOW = "Give it more time (timeout), or see what it waits for: nobody answers its questions, its input is empty."

KIND = Kind(
    name="command",
    title="Command",
    help="A program of this machine ends with the right exit code, and prints what it should. What it started ends with it.",
    settings=CommandSettings,
    subject=lambda given, _: (
        f"{given.shell or shlex.join(given.command)} ends with exit code {' or '.join(map(str, given.exit_code))}"
    ),
    ask=ask,
    runs=True,
    example="""
command: [python, smoke.py, --url, "https://www.example.com/"]
output: {matches: "[0-9]+ passed"}
""",
)
