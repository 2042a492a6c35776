"""How many lines of code a room has: without blank lines, comments, docstrings and imports.

python -m tooling.lines python/ropeway/wire python/ropeway/s3/wire
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def lines_of(source: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    code = {line for token in tokens if token.type not in NO_CODE for line in range(token.start[0], token.end[0] + 1)}
    return len(code - set(_beside(ast.parse(source))))


def _beside(tree: ast.Module) -> Iterator[int]:
    """The lines of imports and of texts that stand by themselves: what documents a module, a function or a name."""
    for node in ast.walk(tree):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if isinstance(node, ast.stmt) and (text or isinstance(node, ast.Import | ast.ImportFrom)):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def main(rooms: list[str]) -> None:
    total = 0
    for room in rooms:
        count = sum(lines_of(path.read_text(encoding="utf-8")) for path in sorted(Path(room).glob("*.py")))
        total += count
        print(f"{count:6,} {room}")
    print(f"{total:6,} in all")


if __name__ == "__main__":
    main(sys.argv[1:])
