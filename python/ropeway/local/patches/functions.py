"""Lambda functions run, without docker."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any
from weakref import WeakSet

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse

from ropeway.local.functions.running import invoke, stop_all
from ropeway.local.instances.fleet import FLEET, SUPPORTED
from ropeway.local.patches.patch import around

LAST = 4096
"""Bytes of the log that LogResult holds."""


THREADS: WeakSet[threading.Thread] = WeakSet()
"""Of functions that nobody waits for."""


def _end_all() -> None:
    stop_all()
    for thread in list(THREADS):
        thread.join()


def _version(function: LambdaFunction) -> str:
    return str(function.version)


def _run(function: LambdaFunction, event: Any) -> tuple[str, bool, str]:
    """What moto's own way to run a function gives: payload, whether it is an error, log. Queues and topics call it, too."""
    if not str(function.run_time or "").startswith("python"):
        raise NotImplementedError(f"functions in {function.run_time}: only Python runs")
    text = event if isinstance(event, str) else json.dumps(event)
    ran = invoke(function, text, _version(function))
    return ran.payload, ran.error, ran.log


def _invoked(function: LambdaFunction, body: Any, headers: Any, answer: dict[str, str]) -> str:
    """Lambda API reference, Invoke. Every error of a Python function is `Unhandled`."""
    answer["X-Amz-Executed-Version"] = _version(function)
    kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
    event = (body.decode() if isinstance(body, bytes) else body) or "{}"
    if kind == "DryRun":
        return ""
    if kind == "Event":
        thread = threading.Thread(target=_run, args=(function, event), daemon=True)
        THREADS.add(thread)
        thread.start()
        return ""
    payload, error, log = _run(function, event)
    if error:
        answer["X-Amz-Function-Error"] = "Unhandled"
    answer["x-amz-log-result"] = base64.b64encode(log.encode()[-LAST:]).decode()
    return payload


def mend() -> None:
    if not SUPPORTED:
        return
    FLEET.at_end.append(_end_all)
    LambdaFunction._invoke_lambda = _run  # noqa: SLF001 - what moto calls everywhere

    def backend_invoke(  # noqa: PLR0917 - moto's
        self: LambdaBackend, name: str, qualifier: str | None, body: Any, headers: Any, answer: Any
    ) -> str:
        payload = _invoked(self.get_function(name, qualifier), body, headers, answer)
        answer["Content-Length"] = str(len(payload.encode()))
        return payload

    LambdaBackend.invoke = backend_invoke

    @around(LambdaResponse, "_get_param")
    def parameter(original: Any, request: LambdaResponse, name: str, *rest: Any, **more: Any) -> Any:
        """Moto looks for the qualifier of Invoke where no client puts it."""
        return (
            request.querystring.get("Qualifier", [None])[0]
            if name == "qualifier"
            else original(request, name, *rest, **more)
        )
