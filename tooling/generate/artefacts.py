"""What is generated, and from what. No clock, no network: the declarations and the files that are filled in or extended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ropeway.s3.site.settings import SiteSettings
from ropeway.tasks.task import Task
from tooling.generate import checks, editors, errors, ledger, migrating, pages, template_pages, templates, version
from tooling.generate.blocks import fill
from tooling.generate.task_json import task_json

AnyTask = Task[Any, Any]

LEDGER = "tooling/ledgers/inputs.json"


@dataclass(frozen=True)
class Artefact:
    """A generated file: its path below the root, with `/`, and its whole text."""

    path: str
    text: str

    def differs(self, root: Path) -> bool:
        file = root / self.path
        return not file.exists() or file.read_bytes() != self.text.encode()

    def write(self, root: Path) -> None:
        file = root / self.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.text.encode())


def render(root: Path, tasks: Sequence[AnyTask]) -> tuple[Artefact, ...]:
    """Every artefact, in a stable order. Raises GenerateError."""
    number = version.project_version(_text(root, "pyproject.toml"))
    return (
        Artefact(LEDGER, ledger.grown(_text(root, LEDGER), tasks)),
        Artefact("python/ropeway/version.py", version.module(number)),
        *(Artefact(f"tasks/{task.name}/task.json", task_json(task, number)) for task in tasks),
        Artefact(checks.SCHEMA, checks.schema()),
        Artefact(editors.SCHEMA, editors.schema(tasks)),
        *(Artefact(path, fill(path, _text(root, path), blocks)) for path, blocks in _pages(tasks)),
        Artefact(template_pages.PAGE, _templates_page(root, tasks)),
    )


def _pages(tasks: Sequence[AnyTask]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The hand-written pages with the blocks that are generated into them."""
    yield "README.md", {"tasks": pages.tasks_table(tasks), "policies": pages.policies_table(tasks)}
    for task in tasks:
        page = "-".join(task.command)
        yield f"docs/tasks/{page}.md", pages.blocks(task)
        yield f"pipelines/steps/{page}.yml", templates.step_blocks(task)
    yield "docs/checks.md", checks.blocks()
    yield "docs/deploying-a-site.md", {"settings": checks.settings_table(SiteSettings)}
    yield "docs/migrating.md", migrating.blocks(tasks)
    yield "docs/troubleshooting.md", errors.blocks()
    yield from _templates({task.name: task for task in tasks})


def _templates(tasks: Mapping[str, AnyTask]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The jobs, and the stages that are made of them."""
    upload, site, service = tasks["S3Upload"], tasks["S3Deploy"], tasks["EC2Deploy"]
    yield "pipelines/jobs/upload-to-s3.yml", templates.job_blocks(upload, {"sourceFolder"})
    yield "pipelines/jobs/upload-in-parts.yml", templates.job_blocks(upload, {"sourceFolder", "shard"})
    yield "pipelines/jobs/release-s3.yml", templates.release_blocks(site, {"sourceFolder", "mode"})
    yield "pipelines/jobs/release-ec2.yml", templates.release_blocks(service, {"sourcePath", "mode"})
    yield "pipelines/stages/upload-to-s3.yml", templates.stage_blocks(upload, {"sourceFolder"})
    yield "pipelines/stages/release-s3.yml", templates.stage_blocks(site, {"sourceFolder", "mode"})
    yield "pipelines/stages/release-ec2.yml", templates.stage_blocks(service, {"sourcePath", "mode"})
    yield "pipelines/stages/canary-ec2.yml", templates.canary_blocks(service, {"sourcePath", "mode"})


def _templates_page(root: Path, tasks: Sequence[AnyTask]) -> str:
    page = template_pages.PAGE
    return fill(page, _text(root, page), template_pages.blocks(root, tasks))


def _text(root: Path, path: str) -> str:
    file = root / path
    return file.read_bytes().decode() if file.exists() else ""
