"""Any action can be throttled, so often as is asked for."""

from __future__ import annotations

from typing import Any

from moto.core.responses import BaseResponse

from ropeway.local.instances.settings import SETTINGS
from ropeway.local.patches.patch import around
from ropeway.local.patches.protocols import refused

CODES = {
    "autoscaling": (400, "Throttling", "Rate exceeded"),
    "cloudwatch": (400, "Throttling", "Rate exceeded"),
    "ec2": (503, "RequestLimitExceeded", "Request limit exceeded."),
    "elbv2": (400, "Throttling", "Rate exceeded"),
}
"""EC2 API reference, "Error codes"; "Common errors" of the others."""
OTHERWISE = (400, "ThrottlingException", "Rate exceeded")


def _throttled(action: str) -> bool:
    left = SETTINGS.throttled.get(action, 0)
    SETTINGS.throttled[action] = max(0, left - 1)
    return left > 0


def mend() -> None:
    @around(BaseResponse, "call_action")
    def called(original: Any, request: BaseResponse) -> Any:
        if not SETTINGS.throttled or not _throttled(request._get_action()):  # noqa: SLF001 - moto's own way to know
            return original(request)
        return refused(request, *CODES.get(request.service_name, OTHERWISE))
