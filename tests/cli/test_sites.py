"""`ropeway s3 deploy`, `rollback`, `releases` and `lock`, as somebody types them."""

from __future__ import annotations

import pytest

from ropeway.outcome import Cancellation, Run
from ropeway.s3.state.lock import lock_place, locked
from ropeway.s3.state.place import site_place
from tests.s3.boto_kit import engine_at
from tests.s3.site.conftest import versioned
from tests.tasks.sites import said

ONE = {"index.html": "one", "app.C4Zk2xQ9.js": "1"}
TWO = {"index.html": "two", "app.B7yX3kLm.js": "2"}


@pytest.fixture
def aws(embedded, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", embedded.connection.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", embedded.connection.secret_access_key)
    monkeypatch.setenv("AWS_REGION", embedded.region)
    return ("--endpoint-url", embedded.endpoint_url)


@pytest.fixture
def folder(tmp_path):
    def make(files):
        source = tmp_path / "dist"
        source.mkdir(exist_ok=True)
        for old in source.iterdir():
            old.unlink()
        for name, body in files.items():
            (source / name).write_text(body)
        return source

    return make


@pytest.fixture
def site(s3, bucket, monkeypatch):
    monkeypatch.setattr("ropeway.s3.state.lock.PAUSE", 0.1)
    versioned(s3, bucket)
    return f"s3://{bucket}/docs"


@pytest.fixture
def deploy(ropeway, aws, folder, site):
    def run(release, files, *more):
        return ropeway("s3", "deploy", folder(files), site, "--release-id", release, *aws, *more)

    return run


def page(s3, bucket):
    return s3.get_object(Bucket=bucket, Key="docs/index.html")["Body"].read().decode()


def test_a_dry_run_shows_each_step_with_its_reason_and_writes_nothing(deploy, s3, bucket, site):
    answer = deploy("41", ONE, "--dry-run")
    assert answer.code == 0, answer.err
    assert answer.out.startswith(f"Release 41 to {site}: upload 2 objects (4 bytes)\n")
    assert "upload  new      1 byte  app.C4Zk2xQ9.js\n" in answer.out
    assert answer.out.index("app.C4Zk2xQ9.js") < answer.out.index("index.html")
    assert "Dry run: nothing was written" in answer.err
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_two_releases_are_listed_and_the_first_comes_back(deploy, ropeway, aws, s3, bucket, site):
    assert deploy("41", ONE).code == 0
    assert deploy("42", TWO, "--max-delete-percent", "100").code == 0
    listed = ropeway("s3", "releases", site, *aws)
    assert listed.out.splitlines()[0] == f"Release 42 is live at {site}."
    assert [line.split()[:2] for line in listed.out.splitlines()[3:]] == [["*", "42"], ["41", "was"]]

    planned = ropeway("s3", "rollback", site, *aws, "--dry-run")
    assert planned.out.startswith(f"Roll back {site} to release 41 from 42: copy 1 object\n")
    assert page(s3, bucket) == "two"
    back = ropeway("s3", "rollback", site, *aws)
    assert back.code == 0, back.err
    assert f"Rolled {site} back to release 41: 1 object copied" in back.out
    assert page(s3, bucket) == "one"
    told = ropeway("s3", "releases", site, *aws, "--json").json
    assert (told["site"], told["live"]) == (site, "41")
    assert [(one["id"], one["state"], one["live"]) for one in told["releases"]] == [
        ("42", "rolledBack", False),
        ("41", "live", True),
    ]


def test_a_named_release_comes_back(deploy, ropeway, aws, s3, bucket, site):
    for release, text in (("41", "one"), ("42", "two"), ("43", "three")):
        assert deploy(release, {"index.html": text}).code == 0
    assert ropeway("s3", "rollback", site, "41", *aws).code == 0
    assert page(s3, bucket) == "one"
    unknown = ropeway("s3", "rollback", site, "9", *aws)
    assert unknown.code == 2
    assert "Error: There is no release 9. The last ones are: 41, 42, 43." in unknown.err


def test_a_site_without_releases_says_so(ropeway, aws, site):
    assert ropeway("s3", "releases", site, *aws).out == f"There are no releases at {site}.\n"
    nothing = ropeway("s3", "rollback", site, *aws)
    assert nothing.code == 1
    assert "Error: There is no release before the first one to go back to." in nothing.err


def test_a_lock_is_shown_and_broken(deploy, ropeway, aws, embedded, bucket, site):
    place = lock_place(site_place(f"s3://{bucket}", "docs"))
    assert ropeway("s3", "lock", "status", site, *aws).out == f"The lock {place.address} is free.\n"
    with engine_at(embedded) as engine, locked(engine, place, "build 7", "release 41", Run()) as lock:
        held = ropeway("s3", "lock", "status", site, *aws)
        assert held.out.startswith(f"The lock {place.address} is held: build 7 holds it (release 41)")
        assert ropeway("s3", "lock", "status", site, *aws, "--json").json["held"] is True
        refused = deploy("42", ONE, "--lock", "fail")
        assert refused.code == 1
        assert f"The lock {place.address} is not free: build 7 holds it" in refused.err
        assert "Next: Nothing was changed." in refused.err
        left = ropeway("s3", "lock", "break", site, *aws, "--dry-run")
        assert left.out.endswith("Dry run: it was left as it is.\n")
        assert lock.verify(Cancellation())
        broken = ropeway("s3", "lock", "break", site, *aws)
        assert broken.out == f"The lock {place.address} was taken from build 7 (release 41), and is free.\n"
        assert deploy("42", ONE).code == 0
    again = ropeway("s3", "lock", "break", site, *aws, "--json")
    assert again.json == {"lock": place.address, "broken": False, "owner": ""}


def test_a_lock_is_broken_with_the_encryption_that_the_bucket_demands(ropeway, aws, embedded, s3, bucket, site):
    place = lock_place(site_place(f"s3://{bucket}", "docs"))
    with engine_at(embedded) as engine, locked(engine, place, "build 7", "release 41", Run()):
        assert s3.head_object(Bucket=bucket, Key=place.key)["ServerSideEncryption"] == "AES256"
        assert ropeway("s3", "lock", "break", site, *aws, "--key-management", "awsManaged").code == 0
        assert s3.head_object(Bucket=bucket, Key=place.key)["ServerSideEncryption"] == "aws:kms"


@pytest.mark.parametrize("words", [("releases",), ("rollback",), ("lock", "status"), ("lock", "break")])
def test_each_command_has_its_help_and_wants_a_place(ropeway, words):
    help = ropeway("s3", *words, "--help").out
    assert help.startswith(f"Usage: ropeway s3 {' '.join(words)} [OPTIONS] ")
    assert "\n  s3://BUCKET/PREFIX\n" in help
    missing = ropeway("s3", *words)
    assert missing.code == 2
    assert "A bucket (s3://BUCKET/PREFIX or --bucket-name) is required." in missing.err


@pytest.mark.parametrize("words", [("s3", "releases"), ("s3", "lock", "status"), ("ec2", "releases")], ids=" ".join)
def test_what_only_reads_offers_neither_a_dry_run_nor_encryption(ropeway, words):
    help = ropeway(*words, "--help").out
    assert "--state-location" in help or "--bucket-prefix" in help
    assert "--dry-run" not in help
    assert "Server-side encryption" not in help
    refused = ropeway(*words, "--dry-run")
    assert refused.code == 2
    assert "No such option: --dry-run" in refused.err


@pytest.mark.parametrize("words", [("s3", "lock", "break"), ("ec2", "recover")], ids=" ".join)
def test_what_changes_the_state_offers_both(ropeway, words):
    help = ropeway(*words, "--help").out
    assert "--dry-run" in help
    assert "--kms-master-key-id" in help


def test_the_group_lists_them(ropeway):
    help = ropeway("s3", "--help").out
    for line in (
        "releases\n      List the releases of a site",
        "rollback\n      Make an earlier release",
        "lock\n      The lock of a site",
    ):
        assert f"\n  {line}" in help
    assert "\n  break\n      Free the lock, whoever holds it." in ropeway("s3", "lock", "--help").out


def test_a_release_whose_run_died_in_its_checks_is_listed_as_that(deploy, ropeway, aws, site, tmp_path, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    checks = tmp_path / "checks.yml"
    checks.write_text("checks: {home page: {http: {url: 'http://127.0.0.1:9', status: 200}}}")
    with monkeypatch.context() as patch:
        patch.setattr("ropeway.s3.site.gate.Gate.ask", die)
        deploy("41", ONE, "--checks-file", str(checks))
    listed = ropeway("s3", "releases", site, *aws)
    (words,) = said("The run dies while its checks are asked")
    assert f"live, {words}" in " ".join(listed.out.split())


def test_a_release_that_had_failed_and_was_made_live_again_is_listed_as_that(deploy, ropeway, aws, site, tmp_path):
    checks = tmp_path / "checks.yml"
    check = "http: {url: 'http://127.0.0.1:9', status: 200}"
    checks.write_text(f"within: 1s\ndefaults: {{failures: 0}}\nchecks: {{home page: {{{check}}}}}")
    assert deploy("41", ONE).code == 0
    assert (
        deploy("42", TWO, "--checks-file", str(checks), "--on-failure", "fail", "--max-delete-percent", "100").code == 1
    )
    assert deploy("43", ONE, "--max-delete-percent", "100").code == 0
    assert ropeway("s3", "rollback", site, "42", *aws).code == 0
    (words,) = said("A rollback names a release that had failed, and asks no checks")
    listed = " ".join(ropeway("s3", "releases", site, *aws).out.split())
    assert f"live, {words}" in listed
    assert "checks not seen to the end" not in listed
    told = ropeway("s3", "releases", site, *aws, "--json").json["releases"]
    assert [(one["id"], one["failedBefore"]) for one in told] == [("43", False), ("42", True), ("41", False)]
    assert deploy("42", TWO).code == 0
