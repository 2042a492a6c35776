"""Shell completion, asked as the shell's script asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROPEWAY = Path(sys.executable).parent / "ropeway"


def complete(line: str) -> list[str]:
    """What bash would offer for the last word of the line."""
    asked = subprocess.run(
        [ROPEWAY],
        env={
            **os.environ,
            "_ROPEWAY_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.stderr == ""
    return asked.stdout.split()


def test_commands_are_offered():
    assert "s3" in complete("ropeway ")
    assert complete("ropeway s3 up") == ["upload"]


def test_options_are_offered():
    assert complete("ropeway s3 upload --buck") == ["--bucket-name"]


def test_choices_are_offered():
    assert complete("ropeway s3 upload --storage-class GL") == ["GLACIER", "GLACIER_IR"]


def test_the_script_that_sets_it_up_can_be_had():
    asked = ["bash", "-c", '"$0" --show-completion; exit $?', ROPEWAY]  # it looks which shell has started it
    shown = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert "_ROPEWAY_COMPLETE=complete_" in shown.stdout
