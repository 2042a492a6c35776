"""What S3Deploy is told to protect, and what lies there that is nobody's: neither goes unseen."""

from __future__ import annotations

import pytest

from ropeway.errors import InputError, RopewayError
from tests.tasks.sites import ONE, TWO, back, deploy, said, shown

__all__ = ["back", "deploy"]

UPLOAD = {"uploads/a.png": b"theirs"}


@pytest.fixture
def uploaded(deploy, s3, bucket):
    """Release 41 is live, and beside it lies what somebody else has uploaded."""
    deploy("41", ONE)
    s3.put_object(Bucket=bucket, Key="docs/uploads/a.png", Body=b"theirs")


@pytest.mark.parametrize("glob", ["uploads/", "/uploads/**", "./uploads/**"])
@pytest.mark.parametrize("how", ["input", "settings"])
def test_a_glob_that_can_match_nothing_is_refused(deploy, uploaded, s3, bucket, glob, how):
    given = {"protected": glob} if how == "input" else {"settings": f"site: {{protected: '{glob}'}}"}
    with pytest.raises(InputError, match=r"which matches no path below the site: write uploads/\*\*\."):
        deploy("42", TWO, **given)
    assert shown(s3, bucket) == {**ONE, **UPLOAD}


@pytest.mark.parametrize(
    ("glob", "mend"),
    [
        ("uploads", r"write uploads/\*\*\."),
        ("docs/uploads/**", r"write uploads/\*\*\."),
        ("docs/uploads", r"write uploads/\*\*\."),
        ("Uploads/**", r"capital letters count\."),
    ],
)
def test_a_glob_that_matches_nothing_stops_a_release_that_takes_away_what_it_seems_to_mean(
    deploy, uploaded, s3, bucket, glob, mend
):
    with pytest.raises(InputError) as refused:
        deploy("42", TWO, protected=glob)
    assert refused.match(
        rf"1 object would be changed or deleted .*/docs/uploads/a\.png\. .* {mend} Nothing was changed"
    )
    assert shown(s3, bucket) == {**ONE, **UPLOAD}


def test_a_rollback_is_stopped_in_the_same_way(deploy, back, s3, bucket):
    deploy("41", ONE)
    deploy("42", TWO)
    s3.put_object(Bucket=bucket, Key="docs/uploads/a.png", Body=b"theirs")
    with pytest.raises(InputError, match=r"protected: uploads matches nothing, and 1 object would be"):
        back(protected="uploads")
    assert back(protected="uploads/**").outcome.error is None
    assert shown(s3, bucket)["uploads/a.png"] == b"theirs"


def test_a_glob_that_matches_nothing_is_warned_of(deploy):
    (warning,) = deploy("41", ONE, protected="uploads/**").outcome.warnings
    assert said("A glob of protected objects matches nothing")[0] in warning
    assert (
        warning
        == "protected: uploads/** matches nothing, neither in the bucket nor in the source: it protects nothing."
    )


def test_a_line_of_the_globs_that_picks_nothing_is_warned_of(deploy, s3, bucket):
    deploy("41", ONE)
    kept = [name for name in ONE if name.endswith(".html")]
    (warning,) = deploy("42", ONE, glob_expressions="**/*.html\n./assets/**", max_delete_percent="100").outcome.warnings
    assert warning.startswith("globExpressions: ./assets/** matches nothing in ")
    assert warning.endswith("What is not picked is deleted from the site, if it is there.")
    assert set(kept) <= set(shown(s3, bucket))


def test_what_is_protected_or_kept_does_not_widen_the_bounds_of_deletes(deploy, s3, bucket):
    for number in range(20):
        s3.put_object(Bucket=bucket, Key=f"docs/uploads/{number}.png", Body=b"theirs")
    pages = {f"{number}.html": b"page" for number in range(10)}
    old = {f"app-{number:08x}a1b2.js": b"old" for number in range(10)}
    deploy("41", {**pages, **old}, protected="uploads/**")
    with pytest.raises(RopewayError) as refused:
        deploy("42", {"0.html": b"page"}, protected="uploads/**", max_delete_percent="50")
    assert refused.match(
        r"9 objects would be deleted, and at most 50 % of the 10 that are neither protected nor kept may be \(maxDeletePercent\)"
    )
    assert refused.value.advice.endswith("raise maxDeletePercent for this run.")
