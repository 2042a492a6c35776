"""The version: typed once, in pyproject.toml."""

from __future__ import annotations

import re

from tooling.generate import GenerateError


def project_version(pyproject: str) -> str:
    """The version that pyproject.toml's text states: three numbers, as task.json and the extension need them."""
    stated = re.search(r'^\[project\]$.*?^version = "(\d+\.\d+\.\d+)"$', pyproject, re.DOTALL | re.MULTILINE)
    if not stated:
        raise GenerateError('pyproject.toml needs a line like version = "1.2.3" in [project]: three numbers.')
    return stated[1]


def module(version: str) -> str:
    """The text of ropeway/version.py, which is there without any package metadata (the bundle has none)."""
    return (
        f'"""The version of this Ropeway; written by `make generate` from pyproject.toml."""\n\nVERSION = "{version}"\n'
    )
