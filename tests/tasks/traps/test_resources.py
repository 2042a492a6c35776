"""Many keys on a machine that allows few open files; networks that are reached without their proxy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ropeway.errors import NetworkError
from tests.servers.misbehaving import Answer

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


def test_no_proxy_of_the_environment_is_kept(run_task, make_tree, misbehaving, monkeypatch):
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _name, *rest, **more: resolve("127.0.0.1", *rest, **more))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    misbehaving.on(Answer(body=b"<ListBucketResult/>"))
    store = misbehaving.url.replace("127.0.0.1", "store.test")
    given = {"bucket_name": "shop", "source_folder": make_tree({"a": b"1"}), "endpoint_url": store}
    with pytest.raises(NetworkError, match="proxy"):
        run_task("s3_upload", only_plan=True, **given)
    monkeypatch.setenv("NO_PROXY", "store.test")
    run_task("s3_upload", only_plan=True, **given)
    assert [request.target.split("?")[0] for request in misbehaving.requests] == ["/shop"]
