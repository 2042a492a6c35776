"""S3Upload: what is in the bucket afterwards, and what the user reads."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import boto3
import pytest

from ropeway.aws.connection import Network
from ropeway.aws.session import connect
from ropeway.errors import BucketMissing, Cancelled, InputError, LocalFileError, NothingMatched, RopewayError
from ropeway.outcome import Run
from ropeway.tasks import s3_upload

SITE = {"index.html": b"<h1>hello</h1>", "js/app.mjs": b"export {}", "img/a b.png": b"\x89PNG", ".well-known/x": b"dot"}


def keys(s3, bucket: str) -> list[str]:
    return sorted(item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []))


def body(s3, bucket: str, key: str, **rest) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key, **rest)["Body"].read()


def reasons(plan) -> dict[str, str]:
    return {step.name.rsplit("/", 1)[-1]: str(step.reason) for step in plan.steps}


def client_of(embedded, service: str):
    keys = embedded.connection
    return boto3.client(
        service,
        endpoint_url=embedded.endpoint_url,
        region_name=embedded.region,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )


def outputs(outcome) -> dict[str, str]:
    return {output.name: output.value for output in outcome.outputs}


def test_every_file_is_in_the_bucket_byte_for_byte(run_task, make_tree, s3, bucket):
    ran = run_task("s3_upload", bucket_name=bucket, source_folder=make_tree(SITE), target_folder="site/v1")
    assert keys(s3, bucket) == sorted(f"site/v1/{name}" for name in SITE)
    assert {name: body(s3, bucket, f"site/v1/{name}") for name in SITE} == SITE
    assert ran.outcome.status == "succeeded"
    assert (
        ran.outcome.title
        == f"Uploaded 4 files (30 bytes) from {ran.plan.inputs.source_folder} to s3://{bucket}/site/v1"
    )
    assert outputs(ran.outcome) == {
        "filesUploaded": "4",
        "filesSkipped": "0",
        "bytesUploaded": "30",
        "s3Prefix": f"s3://{bucket}/site/v1",
    }


def test_content_types_are_those_of_today_with_a_charset_on_text(run_task, make_tree, s3, bucket):
    names = ["a.html", "a.mjs", "a.wasm", "a.webmanifest", "a.avif", "a.woff2", "a.json", "a.unknown"]
    run_task("s3_upload", bucket_name=bucket, source_folder=make_tree(dict.fromkeys(names, b"x")))
    types = {name: s3.head_object(Bucket=bucket, Key=name)["ContentType"] for name in names}
    assert types == {
        "a.html": "text/html; charset=utf-8",
        "a.mjs": "text/javascript; charset=utf-8",
        "a.wasm": "application/wasm",
        "a.webmanifest": "application/manifest+json",
        "a.avif": "image/avif",
        "a.woff2": "font/woff2",
        "a.json": "application/json",
        "a.unknown": "application/octet-stream",
    }


def test_headers_metadata_and_tags_go_by_rule(run_task, make_tree, s3, bucket):
    run_task(
        "s3_upload",
        bucket_name=bucket,
        source_folder=make_tree({"index.html": b"x", "app.js.gz": b"y"}),
        cache_control="**/*.html=no-cache\n**=max-age=31536000, immutable",
        content_types="*.js.gz=text/javascript",
        content_encodings="*.gz=gzip",
        metadata="**=build=123",
        tags="*.html=kind=page\n**=team=web",
        storage_class="STANDARD_IA",
    )
    page = s3.head_object(Bucket=bucket, Key="index.html")
    script = s3.head_object(Bucket=bucket, Key="app.js.gz")
    assert (page["CacheControl"], script["CacheControl"]) == ("no-cache", "max-age=31536000, immutable")
    assert (script["ContentType"], script["ContentEncoding"]) == ("text/javascript", "gzip")
    assert page["Metadata"] == {"build": "123"}
    assert page["StorageClass"] == "STANDARD_IA"
    assert s3.get_object_tagging(Bucket=bucket, Key="index.html")["TagSet"] == [
        {"Key": "kind", "Value": "page"},
        {"Key": "team", "Value": "web"},
    ]


def test_a_plan_writes_nothing_and_says_what_it_would_do(run_task, make_tree, s3, bucket):
    ran = run_task("s3_upload", only_plan=True, bucket_name=bucket, source_folder=make_tree(SITE))
    assert keys(s3, bucket) == []
    assert ran.plan.title.startswith("Upload 4 files (30 bytes) from ")
    assert [(step.action, step.name, step.size) for step in ran.plan.steps][:2] == [
        ("upload", f"s3://{bucket}/.well-known/x", 3),
        ("upload", f"s3://{bucket}/img/a b.png", 4),
    ]


def test_globs_take_in_and_out_in_their_order(run_task, make_tree, s3, bucket):
    run_task(
        "s3_upload",
        bucket_name=bucket,
        source_folder=make_tree({"a.js": b"", "b.js": b"", "b.map": b"", "sub/c.js": b""}),
        glob_expressions="# scripts only\n**/*.js\n!b.*\nb.map",
    )
    assert keys(s3, bucket) == ["a.js", "b.map", "sub/c.js"]


def test_globs_that_match_nothing_beside_others_that_do_are_told(run_task, make_tree, s3, bucket):
    source = make_tree({"a.js": b"", "sub/c.js": b""})
    globs = "**/*.js\n!sub/**\n./dist/**\n**/*.{css,map}\n# no/comment/**\nsub/**"
    ran = run_task("s3_upload", bucket_name=bucket, source_folder=source, glob_expressions=globs)
    assert keys(s3, bucket) == ["a.js", "sub/c.js"]
    assert "Globs that match nothing: ./dist/**, **/*.{css,map}." in ran.told.notes
    assert ran.outcome.warnings == ()


@pytest.mark.parametrize("folder", ["/lead/", "lead", "lead/", "\\lead\\", "//lead//"])
def test_the_target_folder_is_a_prefix_however_it_is_written(run_task, make_tree, s3, bucket, folder):
    run_task("s3_upload", bucket_name=bucket, source_folder=make_tree({"x": b""}), target_folder=folder)
    assert keys(s3, bucket) == ["lead/x"]


def test_flattening_leaves_the_folders_out(run_task, make_tree, s3, bucket):
    source = make_tree({"a/x.txt": b"1", "b/y.txt": b"2"})
    run_task("s3_upload", bucket_name=bucket, source_folder=source, flatten_folders="true", target_folder="flat")
    assert keys(s3, bucket) == ["flat/x.txt", "flat/y.txt"]


def test_two_files_that_flatten_to_one_name_are_refused_before_anything_is_sent(run_task, make_tree, s3, bucket):
    source = make_tree({"a/x.txt": b"1", "b/x.txt": b"2", "b/y.txt": b"3"})
    with pytest.raises(RopewayError, match=r"a/x\.txt.*b/x\.txt"):
        run_task("s3_upload", bucket_name=bucket, source_folder=source, flatten_folders="true")
    assert keys(s3, bucket) == []


def test_no_match_is_an_error_unless_it_was_allowed(run_task, make_tree, s3, bucket):
    given = {"bucket_name": bucket, "source_folder": make_tree({"a.txt": b""}), "glob_expressions": "*.zip"}
    with pytest.raises(NothingMatched, match=r"No file matches in .*source: \*\.zip\. .*noMatch"):
        run_task("s3_upload", **given)
    warned = run_task("s3_upload", **given, no_match="warn").outcome
    assert warned.status == "warnings"
    assert warned.warnings[0].endswith("source: *.zip.")
    assert run_task("s3_upload", **given, no_match="ignore").outcome.status == "succeeded"


def test_links_are_followed_and_a_broken_one_matters_only_when_it_matches(run_task, make_tree, s3, bucket):
    source = make_tree({"real/a.txt": b"through the link"})
    os.symlink("real", f"{source}/linked")
    os.symlink("nowhere", f"{source}/broken.txt")
    run_task("s3_upload", bucket_name=bucket, source_folder=source, glob_expressions="**\n!broken.txt")
    assert keys(s3, bucket) == ["linked/a.txt", "real/a.txt"]
    with pytest.raises(LocalFileError, match=r"broken\.txt"):
        run_task("s3_upload", bucket_name=bucket, source_folder=source)


def test_an_unchanged_file_is_skipped_and_each_other_has_its_reason(run_task, make_tree, s3, bucket):
    given = {"bucket_name": bucket, "skip_unchanged": "true"}
    source = make_tree({"same.txt": b"1", "grown.txt": b"2", "edited.txt": b"3", "header.css": b"4"})
    first = run_task("s3_upload", source_folder=source, **given)
    assert set(reasons(first.plan).values()) == {"new"}
    make_tree({"grown.txt": b"22", "edited.txt": b"E", "added.txt": b"5"})
    second = run_task("s3_upload", source_folder=source, cache_control="*.css=no-cache", **given)
    assert reasons(second.plan) == {
        "same.txt": "unchanged",
        "grown.txt": "content",
        "edited.txt": "content",
        "header.css": "headers",
        "added.txt": "new",
    }
    assert outputs(second.outcome)["filesSkipped"] == "1"
    assert body(s3, bucket, "edited.txt") == b"E"
    assert s3.head_object(Bucket=bucket, Key="header.css")["CacheControl"] == "no-cache"
    third = run_task("s3_upload", source_folder=source, cache_control="*.css=no-cache", **given)
    assert set(reasons(third.plan).values()) == {"unchanged"}
    assert third.outcome.title.startswith("Uploaded 0 files (0 bytes)")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"metadata": "**=v=1"}, {"metadata": "**=v=2"}),
        ({"metadata": "**=v=1"}, {}),
        ({"tags": "**=v=1"}, {"tags": "**=v=2"}),
        ({"tags": "**=v=1"}, {}),
        ({}, {"content_type": "text/plain"}),
        ({}, {"storage_class": "STANDARD_IA"}),
        ({}, {"key_management": "awsManaged", "encryption_algorithm": "KMS"}),
        ({"content_encoding": "gzip"}, {}),
    ],
)
def test_a_change_of_headers_alone_is_uploaded_again(run_task, make_tree, bucket, before, after):
    given = {"bucket_name": bucket, "source_folder": make_tree({"a": b"1"}), "skip_unchanged": "true"}
    run_task("s3_upload", **given, **before)
    assert reasons(run_task("s3_upload", **given, **after).plan) == {"a": "headers"}
    assert reasons(run_task("s3_upload", **given, **after).plan) == {"a": "unchanged"}


@pytest.mark.parametrize(
    "header",
    [
        {"WebsiteRedirectLocation": "/elsewhere"},
        {"Expires": "Wed, 01 Jan 2020 00:00:00 GMT"},
        {"ContentDisposition": "attachment"},
        {"ContentLanguage": "de"},
        {"CacheControl": "no-cache"},
    ],
    ids=lambda header: next(iter(header)),
)
def test_a_header_that_somebody_else_gave_is_taken_off_again(run_task, make_tree, s3, bucket, header):
    given = {"bucket_name": bucket, "source_folder": make_tree({"a.png": b"1"}), "skip_unchanged": "true"}
    s3.put_object(Bucket=bucket, Key="a.png", Body=b"1", ContentType="image/png", **header)
    assert reasons(run_task("s3_upload", **given).plan) == {"a.png": "headers"}
    assert not set(header) & set(s3.head_object(Bucket=bucket, Key="a.png"))
    assert reasons(run_task("s3_upload", **given).plan) == {"a.png": "unchanged"}


@pytest.mark.parametrize("engine", ["wire", "boto3"])
def test_bytes_alone_are_compared_where_that_is_asked_for(run_task, make_tree, s3, bucket, engine):
    given = {"bucket_name": bucket, "skip_unchanged": "true", "compare_headers": "false", "transfer_engine": engine}
    source = make_tree({"same.txt": b"1", "grown.txt": b"2", "edited.txt": b"3", "sealed.txt": b"4"})
    run_task("s3_upload", source_folder=source, target_folder="site", **given)
    s3.put_object(Bucket=bucket, Key="site/sealed.txt", Body=b"4", ServerSideEncryption="aws:kms")
    (sealed,) = s3.list_objects_v2(Bucket=bucket, Prefix="site/sealed.txt")["Contents"]
    assert sealed["ETag"].strip('"') != hashlib.md5(b"4").hexdigest(), "under KMS it is none"
    make_tree({"grown.txt": b"22", "edited.txt": b"E", "added.txt": b"5"})
    second = run_task("s3_upload", source_folder=source, target_folder="site", cache_control="**=no-cache", **given)
    assert {name.removeprefix("site/"): why for name, why in reasons(second.plan).items()} == {
        "same.txt": "unchanged",
        "grown.txt": "content",
        "edited.txt": "content",
        "sealed.txt": "unchanged",
        "added.txt": "new",
    }
    assert "CacheControl" not in s3.head_object(Bucket=bucket, Key="site/same.txt")
    assert body(s3, bucket, "site/edited.txt") == b"E"


@pytest.mark.parametrize(
    "guarding",
    [{"object_lock_legal_hold": "true"}, {"key_management": "customerManaged", "customer_key": "ab" * 32}],
    ids=["a lock", "a customer's key"],
)
def test_what_only_headers_tell_is_not_left_unseen(run_task, make_tree, bucket, guarding):
    given = {"bucket_name": bucket, "source_folder": make_tree({"a": b"1"}), "compare_headers": "false", **guarding}
    with pytest.raises(InputError, match="compareHeaders is false, so nobody would see whether an object is locked"):
        run_task("s3_upload", skip_unchanged="true", **given)


def test_a_date_is_no_evidence(run_task, make_tree, bucket):
    source = make_tree({"a": b"1"})
    given = {"bucket_name": bucket, "source_folder": source, "skip_unchanged": "true"}
    run_task("s3_upload", **given)
    os.utime(f"{source}/a", (4_000_000_000, 4_000_000_000))
    assert reasons(run_task("s3_upload", **given).plan) == {"a": "unchanged"}
    make_tree({"a": b"2"})
    os.utime(f"{source}/a", (1, 1))
    assert reasons(run_task("s3_upload", **given).plan) == {"a": "content"}


def test_a_large_file_arrives_whole_and_is_known_again(run_task, make_tree, s3, bucket):
    data = os.urandom(1 << 20) * 20
    given = {"bucket_name": bucket, "source_folder": make_tree({"large.bin": data}), "skip_unchanged": "true"}
    run_task("s3_upload", **given)
    assert body(s3, bucket, "large.bin") == data
    assert "-" in s3.head_object(Bucket=bucket, Key="large.bin")["ETag"]
    assert reasons(run_task("s3_upload", **given).plan) == {"large.bin": "unchanged"}


def test_the_bucket_is_made_only_when_asked(run_task, make_tree, s3):
    source = make_tree({"a": b"1"})
    with pytest.raises(BucketMissing, match=r"NoSuchBucket.*set createBucket to have it made"):
        run_task("s3_upload", bucket_name="made-by-us", source_folder=source)
    ran = run_task(
        "s3_upload", bucket_name="made-by-us", source_folder=source, create_bucket="true", region_name="eu-west-1"
    )
    assert (ran.plan.steps[0].action, ran.plan.steps[0].name) == ("create", "s3://made-by-us")
    assert "Created the bucket made-by-us in eu-west-1." in ran.told.notes
    assert keys(s3, "made-by-us") == ["a"]
    assert s3.get_bucket_location(Bucket="made-by-us")["LocationConstraint"] == "eu-west-1"


@pytest.mark.parametrize("name", ["my_bucket", "My-Bucket", "a..b", "site--x-s3"])
def test_a_plan_makes_no_bucket_of_a_name_that_s3_would_refuse(run_task, make_tree, name):
    given = {"bucket_name": name, "source_folder": make_tree({"a": b"1"}), "create_bucket": "true"}
    with pytest.raises(InputError, match=rf"bucketName is '{name}', and no such bucket is there; none can be made"):
        run_task("s3_upload", only_plan=True, force_path_style_addressing="true", **given)


def test_what_a_killed_download_left_is_not_uploaded_and_that_is_said(run_task, make_tree, s3, bucket):
    source = make_tree({"a.txt": b"1", ".b.txt.ropeway-1a2b3c4d": b"half"})
    outcome = run_task("s3_upload", bucket_name=bucket, source_folder=source).outcome
    assert keys(s3, bucket) == ["a.txt"]
    assert outcome.status == "warnings"
    assert ".b.txt.ropeway-1a2b3c4d" in outcome.warnings[0]


def test_sse_is_asked_for(run_task, make_tree, s3, bucket, embedded):
    key = client_of(embedded, "kms").create_key()["KeyMetadata"]["KeyId"]
    given = {"bucket_name": bucket, "source_folder": make_tree({"a": b"1"}), "key_management": "awsManaged"}
    run_task("s3_upload", **given, kms_master_key_id=key)
    head = s3.head_object(Bucket=bucket, Key="a")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"].endswith(key)
    skipping = run_task("s3_upload", **given, kms_master_key_id=key, skip_unchanged="true")
    assert reasons(skipping.plan) == {"a": "unchanged"}
    run_task("s3_upload", **given, encryption_algorithm="AES256")
    assert s3.head_object(Bucket=bucket, Key="a")["ServerSideEncryption"] == "AES256"


def test_where_no_key_is_named_any_kms_key_counts_and_more_than_one_is_told(run_task, make_tree, s3, bucket, embedded):
    """HEAD names the key of an object, and nothing but KMS knows which one is the account's own aws/s3."""
    kms = client_of(embedded, "kms")
    old, older = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    sealed = {"key_management": "awsManaged", "bucket_name": bucket}
    run_task("s3_upload", source_folder=make_tree({"a": b"1"}, "one"), kms_master_key_id=old, **sealed)
    one = run_task("s3_upload", source_folder=make_tree({"a": b"1"}, "one"), skip_unchanged="true", **sealed)
    assert reasons(one.plan) == {"a": "unchanged"}
    assert not [note for note in one.told.notes if "KMS" in note], "it may be aws/s3, for all that anybody knows"

    run_task("s3_upload", source_folder=make_tree({"b": b"2"}, "other"), kms_master_key_id=older, **sealed)
    both = run_task(
        "s3_upload", source_folder=make_tree({"a": b"1", "b": b"2"}, "both"), skip_unchanged="true", **sealed
    )
    assert reasons(both.plan) == {"a": "unchanged", "b": "unchanged"}
    (told,) = [note for note in both.told.notes if "KMS" in note]
    assert told.startswith(f"Unchanged objects lie under 2 KMS keys: {', '.join(sorted((old, older)))}.")
    assert "name it (kmsMasterKeyId)" in told

    named = run_task(
        "s3_upload",
        source_folder=make_tree({"a": b"1", "b": b"2"}, "both"),
        skip_unchanged="true",
        kms_master_key_id=old,
        **sealed,
    )
    assert reasons(named.plan) == {"a": "unchanged", "b": "headers"}


@pytest.mark.parametrize(
    ("management", "algorithm", "asked"),
    [("awsManaged", "kms", "aws:kms"), ("AWSManaged", "Kms", "aws:kms"), ("awsmanaged", "aes256", "AES256")],
)
def test_the_encryption_that_a_word_names_is_asked_for_in_any_case(
    run_task, make_tree, s3, bucket, management, algorithm, asked
):
    given = {"bucket_name": bucket, "source_folder": make_tree({"a": b"1"}), "key_management": management}
    run_task("s3_upload", **given, encryption_algorithm=algorithm)
    assert s3.head_object(Bucket=bucket, Key="a")["ServerSideEncryption"] == asked


def test_a_kms_key_that_does_not_exist_fails_by_name(run_task, make_tree, bucket):
    given = {"bucket_name": bucket, "source_folder": make_tree({"a": b"1"}), "key_management": "awsManaged"}
    outcome = run_task("s3_upload", **given, kms_master_key_id="1234abcd-12ab-34cd-56ef-1234567890ab").outcome
    assert outcome.status == "failed"
    assert "KMS.NotFoundException: Key '1234abcd-12ab-34cd-56ef-1234567890ab' does not exist" in str(outcome.error)


def test_a_customers_key_encrypts_and_is_never_shown(
    run_task, make_tree, bucket, embedded_tls, certificate_authority, tmp_path
):
    secret = "0123456789abcdef" * 4
    given = {
        "store": embedded_tls,
        "network": Network(ca_file=str(certificate_authority)),
        "bucket_name": bucket,
        "key_management": "customerManaged",
        "customer_key": secret,
    }
    data = {"small": b"1", "large": bytes(range(256)) * 4096 * 20}
    source = make_tree(data)
    up = run_task("s3_upload", source_folder=source, skip_unchanged="true", **given)
    again = run_task("s3_upload", source_folder=source, skip_unchanged="true", **given)
    down = run_task("s3_download", target_folder=str(tmp_path / "back"), **given)
    assert (up.outcome.error, down.outcome.error) == (None, None)
    assert {name: (tmp_path / "back" / name).read_bytes() for name in data} == data
    assert set(reasons(again.plan).values()) == {"unchanged"}
    assert secret not in repr((up, again, down))
    assert repr(bytes.fromhex(secret)) not in repr((up, again, down))
    wrong = run_task("s3_download", **given | {"customer_key": "ff" * 32, "target_folder": str(tmp_path / "wrong")})
    assert wrong.outcome.status == "failed"
    without = {name: value for name, value in given.items() if name not in {"key_management", "customer_key"}}
    with pytest.raises(RopewayError, match="run once without skipUnchanged"):
        run_task("s3_upload", source_folder=source, skip_unchanged="true", **without)
    assert run_task("s3_upload", source_folder=source, **without).outcome.status == "succeeded"
    with pytest.raises(RopewayError, match="run once without skipUnchanged"):
        run_task("s3_upload", source_folder=source, skip_unchanged="true", **given)


def test_no_acl_is_sent_unless_one_is_asked_for(run_task, make_tree, s3, acl_bucket):
    source = make_tree({"a": b"1"})
    run_task("s3_upload", bucket_name=acl_bucket, source_folder=source, files_acl="public-read")
    grantees = [grant["Grantee"].get("URI", "") for grant in s3.get_object_acl(Bucket=acl_bucket, Key="a")["Grants"]]
    assert any(uri.endswith("AllUsers") for uri in grantees)
    run_task("s3_upload", bucket_name=acl_bucket, source_folder=source)
    assert len(s3.get_object_acl(Bucket=acl_bucket, Key="a")["Grants"]) == 1


def test_a_bucket_that_takes_no_acls_says_so_with_what_to_do(run_task, make_tree, bucket):
    outcome = run_task(
        "s3_upload", bucket_name=bucket, source_folder=make_tree({"a": b"1"}), files_acl="public-read"
    ).outcome
    assert outcome.status == "failed"
    assert "AccessControlListNotSupported" in str(outcome.error)
    assert "set the canned ACL (filesAcl) to none" in str(outcome.error)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"bucket_name": ""}, "bucketName is required."),
        ({"bucket_name": "s3://b"}, "write the bucket's name alone, without s3://."),
        ({"cache_control": "a=b\n*.html"}, "cacheControl line 2 is '*.html'; write it as glob=value"),
        ({"storage_class": "STANDRD"}, "storageClass is 'STANDRD'; did you mean STANDARD?"),
        ({"files_acl": "public"}, "filesAcl is 'public'; did you mean public-read?"),
        ({"metadata": "**=größe=1"}, "metadata line 1: 'größe' cannot be the name of a metadata entry"),
        ({"customer_key": "ab"}, "customerKey is set, but keyManagement is none, not customerManaged."),
        ({"key_management": "customerManaged"}, "customerKey is required when keyManagement is customerManaged."),
        (
            {"kms_master_key_id": "k"},
            "kmsMasterKeyId is set, but that needs keyManagement awsManaged and encryptionAlgorithm KMS.",
        ),
        ({"target_folder": "a/../b"}, "targetFolder is 'a/../b': a key's prefix knows no . or .. folders."),
        ({"glob_expressions": "!a"}, "globExpressions only takes files out"),
        ({"endpoint_url": "s3.example.com"}, "endpointUrl is 's3.example.com'; it must begin with https://"),
        ({"endpoint_url": "https://"}, "endpointUrl is 'https://', which is no address"),
        ({"endpoint_url": "http://[::1"}, "endpointUrl is 'http://[::1', which is no address"),
        ({"endpoint_url": "http://minio_1:9000"}, "endpointUrl is 'http://minio_1:9000', which is no address"),
        ({"endpoint_url": "http://store:port"}, "endpointUrl is 'http://store:port', which is no address"),
        ({"endpoint_url": "http://store/?x=1"}, "endpointUrl is 'http://store/?x=1', which is no address"),
        ({"endpoint_url": "http://user:hush@store"}, "endpointUrl holds an @"),
        (
            {"content_type": "text/plain", "content_types": "**=x/y"},
            "contentType holds for every file, so contentTypes would hold for none",
        ),
        ({"max_concurrency": "0"}, "maxConcurrency is 0; it must lie between 1 and 512."),
    ],
)
def test_bad_inputs_are_told_before_anything_is_asked_of_aws(run_task, make_tree, texts, words):
    given = {"bucket_name": "bucket", "source_folder": make_tree({}), "endpoint_url": "http://127.0.0.1:9"}
    with pytest.raises(InputError) as caught:
        run_task("s3_upload", **given | texts)
    assert words in str(caught.value)
    assert "hush" not in str(caught.value)


def test_the_bucket_is_asked_about_a_folder_not_about_the_beginning_of_names(
    run_task, make_tree, misbehaving, embedded, bucket
):
    """Directory buckets refuse any other prefix, and policies allow `site/*`."""
    misbehaving.upstream = embedded.endpoint_url
    run_task(
        "s3_upload",
        bucket_name=bucket,
        source_folder=make_tree({"a": b"1"}),
        target_folder="site/v1",
        endpoint_url=misbehaving.url,
    )
    assert re.search(r"prefix=site%2Fv1%2F(&|$)", misbehaving.requests[0].target)


def test_a_source_folder_that_is_absent_or_a_file_is_told(run_task, make_tree, bucket):
    source = make_tree({"a": b"1"})
    with pytest.raises(LocalFileError, match="does not exist"):
        run_task("s3_upload", bucket_name=bucket, source_folder=f"{source}/none")
    with pytest.raises(LocalFileError, match="is a file"):
        run_task("s3_upload", bucket_name=bucket, source_folder=f"{source}/a")


def test_a_file_that_was_unchanged_and_is_not_any_more_fails_by_name(run_task, make_tree, s3, bucket):
    source = make_tree({"a": b"one", "b": b"two"})
    given = {"bucket_name": bucket, "source_folder": source, "skip_unchanged": "true"}
    run_task("s3_upload", **given)
    ran = run_task("s3_upload", **given, between=lambda _: (Path(source) / "b").write_bytes(b"three"))
    assert isinstance(ran.outcome.error, LocalFileError)
    assert str(ran.outcome.error).startswith(
        f"{Path(source) / 'b'} changed while it was being uploaded: it had 3 bytes"
    )


def test_a_file_that_changes_between_plan_and_apply_fails_by_name(run_task, make_tree, s3, bucket, embedded):
    planned = run_task(
        "s3_upload", only_plan=True, bucket_name=bucket, source_folder=make_tree({"a": b"1", "b": b"2"})
    ).plan
    make_tree({"a": b"changed"})
    outcome = s3_upload.apply(planned, connect(planned.inputs, embedded.connection), Run())
    assert outcome.status == "failed"
    assert "source/a" in str(outcome.error)
    assert "chang" in str(outcome.error)
    assert "a" not in keys(s3, bucket)


def test_no_bucket_is_made_once_the_task_was_cancelled(run_task, make_tree, s3, bucket, embedded):
    name = f"{bucket}-new"
    given = {"bucket_name": name, "source_folder": make_tree({"a": b"1"}), "create_bucket": "true"}
    planned = run_task("s3_upload", only_plan=True, **given).plan
    run = Run()
    run.cancellation.ask("enough")
    with pytest.raises(Cancelled, match="enough"):
        s3_upload.apply(planned, connect(planned.inputs, embedded.connection), run)
    assert name not in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]


def test_progress_ends_at_everything(run_task, make_tree, bucket):
    told = run_task("s3_upload", bucket_name=bucket, source_folder=make_tree(SITE)).told
    last = told.progress_seen[-1]
    assert (last.doing, last.items, last.items_total, last.bytes, last.bytes_total) == ("Uploading", 4, 4, 30, 30)
