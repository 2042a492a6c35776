"""An error answer in the protocol that a service speaks."""

from __future__ import annotations

from typing import Any

from moto.core.errors import COMMON_ERROR_CODES
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse


class Refusal(ServiceException):  # type: ignore[misc] # moto's types are left out, see pyproject.toml
    """Moto takes the service of an error from the module of its class; this one may be any service's."""


def refused(request: BaseResponse, status: int, code: str, message: str) -> tuple[int, dict[str, str], Any]:
    """What `call_action` returns for it. The services' models do not hold the errors that all services have in common."""
    if code not in COMMON_ERROR_CODES:
        COMMON_ERROR_CODES.append(code)
    _, headers, body = request.serialized(ActionResult(Refusal(code, message)))
    return status, {**{name: str(value) for name, value in headers.items()}, "status": str(status)}, body
