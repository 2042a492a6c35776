"""The generated block of docs/troubleshooting.md: the kinds of errors, as errors.py has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ropeway import errors
from tooling.generate.pages import table


def blocks() -> Mapping[str, str]:
    rows = [
        (f"`{kind.__name__}`", str(kind.exit_code), " ".join((kind.__doc__ or "").split()).partition(" `")[0])
        for kind in _kinds(errors.RopewayError)
    ]
    return {"errors": table(("Kind", "Exit code", "What it means"), rows)}


def _kinds(base: type[errors.RopewayError]) -> Iterator[type[errors.RopewayError]]:
    """Those that errors.py has, in its order, each before its own kinds."""
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from _kinds(kind)
