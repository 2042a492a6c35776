"""What is kept of an output; programs are run in kinds/test_command.py."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.checks.running import Kept, end


@given(st.lists(st.binary(max_size=40)), st.integers(2, 64))
def test_the_beginning_and_the_end_are_kept_and_what_is_left_out_is_counted(pieces: list[bytes], most: int):
    kept = Kept(most)
    for piece in pieces:
        kept.add(bytes(byte % 26 + 97 for byte in piece))
    said = "".join(chr(byte % 26 + 97) for piece in pieces for byte in piece)
    half = most // 2

    if len(said) <= 2 * half:
        assert (kept.whole, kept.text) == (True, said)
    else:
        assert not kept.whole
        assert kept.text == f"{said[:half]}\n... ({len(said) - 2 * half:,} bytes left out) ...\n{said[-half:]}"


def test_a_program_of_windows_that_ends_just_as_it_is_asked_to_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch):
    def gone(*_: int) -> NoReturn:
        raise OSError(22, "The parameter is incorrect")  # WinError 87: no group of that number

    monkeypatch.setattr(os, "kill", gone)
    end(4711, gently=True, windows=True)
