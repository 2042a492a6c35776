"""The jobs of one run, each with its result. After the first error no further one is begun."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Coroutine, Iterable, Iterator
from typing import Any

from ropeway.errors import RopewayError
from ropeway.s3.engine import CONCERN_ALL, Get, Put, Transfer, Transferred
from ropeway.s3.jobs.copy import copy
from ropeway.s3.jobs.download import download
from ropeway.s3.jobs.hands import Hands
from ropeway.s3.jobs.upload import upload


class Transfers:
    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._failed = False

    def jobs(self, work: Iterable[Transfer]) -> Iterator[Coroutine[Any, Any, Transferred]]:
        for transfer in work:
            if self._failed:
                return
            yield self._job(transfer)

    async def _job(self, work: Transfer) -> Transferred:
        began = time.monotonic()
        error, version_id = None, ""
        try:
            version_id = await self._moving(work)
        except CONCERN_ALL:
            raise
        except RopewayError as failure:
            self._failed = True
            error = failure
        return Transferred(work, time.monotonic() - began, error, version_id)

    def _moving(self, work: Transfer) -> Awaitable[str]:
        if isinstance(work, Put):
            return upload(self._hands, work)
        return download(self._hands, work) if isinstance(work, Get) else copy(self._hands, work)
