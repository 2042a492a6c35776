"""AWS, asked to describe something: in our words when it says no, and page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ropeway.aws.session import Aws


def call(aws: Aws, service: str, method: str, /, *, doing: str, action: str, **arguments: Any) -> dict[str, Any]:
    """AWS's answer. `doing` reads on from "Could not", `action` is the IAM action that it needs. Raises RopewayError."""
    from ropeway.aws.answers import asking  # noqa: PLC0415 - botocore, which bad inputs need not wait for

    client = aws.client(service)
    with asking(doing, action=action, region=aws.region):
        answer: dict[str, Any] = getattr(client, method)(**arguments)
        return answer


def pages(
    aws: Aws, service: str, method: str, items: str, /, *, doing: str, action: str, **arguments: Any
) -> list[dict[str, Any]]:
    """The same of an answer in pages: all that stands under `items` in them."""
    from ropeway.aws.answers import asking  # noqa: PLC0415 - the same

    client = aws.client(service)
    with asking(doing, action=action, region=aws.region):
        return [item for page in client.get_paginator(method).paginate(**arguments) for item in page.get(items, ())]


def portions(things: Sequence[str], most: int) -> Iterator[list[str]]:
    """In their order, so many at a time: what AWS takes in one request."""
    for first in range(0, len(things), most):
        yield list(things[first : first + most])
