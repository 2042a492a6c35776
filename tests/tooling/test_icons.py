from __future__ import annotations

import struct

import pytest

from ropeway.registry import all_tasks
from tooling.bundle import ROOT
from tooling.icons import DRAWINGS


def test_every_task_and_the_extension_have_a_drawing():
    assert set(DRAWINGS) == {"images/extension.png", *(f"tasks/{task.name}/icon.png" for task in all_tasks())}


@pytest.mark.parametrize("path", DRAWINGS)
def test_an_icon_has_the_size_that_azure_devops_asks_for(path):
    head = (ROOT / path).read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    assert struct.unpack(">II", head[16:]) == ((128, 128) if path.startswith("images/") else (32, 32))
