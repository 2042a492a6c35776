"""The inputs of a task, as the agent hands them over."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TypeVar

from ropeway import inputs
from ropeway.aws.connection import AwsInputs
from ropeway.azure.environment import AgentEnvironment
from ropeway.errors import InputError
from ropeway.inputs import Declared

T = TypeVar("T", bound=AwsInputs)

_MACRO = re.compile(r"\$\(([A-Za-z_][\w. -]*)\)")
"""The agent puts values in the place of macros, and leaves a macro of a variable that it does not know as it is."""


def read(declared_by: type[T], environment: AgentEnvironment) -> T:
    """The typed inputs. Raises InputError that names the problems, and in no case the value of a secret input."""
    problems = [problem for item in inputs.declared(declared_by) for problem in _macro_problems(item, environment)]
    if problems:
        raise InputError(problems)
    asked = [
        item for item in inputs.declared(declared_by) if not item.input.never_blank or environment.has_input(item.name)
    ]
    texts = {item.field: _text(item, environment) for item in asked}
    return inputs.read(declared_by, texts, inputs.camel)


def secrets(declared_by: type[AwsInputs], environment: AgentEnvironment) -> Iterator[str]:
    """The texts of secret inputs: one that is written into the pipeline as it is, is no secret to the agent."""
    for item in inputs.declared(declared_by):
        text = environment.input(item.name)
        if item.input.secret and not _MACRO.fullmatch(text.strip()):
            yield text


def _text(item: Declared, environment: AgentEnvironment) -> str:
    """A relative path is joined to the working directory. An empty one has been made the working directory by the agent."""
    text = environment.input(item.name)
    if item.input.kind != "filePath":
        return text
    path = text.strip() or item.input.default
    return os.path.join(environment.working_directory, path) if path else ""


def _macro_problems(item: Declared, environment: AgentEnvironment) -> Iterator[str]:
    text = environment.input(item.name).strip()
    if item.input.secret:
        whole = _MACRO.fullmatch(text)  # within a secret, it may be the secret's own
        names = [whole.group(1)] if whole else []
    else:
        names = _MACRO.findall(text)
    for name in dict.fromkeys(names):
        yield (
            f"{item.name} holds $({name}), and there is no variable of that name here. "
            "Check its spelling, and whether its variable group or template is part of this stage."
        )
