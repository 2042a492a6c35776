"""The S3 commands against the embedded AWS: what is printed, what is in the bucket, what is on the disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SITE = {"index.html": b"<h1>Hello</h1>", "assets/app.js": b"x" * 5000, "[red]colours.txt": b"blue"}


@pytest.fixture
def site(tmp_path):
    for name, data in SITE.items():
        path = tmp_path / "dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "dist"


@pytest.fixture
def aws(embedded, monkeypatch):
    """Credentials in the environment, and the option that leads to the embedded AWS."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", embedded.connection.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", embedded.connection.secret_access_key)
    monkeypatch.setenv("AWS_REGION", embedded.region)
    return ("--endpoint-url", embedded.endpoint_url)


def objects(s3, bucket: str) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in listed}


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_dry_run_of_an_upload_says_everything_and_writes_nothing(ropeway, aws, site, s3, bucket):
    answer = ropeway("s3", "upload", site, f"s3://{bucket}/v1", *aws, "--dry-run")
    assert answer.code == 0, answer.err
    assert answer.out.startswith(f"Upload 3 files (4.9 KB) from {site} to s3://{bucket}/v1\n")
    assert f"Below s3://{bucket}/v1/" in answer.out
    for name in SITE:
        assert f" {name} " in answer.out.replace("\n", " \n")
    assert objects(s3, bucket) == {}


def test_a_folder_goes_up_and_comes_back_byte_for_byte(ropeway, aws, site, s3, bucket, tmp_path):
    up = ropeway("s3", "upload", site, f"s3://{bucket}/v1", *aws)
    assert up.code == 0, up.err
    assert f"Uploaded 3 files (4.9 KB) from {site} to s3://{bucket}/v1 in " in up.out
    assert objects(s3, bucket) == {f"v1/{name}": data for name, data in SITE.items()}

    down = ropeway("s3", "download", f"s3://{bucket}/v1", tmp_path / "back", *aws, "--strip-prefix")
    assert down.code == 0, down.err
    assert "Downloaded 3 files (4.9 KB)" in down.out
    assert files(tmp_path / "back") == SITE


def test_globs_and_header_rules_are_given_once_a_line(ropeway, aws, site, s3, bucket):
    answer = ropeway(
        *("s3", "upload", site, f"s3://{bucket}", *aws),
        *("--glob-expressions", "**", "--glob-expressions", "!assets/**"),
        *("--cache-control", "*.html=no-cache", "--cache-control", "**=max-age=60"),
    )
    assert answer.code == 0, answer.err
    assert objects(s3, bucket).keys() == {"index.html", "[red]colours.txt"}
    assert s3.head_object(Bucket=bucket, Key="index.html")["CacheControl"] == "no-cache"
    assert s3.head_object(Bucket=bucket, Key="[red]colours.txt")["CacheControl"] == "max-age=60"


def test_what_is_unchanged_is_left_alone_and_counted(ropeway, aws, site, bucket):
    ropeway("s3", "upload", site, f"s3://{bucket}", *aws)
    (site / "index.html").write_text("<h1>Changed</h1>")
    answer = ropeway("s3", "upload", site, f"s3://{bucket}", *aws, "--skip-unchanged", "--json")
    assert answer.code == 0, answer.err
    assert [result["name"] for result in answer.json["results"]] == [f"s3://{bucket}/index.html"]
    assert answer.json["plan"]["totals"] == [
        {"action": "skip", "reason": "unchanged", "count": 2, "bytes": 5004},
        {"action": "upload", "reason": "content", "count": 1, "bytes": 16},
    ]
    assert answer.json["outputs"]["filesUploaded"] == "1"


def test_a_missing_bucket_is_named_with_the_option_that_makes_it(ropeway, aws, site):
    answer = ropeway("s3", "upload", site, "s3://no-such-bucket-here", *aws)
    assert answer.code == 1
    assert "NoSuchBucket" in answer.err
    assert "--create-bucket" in answer.err


def test_a_file_that_would_be_overwritten_is_named_with_the_option_that_allows_it(ropeway, aws, site, bucket):
    ropeway("s3", "upload", site, f"s3://{bucket}", *aws)
    answer = ropeway("s3", "download", f"s3://{bucket}", site, *aws, "--overwrite", "never")
    assert answer.code == 1
    assert "set --overwrite to always or changed" in answer.err


def test_nothing_to_upload_is_a_warning_where_that_was_asked_for(ropeway, aws, site, bucket):
    given = ("s3", "upload", site, f"s3://{bucket}", *aws, "--glob-expressions", "*.zip")
    assert ropeway(*given).code == 1
    assert ropeway(*given, "--no-match", "warn").code == 0
    strict = ropeway(*given, "--no-match", "warn", "--strict")
    assert strict.code == 3
    assert "Warning: No file matches" in strict.err


def test_requests_can_be_seen_without_their_secrets(ropeway, aws, site, bucket):
    answer = ropeway("s3", "upload", site, f"s3://{bucket}", *aws, "--debug")
    assert f"> PUT {aws[1]}/{bucket}/index.html" in answer.err
    assert "authorization=***" in answer.err.lower()
    assert "> PUT" not in answer.out


def test_a_profile_that_is_named_is_the_one_that_acts(ropeway, embedded, aws, site, bucket, monkeypatch, hermetic):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush, wrong")
    (hermetic / "aws-credentials").write_text("[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = s\n")
    answer = ropeway("s3", "upload", site, f"s3://{bucket}", *aws, "--profile", "work", "--debug")
    assert answer.code == 0, answer.err
    assert ropeway("s3", "upload", site, f"s3://{bucket}", *aws, "--profile", "nobody").code == 1


def test_the_installed_command_can_be_piped(aws, site, s3, bucket):
    ran = subprocess.run(
        [Path(sys.executable).parent / "ropeway", "s3", "upload", site, f"s3://{bucket}/v1", *aws, "--json"],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(ran.stdout)["status"] == "succeeded"
    assert objects(s3, bucket).keys() == {f"v1/{name}" for name in SITE}
