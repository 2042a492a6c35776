"""Faults of one instance in a deploy: nobody stays out of the balancer, no lock stays, nothing is green, and the old release answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.kinds.aws_kit import client_of
from tests.ec2.faults import all_have, as_the_page_says, fleet, told
from tests.ec2.services import service
from tests.ec2.test_no_request_lost import Fleet

__all__ = ["client_of", "fleet"]

FULL = "#!/bin/sh\necho Avail\necho 1000000\n"
DENIED = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>' >"$2"
printf 403
"""
CUT = """#!/bin/sh
/usr/bin/env -S PATH=/usr/bin:/bin curl "$@"
while [ "$1" != -o ]; do shift; done
truncate -s 100 "$2"
"""


def instead_of(tool: str, body: str, fleet: Fleet):
    """One instance has another tool by this name."""
    last = max(fleet.hosts, key=lambda host: host.id)
    shim = Path(last.folder, "usr/local/bin", tool)
    shim.write_text(body)
    shim.chmod(0o755)
    return last


@pytest.mark.parametrize(
    ("tool", "body", "row"),
    [
        ("df", FULL, "page: The disk of an instance is full"),
        ("curl", DENIED, "page: S3 denies the bundle to an instance"),
        ("curl", CUT, "page: The bundle arrives cut short"),
    ],
    ids=["disk full", "S3 denies it", "bundle cut"],
)
def test_an_instance_that_cannot_be_staged_leaves_all_on_the_old_release(fleet, s3, tmp_path, tool, body, row):
    last = instead_of(tool, body, fleet)
    ended = fleet.deploy(service(tmp_path, "v2"), batches="1", drain_from=fleet.group.name)
    assert ended.error is not None
    assert last.id in told(ended)
    as_the_page_says(row.removeprefix("page: "), ended.error, told(ended))
    all_have(fleet, s3, "v1")


def test_a_hook_that_hangs_on_one_instance_is_taken_back_everywhere(fleet, s3, tmp_path):
    last = max(fleet.hosts, key=lambda host: host.id)
    folder = service(tmp_path, "v2")
    yml = folder / "ropeway-app.yml"
    yml.write_text(yml.read_text().replace("scripts/validate.sh, timeout: 30s", "scripts/validate.sh, timeout: 8s"))
    script = folder / "scripts/validate.sh"
    hang = f'[ "$AWS_SSM_INSTANCE_ID" = {last.id} ] && sleep 600'
    script.write_text(script.read_text().replace("\n", f"\n{hang}\n", 1))
    ended = fleet.deploy(folder, batches="1", drain_from=fleet.group.name)
    assert ended.error is not None
    as_the_page_says("A hook hangs", ended.error, told(ended))
    all_have(fleet, s3, "v1")


def test_a_daemon_that_keeps_its_output_open_holds_up_nobody(fleet, s3, tmp_path):
    folder = service(tmp_path, "v2")
    start = folder / "scripts/start.sh"
    start.write_text(start.read_text().replace(" </dev/null >run/service.log 2>&1 &", " &"))
    ended = fleet.deploy(folder, batches="100%")
    as_the_page_says("A daemon keeps the output of its hook open", ended.error)
    all_have(fleet, s3, "v2")
