"""One run's way to the store: a call is signed, sent, sent again where that helps, and its refusal put into words."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from ropeway.aws.unreached import unreached
from ropeway.errors import InputError, RopewayError
from ropeway.s3.engine import Headers, Sent
from ropeway.s3.guarded import check_guarded
from ropeway.s3.wire import xml
from ropeway.s3.wire.call import Call, Refused
from ropeway.s3.wire.headers import http_time, of_headers
from ropeway.s3.wire.retries import COST, PASSING, STATUSES, THROTTLED, TOO_MUCH, cost_of, helps, pause
from ropeway.s3.wire.store import Place, Store
from ropeway.wire.aside import Aside
from ropeway.wire.connection import Request, Wire
from ropeway.wire.failures import Failure
from ropeway.wire.flow import Flow, Job
from ropeway.wire.response import Answer, Choose
from ropeway.wire.sigv4 import encoded_path

LARGE = 1 << 20
"""Bytes from which on a body is worth a round trip that may save it (Expect: 100-continue), and a turn on the other loop."""
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
SKEWED = "RequestTimeTooSkewed"
LITTLE = 60.0
"""Seconds by which clocks may differ. S3 refuses 900."""
FAR = 86_400
"""Seconds. A clock that is wrong by more is not set by the answer of a stranger on the way, who would collect signatures for another day."""
T = TypeVar("T")


class Line:
    """`sent` is told of bytes, `flow` whether the run goes on. With `aside` there is a second loop for large bodies."""

    def __init__(self, store: Store, wire: Wire, sent: Sent, aside: Aside | None = None) -> None:
        self.store = store
        self.wire = wire
        self.sent = sent
        self.flow: Flow[Any]
        self._aside = aside
        self._turn = False
        self._last: tuple[Headers, dict[str, str]] | None = None

    def said_of(self, headers: Headers) -> dict[str, str]:
        """As `of_headers`, made once for files that share them, as thousands do."""
        if self._last is None or self._last[0] is not headers:
            self._last = headers, of_headers(headers)
        return self._last[1]

    async def by_turns(self, work: Callable[[Line], Job[T]]) -> T:
        """Every second large body goes over the other loop."""
        self.flow.weigh()
        self._turn = not self._turn
        if self._aside is None or self._turn:
            return await work(self)
        other = Line(self.store, self._aside.wire, self.sent)
        other.flow = self.flow
        return await self._aside.do(work(other))

    @property
    def checksums(self) -> bool:
        return self.store.checksums

    def is_private(self, bucket: str) -> bool:
        """Whether TLS guards the bytes on their way."""
        return self.store.place(bucket).origin.tls

    async def ask(self, call: Call, choose: Choose | None = None) -> Answer:
        """The answer that says yes. Raises the refusal, or that there was none, in words.

        What a sink has had bytes of is not asked for again here: where it breaks off, the Failure itself is raised.
        """
        cost = 0
        while True:
            self.flow.check()
            call.attempts += 1
            try:
                answer = await self._once(call, choose)
            except (Failure, Refused) as trouble:
                if call.sinking and isinstance(trouble, Failure):
                    raise
                cost = self._cost_of_another(call, trouble)
                if not cost:
                    raise self.told(call, trouble) from trouble
                headers = trouble.answer.headers if isinstance(trouble, Refused) else {}
                await self.wire.loop.sleep(pause(call.attempts, headers))
            else:
                self.store.tokens.give_back(cost)
                return answer

    def told(self, call: Call, trouble: Failure | Refused) -> RopewayError:
        if isinstance(trouble, Failure):
            return unreached(trouble, call.doing, tls=self.is_private(call.bucket))
        return trouble.told(call, self.store)

    async def _once(self, call: Call, choose: Choose | None) -> Answer:
        place = call.place or self.store.place(call.bucket)
        loop, tracing = self.wire.loop, place.address.tracing
        began, before, length = loop.now, self.wire.received, call.length
        request = self._signed(call, place)
        request.ask_first = length >= LARGE
        try:
            answer = await self.wire.ask(place.origin, request, choose)
        except Failure as failure:
            tracing.silence(f"s3.{call.operation}", failure)
            raise
        except ValueError as wrong:  # of what cannot be in the head of a request
            raise InputError([f"Could not {call.doing}: {wrong}"]) from wrong
        tracing.response(f"s3.{call.operation}", answer.status, answer.headers)
        self.store.level.answered(loop.now, loop.now - began, length + self.wire.received - before)
        call.attempts += request.replays
        if answer.status >= 300 or (call.may_contradict and xml.read(answer.body).root == "Error"):
            self._check(call, answer)
        return answer

    def _signed(self, call: Call, place: Place) -> Request:
        path = f"{place.path}/{encoded_path(call.key)}" if call.key else place.path or "/"
        headers = {**place.said, **call.headers}
        if call.operation != "CreateBucket":
            headers |= self.store.terms_said
        if not place.guarded:
            check_guarded(place.origin.host, headers, tls=False)
        call.signed_by, call.signed_ahead = place.signer.credentials(), place.signer.offset
        headers |= place.signer.sign(call.method, path, call.query, headers, call.hash)
        target = f"{path}?{call.query}" if call.query else path
        if place.address.tracing.requests:
            place.address.tracing.request(call.method, f"{place.url}{target}", headers)
        return Request(call.method, target, headers, call.body, patience=call.patience)

    # --- what was refused --------------------------------------------------------------------------------------------------

    def _check(self, call: Call, answer: Answer) -> None:
        if answer.status in call.accepted:
            return
        refused = call.refused = Refused(answer, xml.read(answer.body))
        if refused.code in THROTTLED or answer.status in TOO_MUCH:
            self.store.level.too_much(self.wire.loop.now)
        raise refused

    def _cost_of_another(self, call: Call, trouble: Failure | Refused) -> int:
        """In tokens, which are taken; 0 where another attempt would not help, or there were enough."""
        if isinstance(trouble, Failure):
            cost = cost_of(trouble) if helps(trouble) else 0
        else:
            cost = COST if self._may_pass(call, trouble) else 0
        most = self.store.place(call.bucket).address.attempts
        return cost if cost and call.attempts < most and self.store.tokens.take(cost) else 0

    def _may_pass(self, call: Call, refused: Refused) -> bool:
        signer = (call.place or self.store.place(call.bucket)).signer
        if refused.code == SKEWED:
            theirs = http_time(refused.answer.headers.get("date", ""))
            ahead = theirs - time.time()
            if abs(ahead) > FAR or abs(ahead - call.signed_ahead) < LITTLE:
                return False  # signed by the clock that it asks for
            signer.heard(theirs)
            return True
        if refused.code in EXPIRED:
            if signer.credentials() is call.signed_by:  # the first to hear of it; the others find new ones
                self.store.place(call.bucket).address.renew()
            return signer.credentials() is not call.signed_by
        if refused.answer.status == 307:
            there = (call.place or self.store.place(call.bucket)).moved(refused.answer.headers.get("location", ""))
            call.place = there or call.place
            return there is not None
        return refused.status in STATUSES or refused.code in PASSING or refused.code in THROTTLED
