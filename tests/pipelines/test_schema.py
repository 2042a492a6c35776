"""Our YAML against the public schema of Azure Pipelines with our steps, and against that of our steps alone; and that both can fail."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "pipelines").rglob("*.yml"))
PAGES = sorted(
    [*ROOT.glob("docs/tasks/*.md"), ROOT / "docs/pipelines.md", ROOT / "docs/deploying-a-site.md", ROOT / "README.md"]
)

STEP = """\
steps:
  - task: RopewayS3Upload@1
    inputs:
      bucketName: my-site
      skipUnchanged: true
      maxConcurrency: 8
      storageClass: STANDARD_IA
"""


def test_every_template_and_example_is_valid(refused):
    assert len(TEMPLATES) >= 5
    assert refused(*TEMPLATES) == set()


def test_the_yaml_in_the_documentation_is_valid(refused, tmp_path):
    examples = [
        (f"{page.stem}-{at}.yml", example)
        for page in PAGES
        for at, example in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
        if not example.startswith("site:")  # of ropeway.yml
    ]
    assert len(examples) >= len(PAGES)
    assert refused(*(_written(tmp_path / name, _pipeline(example)) for name, example in examples)) == set()


def _pipeline(example: str) -> str:
    return f"steps:\n{textwrap.indent(example, '  ')}" if example.startswith("- ") else example


def _written(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


RIGHT = {
    "as-it-is": STEP,
    "a-boolean-in-any-case": STEP.replace("true", "'True'"),
    "a-macro-for-a-choice": STEP.replace("STANDARD_IA", "$(storageClass)"),
    "an-expression-for-a-number": STEP.replace("8", "${{ parameters.many }}"),
    "steps-of-somebody-else": STEP + "  - ${{ parameters.more }}\n",
    "an-input-that-an-expression-inserts": STEP + "      ${{ if eq(1, 1) }}:\n        regionName: eu-west-1\n",
    "a-number-for-text": STEP + "      targetFolder: 7\n",
    "one-of-microsofts-own": "steps:\n  - task: CmdLine@2\n    inputs:\n      script: echo\n",
}
WRONG = {
    "another-input": STEP.replace("bucketName", "bucket"),
    "an-input-too-many": STEP + "      colour: red\n",
    "a-required-one-left-out": STEP.replace("bucketName: my-site", "regionName: eu-west-1"),
    "another-choice": STEP.replace("STANDARD_IA", "STANDRAD"),
    "a-boolean-that-is-none": STEP.replace("true", "perhaps"),
    "an-input-that-an-expression-inserts-and-nobody-has": STEP + "      ${{ if eq(1, 1) }}:\n        colour: red\n",
    "a-number-that-is-none": STEP.replace("8", "many"),
    "another-task": STEP.replace("S3Upload", "S3Uplaod"),
    "another-major": STEP.replace("@1", "@7"),
    "another-key": STEP.replace("inputs:", "input:"),
}
WRONG_ELSEWHERE = {
    "words-for-a-step": STEP + "  - more\n",
    "a-stage-that-is-none": "stages:\n  - stage: a\n    job: b\n",
}
"""Nothing that the schema of our steps alone knows of."""


def test_what_is_wrong_is_refused_and_what_is_right_is_not(refused, tmp_path):
    asked = {f"{name}.yml": content for name, content in (RIGHT | WRONG | WRONG_ELSEWHERE).items()}
    paths = [_written(tmp_path / name, content) for name, content in asked.items()]
    wrong = WRONG if refused.alone else WRONG | WRONG_ELSEWHERE
    assert refused(*paths) == {f"{name}.yml" for name in wrong}


def test_another_input_in_one_of_our_templates_is_refused(refused, tmp_path):
    template = (ROOT / "pipelines/steps/s3-upload.yml").read_text(encoding="utf-8")
    broken = template.replace("bucketName: ${{", "pailName: ${{")
    assert broken != template
    assert refused(_written(tmp_path / "broken.yml", broken)) == {"broken.yml"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_names_only_templates_that_are_there(path):
    for named in re.findall(r"template: (\S+)", path.read_text(encoding="utf-8")):
        place, _, repository = named.partition("@")
        assert (ROOT / place if repository else path.parent / place).is_file(), named
