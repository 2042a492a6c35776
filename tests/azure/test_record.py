from __future__ import annotations

import json
from pathlib import Path

from ropeway.azure.record import new_folder, write_list, write_summary
from ropeway.outcome import Done
from tests.azure.plans import denied, outcome, plan, skip, upload


def test_each_run_keeps_its_files_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = {new_folder(str(tmp_path)) for _ in range(3)}
    assert {Path(folder).parent for folder in folders} == {tmp_path}
    assert len(folders) == 3


def test_the_summary_is_named_after_the_task(tmp_path: Path) -> None:
    path = write_summary(str(tmp_path), "RopewayS3Upload", plan(upload("s3://bucket/ü\udcff")), None)
    assert Path(path) == tmp_path / "RopewayS3Upload.md"
    assert "s3&#58;&#47;/bucket/ü&#92;xff" in Path(path).read_text("utf-8")


def test_the_list_has_a_json_object_a_line_for_each_step(tmp_path: Path) -> None:
    steps = [skip(), upload("s3://bucket/a\n##vso[a.b]"), upload("s3://bucket/b"), upload("s3://bucket/\udcff")]
    path = write_list(
        str(tmp_path),
        plan(*steps),
        outcome(plan(*steps), Done(steps[1], version_id="v1"), Done(steps[2], error=denied("b"))),
    )
    assert "##" not in Path(path).read_text("ascii")
    why = "Could not upload b: AWS answered AccessDenied: Access Denied (request id R1)."
    new = {"action": "upload", "reason": "new", "size": 1536}
    kept = {"action": "skip", "reason": "unchanged", "size": 10}
    assert [json.loads(line) for line in Path(path).read_text("ascii").splitlines()] == [
        {"name": "s3://bucket/kept.txt", **kept, "done": False, "error": None, "versionId": None},
        {"name": "s3://bucket/a\n##vso[a.b]", **new, "done": True, "error": None, "versionId": "v1"},
        {"name": "s3://bucket/b", **new, "done": False, "error": why, "versionId": None},
        {"name": "s3://bucket/\udcff", **new, "done": False, "error": None, "versionId": None},
    ]
