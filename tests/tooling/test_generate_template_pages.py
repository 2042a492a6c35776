"""The generated part of docs/templates.md."""

from __future__ import annotations

import pytest

from ropeway.registry import all_tasks
from tests.pipelines.given import ROOT, TEMPLATES, name_of, own_parameters
from tooling.generate.template_pages import blocks

TEMPLATE = """\
# A stage that carries things over, by RopewayS3Upload@1 (docs/tasks/s3-upload.md),
# and back.
#
# It never
# waits.
parameters:
  - name: many
    displayName: How many
    type: number
    default: 2
  - name: who
    displayName: Who carries
    type: string
    values:
      - ferry
      - bridge
  - name: pool
    displayName: Pool
    type: object
    default:
      vmImage: ubuntu-latest
  # parameters:begin
  - name: bucketName
    displayName: Bucket
    type: string
  # parameters:end
stages: []
"""


def test_a_template_has_its_words_a_link_to_its_task_and_a_table_of_its_own_parameters(tmp_path):
    (tmp_path / "pipelines/stages").mkdir(parents=True)
    (tmp_path / "pipelines/stages/over.yml").write_text(TEMPLATE)

    assert blocks(tmp_path, all_tasks())["templates"] == (
        "| Kind | Templates |\n"
        "| --- | --- |\n"
        "| stages | [over](#stagesoveryml) |\n\n"
        "## stages/over.yml\n\n"
        "[`pipelines/stages/over.yml`](../pipelines/stages/over.yml)\n\n"
        "A stage that carries things over, by [`RopewayS3Upload@1`](tasks/s3-upload.md#inputs), and back.\n\n"
        "It never waits.\n\n"
        "| Parameter | Type | Default | What it is |\n"
        "| --- | --- | --- | --- |\n"
        "| `many` | number | `2` | How many. |\n"
        "| `who` | string | required | Who carries. One of `ferry`, `bridge`. |\n"
        "| `pool` | object | `vmImage: ubuntu-latest` | Pool. |"
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_the_page_tells_every_parameter_that_is_a_templates_own(path):
    page = (ROOT / "docs/templates.md").read_text(encoding="utf-8")
    section = page.partition(f"## {name_of(path)}.yml\n")[2].partition("\n## ")[0]
    in_table = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert in_table == [name for name in own_parameters(path) if name]
