"""A script as parameters of a command, which SSM takes up to 64 KB of."""

from __future__ import annotations

import base64
import gzip
import json
import textwrap
from collections.abc import Mapping, Sequence

from ropeway.aws.run_command.model import Script
from ropeway.errors import InputError
from ropeway.outcome import in_units

MOST = 60_000
"""Bytes of the parameters in JSON. SSM's limit is 64 KB of a document with its parameters filled in (API reference, SendCommand)."""

SHELL = "AWS-RunShellScript"
RECIPE = """\
#!/bin/sh
umask 077
script=$(mktemp) || exit 1
trap 'rm -f "$script"' EXIT
base64 -d <<'END' | gzip -dc > "$script" || exit 1
{packed}
END
{interpreter} "$script"
"""
"""Exits as the script does: the last command's exit code is the shell's, and the trap keeps it."""


def parameters(script: Script) -> Mapping[str, Sequence[str]]:
    """Raises InputError for a script that is too long, even packed, and for one whose interpreter SSM would fill in."""
    told = _parameters(script, script.text)
    if script.document != SHELL or (_size(told) <= MOST and not _is_read_by_ssm(script.text)):
        return _checked(told, script)
    return _checked(_parameters(script, packed(script.text)), script)


def packed(text: str) -> str:
    """A short script that unpacks a long one and runs it: by the same shell, with the same exit code."""
    data = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode("ascii")
    return RECIPE.format(packed="\n".join(textwrap.wrap(data, 1000)), interpreter=_interpreter(text))


def _interpreter(text: str) -> str:
    """The line that runs the script cannot be packed. Raises InputError where SSM would read it as its own."""
    first, _, _ = text.partition("\n")
    named = first[2:].strip() if first.startswith("#!") else ""
    if _is_read_by_ssm(named):
        raise InputError(
            [f"The first line of a script names what runs it, and SSM would fill in {named!r}. Nothing was sent."]
        )
    return named or "sh"


def _is_read_by_ssm(text: str) -> bool:
    """SSM replaces `{{ssm:name}}` in parameters, and takes other double braces for parameters of the document."""
    return "{{" in text


def _parameters(script: Script, text: str) -> Mapping[str, Sequence[str]]:
    told = {"commands": text.split("\n"), "executionTimeout": [str(script.seconds)]}
    return told | ({"workingDirectory": [script.folder]} if script.folder else {})


def _size(told: Mapping[str, Sequence[str]]) -> int:
    return len(json.dumps(told))


def _checked(told: Mapping[str, Sequence[str]], script: Script) -> Mapping[str, Sequence[str]]:
    if _size(told) <= MOST:
        return told
    whole, packed_size = in_units(len(script.text.encode())), in_units(_size(told))
    raise InputError(
        [
            f"A script of {whole} ({packed_size} as it would be sent) is more than the 64 KB that SSM takes. Nothing was sent."
        ]
    ).advised("Bring the larger part of it along in the bundle, and call it from the script.")
