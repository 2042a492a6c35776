"""Runs one event through a handler, in the function's own process. What it answers is left in a file.

python bootstrap.py EVENT ANSWER

Errors as the Python runtime of Lambda tells them. (Lambda developer guide, "Python function errors".)
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from types import SimpleNamespace
from typing import Any


def main(event_path: str, answer_path: str) -> int:
    os.dup2(1, 2)
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    request_id = os.environ["_ROPEWAY_REQUEST_ID"]
    answer = _answer(event_path, request_id)
    with open(answer_path, "w", encoding="utf-8") as file:
        json.dump(answer, file)
    sys.stdout.flush()
    return 0


def _answer(event_path: str, request_id: str) -> dict[str, Any]:
    """`payload`: what the caller gets; `error`: whether it is one."""
    try:
        handler = _load(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - told, not swallowed
        return _failed(*_of_loading(error), [], request_id)
    try:
        with open(event_path, encoding="utf-8") as file:
            answer = handler(json.load(file), _context(request_id))
    except Exception as error:  # noqa: BLE001 - told, not swallowed
        trace = traceback.extract_tb(error.__traceback__)[1:]
        return _failed(type(error).__name__, str(error), traceback.format_list(trace), request_id)
    try:
        return {"payload": json.dumps(answer), "error": False}
    except TypeError as error:
        return _failed("Runtime.MarshalError", f"Unable to marshal response: {error}", [], request_id)


class Unloadable(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _load(name: str) -> Any:
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Unloadable("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Unloadable("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    if not hasattr(module, function_name):
        words = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Unloadable("Runtime.HandlerNotFound", words)
    return getattr(module, function_name)


def _of_loading(error: Exception) -> tuple[str, str]:
    return (error.kind if isinstance(error, Unloadable) else type(error).__name__), str(error)


def _failed(kind: str, message: str, trace: list[str], request_id: str) -> dict[str, Any]:
    print(f"[ERROR] {kind}: {message}\n" + "".join(trace), flush=True)  # noqa: T201 - to the function's log
    told = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}
    return {"payload": json.dumps(told), "error": True}


def _context(request_id: str) -> Any:
    """As the handler's second argument."""
    end = time.monotonic() + float(os.environ["_ROPEWAY_TIMEOUT"])
    return SimpleNamespace(
        aws_request_id=request_id,
        function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        function_version=os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        invoked_function_arn=os.environ["_ROPEWAY_ARN"],
        log_group_name=os.environ["AWS_LAMBDA_LOG_GROUP_NAME"],
        memory_limit_in_mb=os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        get_remaining_time_in_millis=lambda: int(1000 * max(0.0, end - time.monotonic())),
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
