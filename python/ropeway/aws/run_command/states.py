"""The states of an invocation, what they mean and what helps. (Systems Manager user guide, "Understanding command statuses".)"""

from __future__ import annotations

from collections.abc import Mapping

OVER = frozenset({"Success", "Failed", "TimedOut", "Cancelled"})
"""Statuses that are for good. One that nobody has heard of is none of them: what it means shows in time, or is told as overdue."""

ENDED = frozenset({"Success", "Failed"})
"""The script ended by itself, unless its exit code is missing."""

NOT_SENT = "NotSent"
UNSURE = "Unsure"
NOT_MANAGED = "NotManaged"
VANISHED = "Vanished"
OVERDUE = "Overdue"
STILL_RUNNING = "StillRunning"
"""Ours: SSM has no word for them."""

MEANING: Mapping[str, str] = {
    "Pending": "SSM has not reached it yet.",
    "InProgress": "The script runs.",
    "Delayed": "SSM could not reach it, and tries again.",
    "Cancelling": "The script is told to stop.",
    "Failed": "The agent could not begin the script, or not tell how it ended.",
    "ExecutionTimedOut": "The script took longer than it may, and was killed.",
    "DeliveryTimedOut": "SSM did not reach the instance in time, or did not hear from it again.",
    "TimedOut": "It did not end in time.",
    "Undeliverable": "SSM could not reach the instance.",
    "Terminated": "SSM did not send it: too many others had failed.",
    "InvalidPlatform": "The instance is of another platform than the script.",
    "AccessDenied": "SSM may not run commands on the instance.",
    "Cancelled": "It was cancelled.",
    "Incomplete": "SSM did not finish it.",
    "RateExceeded": "SSM had more commands than the account may have at a time.",
    NOT_SENT: "Nothing was sent to it.",
    UNSURE: "Nobody knows whether SSM took the script for it.",
    NOT_MANAGED: "SSM does not know the instance, or it does not run.",
    VANISHED: "SSM lists the instance no more among those that it sent the script to.",
    OVERDUE: "It did not end in time.",
    STILL_RUNNING: "Nobody knows whether it has ended.",
}

_AGENT = (
    "See whether the instance runs and its agent is online (Fleet Manager), whether it can reach SSM's endpoints, and whether its role allows "
    "ssmmessages:CreateControlChannel and ssmmessages:OpenControlChannel."
)
_SLOW = "Give it more time, or see what it waits for."

ADVICE: Mapping[str, str] = {
    "Failed": "See the agent's log on the instance, and whether its disk is full.",
    "ExecutionTimedOut": _SLOW,
    "TimedOut": _SLOW,
    OVERDUE: _SLOW,
    "DeliveryTimedOut": _AGENT,
    "Undeliverable": _AGENT,
    VANISHED: "See whether the instance was terminated, and the command in Run Command's history.",
    "Terminated": "See the instances that failed.",
    "InvalidPlatform": "Choose instances of the platform that the script is for.",
    "AccessDenied": "See the role of the instance: it needs what AmazonSSMManagedInstanceCore allows.",
    "RateExceeded": "Run again later.",
    "Incomplete": "Run again.",
    NOT_SENT: "Run again.",
    UNSURE: "See Run Command's history before you run again.",
    NOT_MANAGED: "It needs SSM's agent, and an instance profile with what AmazonSSMManagedInstanceCore allows.",
    "Cancelled": "Run again.",
    STILL_RUNNING: "See the command in Run Command's history before you run again.",
}

UNTOUCHED = frozenset({NOT_SENT, NOT_MANAGED, "Undeliverable", "InvalidPlatform", "AccessDenied", "RateExceeded"})
"""Nothing has run where these are told."""


def read(details: str) -> str:
    """StatusDetails as one word, in the API's spelling: "Execution Timed Out" and "Canceled" are the user guide's."""
    word = details.replace(" ", "")
    return "Cancelled" if word == "Canceled" else word
