"""The gate between two batches, asked of real sockets; with whole deploys in tasks/test_ec2_deploy.py."""

from __future__ import annotations

import socket
import time

import pytest

from ropeway.checks.suite_file import SuiteText
from ropeway.ec2.gate import Checks
from ropeway.outcome import Run
from tests.checks.asking import nowhere

SOAK = 1.0


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_a_pause_is_one_where_the_only_check_does_no_more_than_warn(severity: str):
    """The next batch began at once: there was nothing left to be watched."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        check = f"{{tcp: {{address: '127.0.0.1:{held.getsockname()[1]}'}}, severity: {severity}, failures: 0}}"
        suite = SuiteText("suite", f"checks: {{port: {check}}}", ".")
        began = time.monotonic()
        judged = Checks(aws=nowhere(), suite=suite).fleet("42", SOAK, Run())

    assert (judged.why, [one.verdict for one in judged.results]) == ("", ["fail"])
    assert time.monotonic() - began >= SOAK
