"""How the embedded AWS behaves where AWS takes its time or is in a bad mood. All can be changed while it runs, by tests above all."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

ISOLATIONS = ("directory", "namespaces")


@dataclass
class Settings:
    """Times in seconds; those of AWS that are scaled, multiplied by their scale."""

    isolation: str = "directory"
    """`directory`: a folder, by convention only. `namespaces`: the folder's /opt, /srv, /home, ... in place of the machine's."""
    unseen: float = 0.05
    """How long a command's invocations do not exist after SendCommand."""
    delivery: float = 0.05
    """How long an invocation is Pending."""
    undeliverable: float = 1.0
    """How long an invocation of an instance that is known to be lost is Pending, before it is Undeliverable."""
    reboot: float = 0.5
    """How long an instance is away that reboots (exit code 194)."""
    timeout_scale: float = 1.0
    """Of SendCommand's TimeoutSeconds, which is 30 at least."""
    health_scale: float = 0.01
    """Of a target group's health check interval and timeout, and of its deregistration delay."""
    invalidation: float = 0.3
    """How long a CloudFront invalidation is in progress."""
    settling: float = 0.2
    """How long a change of Route 53's records is pending."""
    throttled: dict[str, int] = field(default_factory=dict)
    """How many of the next requests for an action are refused (`{"SendCommand": 2}`)."""

    def change(self, changes: dict[str, Any]) -> None:
        """Raises ValueError for what is no setting, or no value of it."""
        if unknown := changes.keys() - {known.name for known in fields(self)}:
            raise ValueError(f"No such setting: {', '.join(sorted(unknown))}.")
        if changes.get("isolation", self.isolation) not in ISOLATIONS:
            raise ValueError(f"isolation is one of: {', '.join(ISOLATIONS)}.")
        self.__dict__.update(replace(self, **changes).__dict__)

    def reset(self) -> None:
        self.__dict__.update(Settings().__dict__)


SETTINGS = Settings()
