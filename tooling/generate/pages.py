"""The generated blocks of the Markdown pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.aws.policy import policy as policy_of
from ropeway.cli.parameters import asking, variable
from ropeway.inputs import Declared, hyphens
from ropeway.tasks.task import Task
from tooling.generate.task_json import in_form_order

AnyTask = Task[Any, Any]

PLACES = {"partition": "aws", "bucket": "BUCKET", "prefix": "PREFIX/", "kms_key": "the KMS key"}


def blocks(task: AnyTask) -> Mapping[str, str]:
    """The blocks of a task's own page."""
    return {"inputs": inputs_tables(task), "outputs": outputs_table(task), "policy": policy(task)}


def tasks_table(tasks: Sequence[AnyTask]) -> str:
    rows = [
        (
            f"[`{task.pipeline_name}@{task.major}`]({_page(task)})",
            f"`ropeway {' '.join(task.command)}`",
            task.description,
        )
        for task in tasks
    ]
    return table(("Task", "Command", "What it does"), rows)


def _page(task: AnyTask) -> str:
    return f"docs/tasks/{'-'.join(task.command)}.md"


def inputs_tables(task: AnyTask) -> str:
    """A table for what is in no group, then one a group, as the form shows them."""
    return "\n\n".join(_grouped(task))


def _grouped(task: AnyTask) -> Iterator[str]:
    order = in_form_order(task)
    for name, label in (("", ""), *((group.name, group.label) for group in task.groups)):
        rows = [_input_row(item) for item in order if item.input.group == name]
        if rows:
            heading = f"### {label}\n\n" if label else ""
            yield heading + table(("Input", "Command line", "Default", "What it does"), rows)


def _input_row(item: Declared) -> tuple[str, ...]:
    what = item.input
    default = "required" if what.required else f"`{what.default}`" if what.default else ""
    return f"`{item.name}`", _option(item), default, " ".join(_meaning(item))


def _option(item: Declared) -> str:
    if item.input.secret:
        return f"`{hyphens(asking(item.field))}`, or the environment's `{variable(item.field)}`"
    return f"`{item.option}`" if item.input.on_cli else "none"


def _meaning(item: Declared) -> Iterator[str]:
    what = item.input
    yield what.help
    if what.choices:
        yield "One of " + ", ".join(_choice(value, label) for value, label in what.choices.items()) + "."
    if what.visible:
        yield f"Only with `{what.visible}`."


def _choice(value: str, label: str) -> str:
    return f"`{value}`" if value == label else f"`{value}` ({label})"


def outputs_table(task: AnyTask) -> str:
    return table(("Output variable", "What it holds"), [(f"`{output.name}`", output.help) for output in task.outputs])


def policy(task: AnyTask) -> str:
    """The policy that is always needed as JSON, then what else is needed when."""
    document = policy_of([action for action in task.actions if not action.when], **PLACES)
    always = (
        f"```json\n{json.dumps(document, indent=2)}\n```" if document["Statement"] else "None that it always needs."
    )
    more = [(f"`{action.action}`", _on(action), action.when) for action in task.actions if action.when]
    rest = f"\n\nAnd, as far as it applies:\n\n{table(('Action', 'On', 'When'), more)}" if more else ""
    return always + rest


def policies_table(tasks: Sequence[AnyTask]) -> str:
    """What each task cannot do without, for the README; the task's page has the rest."""
    rows = [
        (f"[`{task.pipeline_name}@{task.major}`]({_page(task)}#iam-policy)", "; ".join(_least(task))) for task in tasks
    ]
    return table(("Task", "What IAM must allow at least"), rows)


def _least(task: AnyTask) -> Iterator[str]:
    always = [action for action in task.actions if not action.when]
    if not always:
        yield "nothing that it always needs"
    for place in dict.fromkeys(_on(action) for action in always):
        yield ", ".join(f"`{action.action}`" for action in always if _on(action) == place) + f" on {place}"


def _on(action: IamAction) -> str:
    resource = action.resource.format(**PLACES)
    return f"`{resource}`" if resource.startswith("arn:") else resource


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
