"""Values of the Toolkit's inputs that are written otherwise here, and how."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

EXPRESSION = re.compile(r"\$\(|\$\{\{|\$\[")
"""What the service or the agent fills in: `$(macro)`, `${{ template }}`, `$[ runtime ]`."""

LISTS = r"(?<!\$)(?<!\$\{)\{[^{}]*(?:,|\.\.)[^{}]*\}"
"""What minimatch takes for one of several texts: `{a,b}`, `{1..9}`, `{{a,b},c}`; not `${{ parameters.x }}`."""

_NAME = r"(?!\*\*[,}]|[!#])[^{}/,()|]+"
"""In a group `**` crosses no folders, and `!` and `#` begin nothing: lists that hold such are left to be looked at."""

_LIST_OF_NAMES = re.compile(rf"(?<![{{$\\])\{{({_NAME}(?:,{_NAME})+)\}}")
DOTS = {".", ".."}
_PLAIN = re.compile(r"\.?[\w$/]|$")
"""How a text may begin that needs no quotes in YAML; not with `..`."""


def holds_expression(text: str) -> bool:
    return EXPRESSION.search(text) is not None


def overwriting(text: str) -> str:
    return {"true": "always", "false": "never"}.get(text.lower(), text)


def without_dots(folder: str) -> str:
    """`./site` -> `site`, as the Toolkit resolves it. What leads out of the bucket's root stays as it is, and is refused."""
    if holds_expression(folder):
        resolved = re.sub(r"^(?:\./)+", "", folder)
    elif "\\" in folder or DOTS.isdisjoint(folder.split("/")):
        resolved = folder
    else:
        normal = posixpath.normpath(folder)
        resolved = "" if normal == "." else normal
    return resolved if _PLAIN.match(resolved) else folder


def with_groups(glob: str) -> str:
    """`*.{js,css}` -> `*.@(js|css)`, which Azure's rules know. Only lists of names: no `/`, no list in a list, no range."""
    grouped = _LIST_OF_NAMES.sub(lambda found: f"@({found[1].replace(',', '|')})", glob)
    return glob if re.search(LISTS, grouped) else grouped


REWRITERS: Mapping[tuple[str, str], Callable[[str], str]] = {
    ("S3Upload", "targetfolder"): without_dots,
    ("S3Download", "overwrite"): overwriting,
    ("S3Download", "globexpressions"): with_groups,
}
"""Task and input (in lower case) -> what becomes of one line of its value."""
