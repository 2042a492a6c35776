"""The block of docs/templates.md: of each template what it is, and the parameters that are its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ropeway.tasks.task import Task
from tooling.generate.pages import table

AnyTask = Task[Any, Any]

PAGE = "docs/templates.md"
KINDS = ("steps", "jobs", "stages", "extends")
BEGIN, END = "# parameters:begin", "# parameters:end"


def blocks(root: Path, tasks: Sequence[AnyTask]) -> Mapping[str, str]:
    """From the templates as they lie there; what is generated into them is told by a link to its task."""
    files = [file for kind in KINDS for file in sorted((root / "pipelines" / kind).glob("*.yml"))]
    by_name = {f"{task.pipeline_name}@{task.major}": task for task in tasks}
    return {"templates": "\n\n".join([_contents(files), *(_section(file, by_name) for file in files)])}


def _contents(files: Sequence[Path]) -> str:
    """A row for each kind that there is."""
    rows = [
        (kind, ", ".join(f"[{file.stem}](#{kind}{file.stem}yml)" for file in files if file.parent.name == kind))
        for kind in KINDS
    ]
    return table(("Kind", "Templates"), [row for row in rows if row[1]])


def _section(file: Path, tasks: Mapping[str, AnyTask]) -> str:
    text = file.read_text(encoding="utf-8")
    name = f"{file.parent.name}/{file.name}"
    parts = [f"## {name}", f"[`pipelines/{name}`](../pipelines/{name})", _linked(_said(text), tasks)]
    rows = [_row(parameter) for parameter in _own(text)]
    return "\n\n".join([*parts, table(("Parameter", "Type", "Default", "What it is"), rows)])


def _said(text: str) -> str:
    """The comment at its head, up to the first line that is none. An empty line of it begins a paragraph."""
    lines = text.splitlines()
    head = lines[: next(at for at, line in enumerate(lines) if not line.startswith("#"))]
    said = "\n".join(line.removeprefix("#").strip() for line in head)
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in said.split("\n\n"))


def _linked(said: str, tasks: Mapping[str, AnyTask]) -> str:
    """A task's name, and the page that the comment names behind it, as a link to its inputs."""

    def link(found: re.Match[str]) -> str:
        return f"[`{found[1]}`](tasks/{'-'.join(tasks[found[1]].command)}.md#inputs)" if found[1] in tasks else found[0]

    return re.sub(r"(Ropeway\w+@\d+) \(docs/tasks/[\w-]+\.md\)", link, said)


def _own(text: str) -> list[Mapping[str, Any]]:
    """What stands beside the generated parameters."""
    before, _, rest = text.partition(BEGIN)
    own = before + rest.partition(END)[2]
    parameters: list[Mapping[str, Any]] = YAML(typ="safe").load(own)["parameters"]
    return parameters


def _row(parameter: Mapping[str, Any]) -> tuple[str, ...]:
    return f"`{parameter['name']}`", str(parameter["type"]), _default(parameter), " ".join(_meaning(parameter))


def _default(parameter: Mapping[str, Any]) -> str:
    if "default" not in parameter:
        return "required"
    default = parameter["default"]
    if isinstance(default, dict) and default:
        return ", ".join(f"`{name}: {value}`" for name, value in default.items())
    if isinstance(default, list) and default:
        return ", ".join(f"`{value}`" for value in default)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`" if default not in ("", [], {}) else ""


def _meaning(parameter: Mapping[str, Any]) -> Iterator[str]:
    yield f"{parameter['displayName']}."
    if "values" in parameter:
        yield "One of " + ", ".join(f"`{value}`" for value in parameter["values"]) + "."
