"""What is run, and what became of it on one host."""

from __future__ import annotations

from dataclasses import dataclass

from ropeway.aws.run_command.states import ADVICE, ENDED, MEANING, UNTOUCHED


@dataclass(frozen=True)
class Script:
    """`seconds` is how long it may take on a host (1 to 172,800), `folder` where it starts; empty: where the agent does.

    A first line `#!/bin/bash` asks for another shell than `sh`. The exit code 194 asks the agent to reboot, and to run it again.
    """

    text: str
    seconds: int = 3600
    folder: str = ""
    document: str = "AWS-RunShellScript"


@dataclass(frozen=True)
class Pace:
    """Seconds: between two looks (the last one from then on), before SSM is sent to again, and before each look for a command
    whose answer was lost (ListCommands does not know it at once).

    `unseen` is how long an invocation may not be listed before it counts as gone; `grace` how long a cancelled command is still
    looked at: an agent that cancels a task gives it no ten seconds.
    """

    pauses: tuple[float, ...] = (0.2, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0)
    again: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    lost: tuple[float, ...] = (0.5, 1.5, 3.0)
    unseen: float = 30.0
    grace: float = 3.0


@dataclass(frozen=True)
class Terms:
    """`delivery` is how long a host may take to be reached, in seconds (30 at least; SSM's TimeoutSeconds).

    `overall` is when this end gives up whatever SSM says; None: what SSM itself should keep, and a minute.
    """

    delivery: int = 60
    overall: float | None = None
    comment: str = "Ropeway"
    pace: Pace = Pace()

    def seconds(self, script: Script) -> float:
        """SSM's own limit is both times together. (Systems Manager user guide, "Run Command timeouts".)"""
        return self.delivery + script.seconds + 60.0 if self.overall is None else self.overall


@dataclass(frozen=True, slots=True)
class HostRun:
    """A script on one host. `state` is SSM's StatusDetails without blanks, or one of ours, see `states`.

    `code` is -1 where the script did not end by itself. `stdout` and `stderr` are the beginnings of what it printed. `active`
    is whether it is not over yet. `began` is False only where it surely never did. `seconds` are those on the host. `note` adds to the meaning of the state. `cut` says
    that there was more output than is told.
    """

    target: str
    state: str
    code: int = -1
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    command_id: str = ""
    active: bool = False
    began: bool = True
    note: str = ""
    cut: bool = False

    @property
    def ok(self) -> bool:
        return self.state == "Success" and self.code == 0

    @property
    def ended(self) -> bool:
        """Whether the script ran to its end, whatever its exit code."""
        return self.state in ENDED and self.code >= 0

    @property
    def why(self) -> str:
        """What the state means, in a sentence."""
        if self.ended:
            meaning = f"The script ended with exit code {self.code}."
        else:
            meaning = MEANING.get(self.state, f"SSM says {self.state}.")
        return f"{meaning} {self.note}".rstrip()

    @property
    def advice(self) -> str:
        return "" if self.ok or self.ended else ADVICE.get(self.state, "See the command in Run Command's history.")


def untouched(state: str) -> bool:
    """Whether nothing ran on a host that is in this state."""
    return state in UNTOUCHED
