"""Metric math of the embedded CloudWatch: the four operations, numbers and parentheses over several metrics.

CloudWatch user guide, "Using metric math": a value for each time at which all metrics of the expression have one; a division by
zero has none. Functions (SUM, FILL, ...) are not known here and are refused, as CloudWatch refuses what it does not know.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from moto.cloudwatch.exceptions import ValidationError

Series = Mapping[datetime, float]

OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluated(expression: str, results: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[datetime]]:
    """In moto's terms: the values and their times. Raises ValidationError for what is no expression over these metrics."""
    known = {result["id"]: dict(zip(result["timestamps"], result["values"], strict=True)) for result in results}
    try:
        tree = ast.parse(expression, mode="eval").body
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        times = _times([known[id] for id in sorted(used)])
        values = {time: _value(tree, {id: known[id][time] for id in used}) for time in times}
    except (SyntaxError, KeyError, TypeError, ValueError):  # ValueError: of no metric at all
        raise ValidationError(f"Error in expression '{expression}': Invalid syntax") from None
    kept = {time: value for time, value in values.items() if value is not None}
    return list(kept.values()), list(kept)


def _times(series: Sequence[Series]) -> list[datetime]:
    """Those that all have, in the order in which they came."""
    first, *others = series
    return [time for time in first if all(time in other for other in others)]


def _value(node: ast.expr, at: Mapping[str, float]) -> float | None:
    """None for what is divided by zero."""
    match node:
        case ast.Name(id=id):
            return float(at[id])
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand, at)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            one, other = _value(left, at), _value(right, at)
            if one is None or other is None or (isinstance(op, ast.Div) and other == 0):
                return None
            return OPERATIONS[type(op)](one, other)
    raise TypeError(ast.dump(node))
