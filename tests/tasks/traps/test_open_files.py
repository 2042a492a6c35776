"""More keys than files may be open at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KEYS = 150
LIMIT = 100
"""Open files: far fewer than keys, and enough for 32 requests with a file each."""


def test_more_keys_than_files_may_be_open_come_whole(embedded, s3, bucket, tmp_path):
    for number in range(KEYS):
        s3.put_object(Bucket=bucket, Key=f"{number:03}", Body=str(number).encode())
    ropeway = Path(sys.executable).parent / "ropeway"
    ran = subprocess.run(
        ["bash", "-c", f'ulimit -Hn {LIMIT}; exec "$@"', "-", ropeway, "s3", "download", f"s3://{bucket}", tmp_path / "target"],
        env=os.environ
        | {
            "AWS_ENDPOINT_URL": embedded.endpoint_url,
            "AWS_REGION": embedded.region,
            "AWS_ACCESS_KEY_ID": embedded.connection.access_key_id,
            "AWS_SECRET_ACCESS_KEY": embedded.connection.secret_access_key,
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert {path.name: path.read_text() for path in (tmp_path / "target").iterdir()} == {
        f"{number:03}": str(number) for number in range(KEYS)
    }
