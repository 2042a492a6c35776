"""How a command runs and reports, whatever it does: the options that commands share."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import typer

from ropeway.cli.parameters import keyword
from ropeway.inputs import hyphens

PANEL = "This run"

_FLAGS = {
    "json": "Print one JSON object on stdout, also when it fails. What is told on the way stays on stderr.",
    "local": "Use the embedded AWS on this machine instead of AWS; it is started when it does not run yet (`ropeway local`).",
    "strict": "Exit with 3 when there were warnings.",
    "verbose": "List everything, however much there is: every check; every file, unchanged ones too.",
    "debug": "Show every request to AWS and its answer, without bodies and secrets, and where in the code an error came from.",
    "no_color": "No colours. The environment variable `NO_COLOR` does the same.",
}
_PROFILE = "Act under this profile of the AWS configuration files, whatever keys the environment holds."


@dataclass(frozen=True)
class Manner:
    """What the shared options say."""

    json: bool = False
    local: bool = False
    strict: bool = False
    verbose: bool = False
    debug: bool = False
    no_color: bool = False
    profile: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Manner:
        """From the parameters of a command."""
        return cls(**{field.name: given[field.name] for field in fields(cls) if given.get(field.name)})

    @classmethod
    def seen_in(cls, arguments: Sequence[str]) -> Manner:
        """From a command line that is not read yet: how to say that it cannot be read."""
        return cls.of({name: True for name in _FLAGS if hyphens(name) in arguments})

    def settle(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Put into the environment what the libraries below look for there."""
        if self.no_color:
            environment["NO_COLOR"] = "1"


def shared(*names: str) -> tuple[inspect.Parameter, ...]:
    """The shared options of these names, in this order."""
    return tuple(_profile() if name == "profile" else _flag(name) for name in names)


def _flag(name: str) -> inspect.Parameter:
    option = typer.Option(False, hyphens(name), help=_FLAGS[name], rich_help_panel=PANEL, show_default=False)
    return keyword(name, bool, option)


def _profile() -> inspect.Parameter:
    option = typer.Option(None, "--profile", help=_PROFILE, metavar="NAME", rich_help_panel=PANEL, show_default=False)
    return keyword("profile", str | None, option)
