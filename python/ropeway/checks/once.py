"""Asking once: what a kind returns or raises, as a finding that can be told."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from ropeway.checks.asking import Asking, World
from ropeway.checks.finding import Finding, of_error
from ropeway.checks.forms import secrets_of
from ropeway.checks.kind import Kind
from ropeway.errors import Cancelled, RopewayError


def ask_once(
    kind: Kind[Any], given: Any, target: str, timeout: float, world: World, *, each: float = math.inf
) -> Finding:
    """`timeout` is for all of it, `each` for one of several answers. A RopewayError is the finding `error`. Raises Cancelled; and whatever nobody foresaw, which is a fault of ours.

    The request ids of all that was asked join the finding, and secrets are masked from here on: those among its settings, too.
    """
    for secret in secrets_of(given):
        world.secrets.add(secret)
    asking = Asking(world=world, target=target, timeout=timeout, each=each)
    try:
        finding = kind.ask(given, asking)
    except Cancelled:
        raise
    except RopewayError as error:
        finding = of_error(error)
    finally:
        asking.searches.close()
    ids = tuple(dict.fromkeys((*finding.request_ids, *asking.request_ids)))
    return world.secrets.masked_finding(dataclasses.replace(finding, request_ids=ids))
