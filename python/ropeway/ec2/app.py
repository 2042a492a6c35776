"""`ropeway-app.yml`, in a bundle: which scripts run on a host, and what outlives its releases. Every mistake is told with its place.

hooks:
  ApplicationStop: scripts/stop.sh
  ApplicationStart: { script: scripts/start.sh, timeout: 1m, user: shop }
shared: [log/, config/secrets.env]
owner: shop
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from ropeway.checks.nodes import Mistake, Mistakes, Node
from ropeway.checks.settings import Form, Settings, duration, many, of, read, short_form, table_of, text, texts, unknown
from ropeway.checks.yaml import parse
from ropeway.ec2.model import Hook
from ropeway.errors import InputError

FILE = "ropeway-app.yml"
APPSPEC = "appspec.yml"
MOVING = (
    "CodeDeploy's appspec.yml is not read. Write a ropeway-app.yml beside it: below hooks the same names, with script for its "
    "location, user for runas, and timeout with a unit (300s); files goes away, because the root of the bundle is the release."
)
HOOK_SECONDS = 300
LONGEST = 3600
"""Seconds of one script. CodeDeploy allows an hour for all scripts of an event."""
HOOKS: tuple[Hook, ...] = get_args(Hook)


@dataclass(frozen=True, slots=True)
class HookScript:
    """`script` is a path in the bundle; `timeout` in seconds; `user` is who it runs as, empty: who the agent runs as."""

    event: Hook
    script: str
    timeout: int = HOOK_SECONDS
    user: str = ""


@dataclass(frozen=True, slots=True)
class App:
    """`shared` are paths that lie beside the releases and are linked into each: a folder where it ends in a slash, else a file.

    `owner` is who the release belongs to, `user` or `user:group`; empty: who unpacked it.
    """

    hooks: tuple[HookScript, ...] = ()
    shared: tuple[str, ...] = ()
    owner: str = ""


# --- what can stand in it -----------------------------------------------------------------------------------------------------


def check_path(path: str) -> None:
    """Raises ValueError for what leads out of a release or is no plain path, worded to follow the setting's name."""
    plain = path.removesuffix("/")
    inside = plain and plain == posixpath.normpath(plain) and not plain.startswith(("/", "..")) and plain != "."
    if not inside or not path.isprintable() or "\\" in path:
        raise ValueError(f"is {path!r}: a path in the bundle, with slashes, as scripts/start.sh.")


def _script(path: str) -> None:
    check_path(path)
    if path.endswith("/"):
        raise ValueError(f"is {path!r}, a folder: name the script in it.")


def _user(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
        raise ValueError(f"is {name!r}: the name of a user of the host.")


def _owner(name: str) -> None:
    for part in name.split(":", 1):
        _user(part)


@dataclass(frozen=True, kw_only=True)
class _Script(Settings):
    script: str = text("A script in the bundle. It runs in the folder of the release.", check=_script, required=True)
    timeout: float | None = duration("How long it may take; then its process group is killed.", default=HOOK_SECONDS)
    user: str | None = text("Who it runs as.", default=None, check=_user)

    def problems(self) -> Iterator[str]:
        seconds = self.timeout or 0
        if not 1 <= seconds <= LONGEST or seconds % 1:
            yield "timeout is from 1s to 1h, in whole seconds."


_SCRIPTS = many(short_form(_Script, "script"))


def _read_hooks(node: Node, name: str) -> tuple[HookScript, ...]:
    found: dict[Hook, tuple[_Script, ...]] = {}
    wrong: list[Mistake] = []
    for key, value in table_of(node, name).entries:
        event = next((hook for hook in HOOKS if hook == key.text), None)
        if event is None:
            wrong.append(Mistake(key.at, unknown(key.text, HOOKS, "an event")))
            continue
        try:
            found[event] = _SCRIPTS.read(value, event)
        except Mistakes as more:
            wrong.extend(more.mistakes)
    if wrong:
        raise Mistakes(*wrong)
    return tuple(
        HookScript(event, one.script, int(one.timeout or HOOK_SECONDS), one.user or "")
        for event in HOOKS
        for one in found.get(event, ())
    )


_HOOKS = Form(
    "scripts by event",
    {"type": "object", "properties": dict.fromkeys(HOOKS, _SCRIPTS.schema), "additionalProperties": False},
    _read_hooks,
    _Script,
)


@dataclass(frozen=True, kw_only=True)
class AppFile(Settings):
    """The whole of `ropeway-app.yml`."""

    hooks: tuple[HookScript, ...] = of(
        _HOOKS, "Scripts by CodeDeploy's names of events; several of an event run in their order.", default=()
    )
    shared: tuple[str, ...] = texts(
        "Paths that lie beside the releases, in `shared`, and are linked into each of them. One that ends in a slash is a "
        "folder, which is made; any other a file, which must be there.",
        check=check_path,
    )
    owner: str | None = text("Who the release belongs to: `user` or `user:group`.", default=None, check=_owner)

    def problems(self) -> Iterator[str]:
        plain = sorted(path.removesuffix("/") for path in self.shared)
        for path in plain:
            if within := next((one for one in plain if path.startswith(f"{one}/") or plain.count(path) > 1), ""):
                yield f"shared: {path} lies in {within}, or is there twice. One of them is enough."
        for path in plain:
            for hook in self.hooks:
                if f"{hook.script}/".startswith(f"{path}/"):
                    yield f"shared: {path} would hide the script {hook.script} of {hook.event}."


# --- reading ------------------------------------------------------------------------------------------------------------------


def read_app(given: str, source: str = FILE) -> App:
    """`source` names the text in messages. Raises InputError with every mistake in it: `file:line:column: what is wrong`."""
    try:
        told = read(AppFile, parse(given), source)
    except Mistakes as wrong:
        ordered = sorted(dict.fromkeys(wrong.mistakes), key=lambda one: (one.at.line, one.at.column))
        raise InputError([f"{source}:{one.at.line}:{one.at.column}: {one.words}" for one in ordered]) from None
    return App(told.hooks, told.shared, told.owner or "")
