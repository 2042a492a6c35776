"""`make generate`: writes what is derived from the declarations. `--check` only compares, `--print` only shows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ropeway.registry import all_tasks
from tooling.generate import GenerateError
from tooling.generate.artefacts import Artefact, render

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m tooling.generate", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing; exit 1 and name what is not up to date")
    mode.add_argument("--print", action="store_true", help="write nothing; show what would be written")
    asked = parser.parse_args(arguments)
    try:
        rendered = render(root, all_tasks())
    except GenerateError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    drifted = [artefact for artefact in rendered if artefact.differs(root)]
    if asked.check:
        return _check(drifted)
    return _show(rendered) if asked.print else _write(root, drifted)


def _check(drifted: Sequence[Artefact]) -> int:
    for artefact in drifted:
        print(f"{artefact.path} is not what the declarations say.", file=sys.stderr)
    if drifted:
        print("Run: make generate", file=sys.stderr)
    return 1 if drifted else 0


def _show(rendered: Sequence[Artefact]) -> int:
    for artefact in rendered:
        print(f"--- {artefact.path}\n{artefact.text}", end="")
    return 0


def _write(root: Path, drifted: Sequence[Artefact]) -> int:
    for artefact in drifted:
        artefact.write(root)
        print(f"wrote {artefact.path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
