"""S3Deploy: what visitors find afterwards, what the state says, and what the user reads."""

from __future__ import annotations

import json

import pytest

from ropeway.errors import InputError, IntegrityError, LocalFileError, NothingMatched, RopewayError
from tests.s3.boto_kit import each_engine
from tests.servers.misbehaving import _forwarded
from tests.tasks.sites import ONE, TWO, back, build, deploy, history, listed, outputs, shown, suite

__all__ = ["back", "build", "deploy", "suite"]


@each_engine
def test_a_site_is_released_and_taken_back(deploy, back, s3, bucket):
    ran = deploy("41", ONE)
    assert ran.outcome.error is None
    assert ran.outcome.title == f"Released 41 to s3://{bucket}/docs: 3 objects uploaded"
    assert shown(s3, bucket) == ONE
    ran = deploy("42", TWO)
    assert (ran.outcome.error, ran.outcome.warnings) == (None, ())
    assert shown(s3, bucket) == {**TWO, "app-C4Zk2xQ9.js": b"one()"}
    assert history(s3, bucket) == ("42", {"41": "live", "42": "live"})
    assert outputs(ran.outcome) == {
        "result": "live",
        "releaseId": "42",
        "liveRelease": "42",
        "previousRelease": "41",
        "siteUrl": "",
        "s3Prefix": f"s3://{bucket}/docs",
        "changedPaths": "/app-B7yX3kLm.js\n/index.html",
        "filesUploaded": "2",
        "filesCopied": "0",
        "filesDeleted": "0",
        "filesUnchanged": "2",
        "bytesUploaded": "46",
    }
    ran = back()
    assert ran.outcome.title == f"Rolled s3://{bucket}/docs back to release 41: 1 object copied"
    assert shown(s3, bucket) == {**ONE, "app-B7yX3kLm.js": b"two()"}
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})


# --- what it costs, and what it leaves alone ------------------------------------------------------------------------------------


def test_a_release_that_is_live_already_changes_nothing(deploy, s3, bucket):
    deploy("41", ONE)
    before = s3.list_object_versions(Bucket=bucket, Prefix="docs/")["Versions"]
    ran = deploy("41", ONE)
    assert ran.outcome.title == f"Released 41 to s3://{bucket}/docs: no object changed"
    assert (outputs(ran.outcome)["result"], outputs(ran.outcome)["filesUnchanged"]) == ("live", "3")
    assert s3.list_object_versions(Bucket=bucket, Prefix="docs/")["Versions"] == before


def test_an_unchanged_site_costs_its_listing_and_ten_requests(deploy, misbehaving, embedded, s3, bucket):
    files = {f"{n}.html": f"{n}".encode() for n in range(60)}
    deploy("41", files)
    misbehaving.upstream = embedded.endpoint_url
    deploy("42", files, endpoint_url=misbehaving.url)
    assert history(s3, bucket)[0] == "42"
    assert len(misbehaving.requests) <= 1 + 10
    misbehaving.requests.clear()
    deploy("43", {**files, "7.html": b"changed"}, endpoint_url=misbehaving.url)
    assert len(misbehaving.requests) <= 1 + 10 + 9
    assert shown(s3, bucket)["7.html"] == b"changed"


def test_a_dry_run_reads_and_writes_nothing(deploy, run_task, s3, bucket):
    plan = deploy("41", ONE, only_plan=True).plan
    assert [(step.action, str(step.reason), step.name.rpartition("/")[2]) for step in plan.steps] == [
        ("upload", "new", "app-C4Zk2xQ9.js"),
        ("upload", "new", "about.html"),
        ("upload", "new", "index.html"),
    ]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_protected_objects_survive_releases_and_rollbacks_that_do_not_name_them(deploy, back, s3, bucket):
    s3.put_object(Bucket=bucket, Key="docs/uploads/a.png", Body=b"theirs")
    for release, files in (("41", ONE), ("42", TWO)):
        assert deploy(release, files, settings="site: {protected: ['uploads/**']}").outcome.error is None
    assert back().outcome.error is None
    assert shown(s3, bucket)["uploads/a.png"] == b"theirs"


def test_a_private_place_keeps_the_state_of_two_buckets_apart(deploy, back, run_task, make_tree, s3, bucket):
    for name in ("state", "other"):
        s3.create_bucket(Bucket=f"{bucket}-{name}")
    where = {"state_location": f"s3://{bucket}-state/ropeway"}
    deploy("41", ONE, **where)
    deploy("41", TWO, **where, bucket_name=f"{bucket}-other")
    assert {key for key in listed(s3, bucket) if ".ropeway" in key} == set()
    assert {key.split("/")[3] for key in listed(s3, f"{bucket}-state")} == {
        f"s3%3A%2F%2F{bucket}%2Fdocs",
        f"s3%3A%2F%2F{bucket}-other%2Fdocs",
    }
    deploy("42", TWO, **where)
    assert outputs(back(**where).outcome)["liveRelease"] == "41"


def test_what_was_compressed_on_the_way_is_gone_afterwards(deploy, s3, bucket, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    ran = deploy("41", {"long.js": b"x" * 5000}, settings="site: {gzip: '**'}")
    assert ran.outcome.error is None
    assert s3.head_object(Bucket=bucket, Key="docs/long.js")["ContentEncoding"] == "gzip"
    assert list((tmp_path / "temporary").iterdir()) == []


# --- what is refused before anything is changed ---------------------------------------------------------------------------------


@pytest.fixture
def untouched(deploy, s3, bucket):
    """Release 41 is live; at the end nothing of it, and nothing of its state, is otherwise."""
    deploy("41", ONE)
    before = s3.list_object_versions(Bucket=bucket)
    yield
    after = s3.list_object_versions(Bucket=bucket)
    kept = [one for one in after["Versions"] if not one["Key"].endswith("lock.json")]
    assert kept == [one for one in before["Versions"] if not one["Key"].endswith("lock.json")]
    assert "DeleteMarkers" not in after


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"settings": "site: {headers: {'**': {cacheControl: x}, '*.html': {cacheControl: y}}}"},
            r"settings:1:\d+: \*\.html never counts",
        ),
        (
            {"settings": "site: {headers: {'*.html': {cacheControll: x}}}"},
            r"settings:1:29: 'cacheControll' is not a setting of \*\.html\. Did you mean cacheControl\?",
        ),
        ({"settings": "sight: {}"}, r"settings:1:1: 'sight' is not a setting of settings\. Did you mean site\?"),
        ({"settings": "site: {}", "settings_file": "ropeway.yml"}, "settings and settingsFile are both set"),
        ({"settings_file": "elsewhere.yml"}, "There are no settings at elsewhere.yml"),
        ({"glob_expressions": "!*.map"}, "globExpressions only takes files out"),
        ({"release_id": "a\nb"}, "The release id is"),
        ({"protected": "x!(a)!(b)!(c)!(d)!(e)!(f)"}, r"protected is no glob\. .* in one name"),
        ({"target_folder": "../docs"}, "a key's prefix knows no . or .. folders"),
        ({"target_folder": ".ropeway/x"}, "Ropeway keeps its own state in .ropeway"),
        ({"state_location": "bucket/prefix"}, "stateLocation is 'bucket/prefix'; write it as s3://bucket"),
        ({"checks_file": "no-suite.yml"}, "There is no suite at no-suite.yml"),
        ({"site_url": "www.example.com"}, "siteUrl is 'www.example.com'; it must begin with https://"),
        ({"mode": "takeBack"}, "takeBack finds the release by build and stage"),
    ],
)
def test_a_mistake_in_what_is_asked_changes_nothing(deploy, untouched, given, words):
    with pytest.raises(InputError, match=words):
        deploy("42", TWO, **given)


def test_a_source_that_is_not_there_or_empty_changes_nothing(deploy, untouched, run_task, make_tree, bucket, tmp_path):
    given = {"bucket_name": bucket, "target_folder": "docs", "release_id": "42"}
    with pytest.raises(LocalFileError, match="nowhere"):
        run_task("s3_deploy", source_folder=str(tmp_path / "nowhere"), **given)
    with pytest.raises(NothingMatched, match="has no files: a release of it would delete the whole site"):
        run_task("s3_deploy", source_folder=make_tree({}, "empty"), **given)


def test_an_empty_source_empties_the_site_when_it_is_asked_to(deploy, s3, bucket):
    deploy("41", {"index.html": b"one"})
    assert deploy("42", {}, allow_empty="true").outcome.error is None
    assert shown(s3, bucket) == {}


def test_more_deletes_than_allowed_change_nothing(deploy, untouched):
    with pytest.raises(RopewayError, match=r"1 object would be deleted, and at most 0 objects may be \(maxDelete\)"):
        deploy("42", {"index.html": b"new", "app-C4Zk2xQ9.js": b"one()"}, max_delete="0")


def test_an_id_that_names_other_content_changes_nothing(deploy, untouched):
    with pytest.raises(InputError, match=r"Release 41 is there already \(live\), with other files"):
        deploy("41", TWO)


def test_the_state_of_a_newer_ropeway_changes_nothing(deploy, s3, bucket):
    deploy("41", ONE)
    key = ".ropeway/sites/docs/releases.json"
    told = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({**told, "version": 7}))
    with pytest.raises(IntegrityError, match=r"has form 7, and this Ropeway knows forms up to 1\. A newer Ropeway"):
        deploy("42", TWO)
    assert shown(s3, bucket) == ONE


def test_a_site_above_another_one_does_not_swallow_it(deploy, s3, bucket):
    deploy("41", ONE, target_folder="docs/v2")
    with pytest.raises(InputError) as refused:
        deploy("1", TWO)
    assert refused.value.message == (
        f"s3://{bucket}/docs/ has another site of Ropeway's below it, s3://{bucket}/docs/v2, and this would change "
        f"s3://{bucket}/docs/v2/about.html, s3://{bucket}/docs/v2/index.html. Nothing was changed."
    )
    with pytest.raises(InputError, match=r"has another site of Ropeway's below it, s3://.*/docs/v2"):
        deploy("1", TWO, target_folder="")
    assert shown(s3, bucket, "docs/v2/") == ONE
    assert deploy("1", TWO, protected="v2/**").outcome.error is None
    assert shown(s3, bucket, "docs/v2/") == ONE


def test_a_neighbour_whose_name_begins_alike_is_no_site_below(deploy, s3, bucket):
    deploy("41", ONE, target_folder="docs2")
    assert deploy("41", TWO).outcome.error is None
    assert shown(s3, bucket, "docs2/") == ONE


def test_a_bucket_without_versions_is_refused_where_checks_are_to_roll_back(run_task, make_tree, suite, s3, bucket):
    given = {"bucket_name": bucket, "source_folder": make_tree(ONE), "release_id": "41", "checks_file": suite("41")}
    with pytest.raises(
        InputError, match=r"the bucket .* keeps no versions: what a release overwrites could not be brought back"
    ):
        run_task("s3_deploy", **given)
    assert listed(s3, bucket) == []
    assert run_task("s3_deploy", **given, on_failure="fail").outcome.error is None


def test_a_rollback_in_a_bucket_without_versions_says_what_is_lost(run_task, make_tree, s3, bucket):
    for release, files in (("41", ONE), ("42", TWO)):
        source = make_tree(files, f"source{release}")
        run_task("s3_deploy", bucket_name=bucket, source_folder=source, release_id=release)
    with pytest.raises(
        RopewayError, match=r"cannot be brought back, because the bucket has not kept the version: .*/index.html"
    ):
        run_task("s3_deploy", bucket_name=bucket, mode="rollback")
    assert s3.get_object(Bucket=bucket, Key="index.html")["Body"].read() == TWO["index.html"]


def test_a_store_without_conditional_writes_is_refused_each_time_and_works_without_a_lock(
    deploy, misbehaving, embedded, s3, bucket
):
    def forgetful(request):
        for name in [name for name in request.headers if name.lower() in {"if-match", "if-none-match"}]:
            del request.headers[name]
        return _forwarded(embedded.endpoint_url, request)

    misbehaving.on(forgetful)
    for _ in range(2):
        with pytest.raises(InputError, match="knows no conditional writes: it cannot keep two deployers apart"):
            deploy("41", ONE, endpoint_url=misbehaving.url)
        assert listed(s3, bucket) == []
    assert deploy("41", ONE, endpoint_url=misbehaving.url, lock="none").outcome.error is None
    assert shown(s3, bucket) == ONE


@pytest.mark.parametrize("checksums", ["whenSupported", "whenRequired"])
def test_a_bucket_whose_objects_tell_no_digest_is_released_to(deploy, s3, bucket, checksums):
    """KMS makes an ETag tell nothing, and without checksums nothing else does."""
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    for release, files in (("41", ONE), ("42", TWO)):
        assert deploy(release, files, checksums=checksums).outcome.error is None
    assert shown(s3, bucket)["index.html"] == TWO["index.html"]
    assert history(s3, bucket) == ("42", {"41": "live", "42": "live"})


def test_what_others_wrote_over_an_object_that_tells_no_digest_is_seen(deploy, misbehaving, embedded, s3, bucket):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    misbehaving.upstream = embedded.endpoint_url

    def overwriting(request):
        answer = _forwarded(embedded.endpoint_url, request)
        key = {"Bucket": bucket, "Key": "docs/about.html"}
        s3.put_object(**key, Body=b"theft", ContentType="text/html; charset=utf-8", CacheControl="no-cache")
        return answer

    misbehaving.on(overwriting, method="PUT", target="docs/about.html", times=1)
    ran = deploy("41", ONE, checksums="whenRequired", endpoint_url=misbehaving.url)
    assert f"s3://{bucket}/docs/about.html is not what was just released: somebody else" in str(ran.outcome.error)


# --- who may read what ------------------------------------------------------------------------------------------------------------


def manifest(s3, bucket, release):
    return json.loads(s3.get_object(Bucket=bucket, Key=f".ropeway/sites/docs/releases/{release}.json")["Body"].read())


def open_to_all(s3, bucket):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def test_a_manifest_tells_who_and_which_commit(deploy, build, s3, bucket):
    build("7")
    ran = deploy("", ONE)
    assert outputs(ran.outcome)["releaseId"] == "7"
    assert (manifest(s3, bucket, "7")["who"], manifest(s3, bucket, "7")["commit"]) == ("Ada", "c0ffee")


def test_state_that_visitors_can_read_is_warned_of_and_tells_no_names(deploy, build, s3, bucket):
    build("7")
    open_to_all(s3, bucket)
    for release in ("7", "8"):
        (warning,) = deploy(release, ONE).outcome.warnings
        assert warning.startswith(f"Visitors can read what Ropeway keeps at s3://{bucket}/.ropeway/sites/docs")
        assert (manifest(s3, bucket, release)["who"], manifest(s3, bucket, release)["commit"]) == ("", "")
    kept = "".join(
        s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in listed(s3, bucket) if ".ropeway" in key
    )
    assert "Ada" not in kept
    assert "c0ffee" not in kept
