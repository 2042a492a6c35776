"""A folder is a registry, a file is a member, a member exports one typed constant: here, the kinds of checks."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from ropeway.checks import kinds
from ropeway.checks.kind import Kind


def kind_names() -> tuple[str, ...]:
    """Sorted, as they stand in a suite: `target-group` is kinds/target_group.py."""
    return tuple(sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(kinds.__path__)))


def load_kind(name: str) -> Kind[Any]:
    """One kind. Only its module is imported: start-up counts. Raises ImportError, which names its file, and TypeError."""
    module = name.replace("-", "_")
    try:
        member = importlib.import_module(f"ropeway.checks.kinds.{module}").KIND
    except Exception as broken:
        why = f"{type(broken).__name__}: {broken}"
        raise ImportError(f"ropeway/checks/kinds/{module}.py cannot be imported: {why}") from broken
    if not isinstance(member, Kind):
        raise TypeError(f"ropeway/checks/kinds/{module}.py exports KIND as {type(member).__name__}, not as a Kind.")
    return member


def all_kinds() -> tuple[Kind[Any], ...]:
    return tuple(load_kind(name) for name in kind_names())
