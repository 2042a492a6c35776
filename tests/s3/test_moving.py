"""What comes of the steps, whatever an engine does."""

import pytest

from ropeway.errors import RopewayError
from ropeway.outcome import Reason, Run, Step
from ropeway.s3.engine import Get, Transferred
from ropeway.s3.moving import move


class Forgetful:
    """An engine that tells of the first transfers only."""

    def __init__(self, told):
        self._told = told

    def transfer(self, work, sent, cancellation):
        for transfer in list(work)[: self._told]:
            yield Transferred(transfer, 0.1)


@pytest.mark.parametrize("told", [0, 1, 2])
def test_a_step_that_nobody_told_of_is_no_success(told):
    steps = [Step("download", name, Reason.NEW, 1, Get("bucket", name, name, 1, "etag")) for name in "ab"]
    moved = move(Forgetful(told), steps, "Downloading", Run())
    assert [result.step for result in moved.results] == steps[:told]
    if told == 2:
        assert moved.error is None
    else:
        assert isinstance(moved.error, RopewayError)
        assert f"but {told} of 2 files had been transferred" in str(moved.error)
