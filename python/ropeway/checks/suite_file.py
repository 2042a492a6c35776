"""The file of a suite, as text."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ropeway.errors import InputError, LocalFileError

FILE = "ropeway-checks.yml"


@dataclass(frozen=True)
class SuiteText:
    """`source` is its name in messages, `folder` where the paths in it start from."""

    source: str
    text: str
    folder: str


HERE = "Name the file (suiteFile), or write the suite in the step (suite). docs/checks.md shows one to begin with."


def suite_text(path: str, advice: str = HERE) -> SuiteText:
    """`advice` is for who named a file that is not there. Raises InputError where there is none, or none that is text; LocalFileError where it cannot be read."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return SuiteText(os.path.basename(path), file.read(), os.path.dirname(path) or ".")
    except FileNotFoundError:
        raise InputError([f"There is no suite at {path}."]).advised(advice) from None
    except UnicodeDecodeError as wrong:
        raise InputError([f"{path} is no UTF-8: byte {wrong.start}."]) from None
    except OSError as wrong:
        raise LocalFileError(f"Could not read {path}: {wrong.strerror}.") from wrong
