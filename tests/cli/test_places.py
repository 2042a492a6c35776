"""`ropeway s3 upload dist s3://bucket/site`: places as people write them."""

from __future__ import annotations

import pytest

from ropeway.cli.places import address


@pytest.fixture
def given(ropeway, carry):
    def run(*arguments: str):
        inputs = []
        carry(seen=inputs.append)
        answer = ropeway("s3", "upload", *arguments)
        return (inputs[0], answer) if inputs else (None, answer)

    return run


def test_the_places_are_the_inputs_they_stand_for(given):
    inputs, _ = given("dist", "s3://bucket/site/v2")
    assert (inputs.source_folder, inputs.bucket_name, inputs.target_folder) == ("dist", "bucket", "site/v2")


def test_a_bucket_alone_leaves_the_prefix_to_its_option(given):
    inputs, _ = given("dist", "s3://bucket", "--target-folder", "site")
    assert (inputs.bucket_name, inputs.target_folder) == ("bucket", "site")


def test_a_place_and_its_option_may_say_the_same(given):
    inputs, _ = given("dist", "s3://bucket/site", "--bucket-name", "bucket", "--source-folder", "dist")
    assert inputs.bucket_name == "bucket"


def test_a_place_and_its_option_that_differ_are_refused(given):
    inputs, answer = given("dist", "s3://bucket/site", "--bucket-name", "other", "--target-folder", "elsewhere")
    assert inputs is None
    assert answer.code == 2
    assert answer.err.splitlines()[:2] == [
        "Error: --bucket-name is 'other', but the arguments say 'bucket': give it once.",
        "Error: --target-folder is 'elsewhere', but the arguments say 'site': give it once.",
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("dist", "bucket/site"), "The target is 'bucket/site'; write it as s3://BUCKET/PREFIX."),
        (("s3://bucket/site",), "The source is 's3://bucket/site'; it must be a folder on this machine."),
        (("s3://bucket/site", "dist"), "The source is 's3://bucket/site'; it must be a folder on this machine."),
        # A script's "$DIST" that nobody has set: the working directory was not meant.
        (("", "s3://bucket/site"), "The source is empty; write it as FOLDER, or leave it out."),
        ((" ", "s3://bucket/site"), "The source is empty; write it as FOLDER, or leave it out."),
        (
            ("dist", "", "--bucket-name", "bucket"),
            "The target is empty; write it as s3://BUCKET/PREFIX, or leave it out.",
        ),
    ],
)
def test_a_place_that_is_none_is_explained(given, arguments, problem):
    inputs, answer = given(*arguments)
    assert inputs is None
    assert answer.code == 2
    assert f"Error: {problem}" in answer.err


def test_without_a_bucket_both_ways_to_name_one_are_said(given):
    _, answer = given("dist")
    assert answer.code == 2
    assert "Error: A bucket (s3://BUCKET/PREFIX or --bucket-name) is required" in answer.err


def test_a_third_place_is_refused(given):
    _, answer = given("dist", "s3://bucket", "more")
    assert answer.code == 2
    assert "more" in answer.err


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
        ("s3://bucket/a/b/", "bucket", "a/b/"),
        ("s3://bucket//a", "bucket", "/a"),
        (
            "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/mine/site/v2",
            "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine",
            "site/v2",
        ),
        ("s3://arn:aws:s3:::accesspoint:mine/site", "arn:aws:s3:::accesspoint:mine", "site"),
    ],
)
def test_an_address_is_a_bucket_and_a_prefix(text, bucket, prefix):
    assert address(text) == (bucket, prefix)
