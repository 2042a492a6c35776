"""docs/ec2-example, deployed: it starts, is seen to be the right release, stops for the next one, and a broken one goes back."""

from __future__ import annotations

import shutil
import urllib.request
from pathlib import Path

from tests.checks.kinds.aws_kit import client_of
from tests.ec2.test_no_request_lost import Fleet

__all__ = ["client_of"]

EXAMPLE = Path(__file__).parents[2] / "docs/ec2-example"


def answers(fleet: Fleet) -> list[str]:
    told = []
    for host in fleet.hosts:
        with urllib.request.urlopen(f"http://{host.address}:8080/", timeout=10) as answer:
            told.append(answer.read().decode().strip())
    return told


def test_the_example_app_is_deployed_and_a_broken_release_of_it_is_taken_back(
    embedded, client_of, bucket, monkeypatch, tmp_path
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    fleet = Fleet(embedded, client_of, bucket, 2)
    checks = {"host_checks_file": str(EXAMPLE / "host-checks.yml"), "batches": "1,100%"}
    for release in ("1", "2"):
        assert fleet.deploy(EXAMPLE, release_id=release, **checks).error is None
        assert answers(fleet) == [release, release]

    broken = tmp_path / "broken"
    shutil.copytree(EXAMPLE, broken)
    (broken / "service.py").write_text("raise SystemExit('no database')\n")
    validate = broken / "scripts/validate.sh"
    validate.write_text(validate.read_text().replace("{1..100}", "{1..5}"))
    ended = fleet.deploy(broken, release_id="3", **checks)
    assert "ValidateService: scripts/validate.sh ended with exit code 1." in str(ended.error)
    assert "asked for 3, got no answer" in str(ended.error)
    assert "no database" in str(ended.error)
    assert answers(fleet) == ["2", "2"]
