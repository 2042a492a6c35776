"""Where a site is released to, and what lies there already: a new bucket, others' objects, other sites, others' writes while it is at work."""

from __future__ import annotations

import pytest

from ropeway.errors import BucketMissing, InputError, IntegrityError
from tests.tasks.sites import ONE, TWO, back, deploy, history, listed, outputs, said, shown

__all__ = ["back", "deploy"]


# --- what lies there already ------------------------------------------------------------------------------------------------------


def test_the_first_release_deletes_nothing_that_nobody_knows_unless_it_is_asked_to(deploy, s3, bucket):
    s3.put_object(Bucket=bucket, Key="docs/invoices/1.pdf", Body=b"invoice")
    before = listed(s3, bucket)
    with pytest.raises(InputError) as refused:
        deploy("41", ONE)
    assert refused.value.message == (
        f"This is the first release to s3://{bucket}/docs, and it would delete 1 object that no release has put there: "
        f"s3://{bucket}/docs/invoices/1.pdf. Nothing was changed."
    )
    assert all(words in str(refused.value) for words in said("The first release would delete what lies there already"))
    assert listed(s3, bucket) == before
    assert deploy("41", ONE, protected="invoices/**").outcome.error is None
    s3.put_object(Bucket=bucket, Key="docs/later.pdf", Body=b"invoice")
    assert deploy("42", TWO, protected="invoices/**").outcome.error is None
    assert {"invoices/1.pdf", "later.pdf"} & shown(s3, bucket).keys() == {"invoices/1.pdf"}


def test_the_first_release_takes_over_no_uploads_whose_names_look_like_those_of_assets(deploy, s3, bucket):
    """Kept for open pages at first, they would be deleted by the fourth release."""
    upload = "uploads/3f8b6304f05cb75f.pdf"
    s3.put_object(Bucket=bucket, Key=f"docs/{upload}", Body=b"precious")
    with pytest.raises(InputError, match=f"delete 1 object that no release has put there: s3://{bucket}/docs/{upload}"):
        deploy("41", ONE)
    assert deploy("41", ONE, delete_unknown="true").outcome.error is None
    assert shown(s3, bucket)[upload] == b"precious"


def test_the_first_release_deletes_what_nobody_knows_when_it_is_asked_to(deploy, s3, bucket):
    s3.put_object(Bucket=bucket, Key="docs/old.html", Body=b"old")
    assert deploy("41", ONE, delete_unknown="true").outcome.error is None
    assert shown(s3, bucket) == ONE


# --- other sites ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "below"), [("", "s3://{}/private"), ("s3://{}-state/all", ""), ("s3://{}-state/all", "s3://{}/deep/er")]
)
def test_a_site_below_is_seen_wherever_its_state_lies_in_the_bucket(deploy, s3, bucket, above, below):
    s3.create_bucket(Bucket=f"{bucket}-state")
    theirs, ours = {"state_location": below.format(bucket)}, {"state_location": above.format(bucket)}
    deploy("1", {"index.html": b"root"}, target_folder="", **ours)
    deploy("41", ONE, **theirs)
    with pytest.raises(
        InputError, match=r"has another site of Ropeway's below it, s3://.*/docs, and this would change"
    ):
        deploy("2", {"index.html": b"other"}, target_folder="", **ours)
    assert shown(s3, bucket) == ONE
    assert deploy("2", {"index.html": b"other"}, target_folder="", protected="docs/**", **ours).outcome.error is None


# --- a site with two states --------------------------------------------------------------------------------------------------------


def moved(s3, source, prefix, target, new):
    """As `aws s3 mv --recursive` does."""
    for key in [one["Key"] for one in s3.list_objects_v2(Bucket=source, Prefix=prefix)["Contents"]]:
        s3.copy_object(CopySource={"Bucket": source, "Key": key}, Bucket=target, Key=new + key[len(prefix) :])
        s3.delete_object(Bucket=source, Key=key)


@pytest.mark.parametrize(("prefix", "named"), [("docs", "docs"), ("", "@root")])
def test_a_site_gets_no_second_state_by_naming_a_place_for_it(deploy, back, s3, bucket, prefix, named):
    s3.create_bucket(Bucket=f"{bucket}-state")
    place = {"target_folder": prefix, "state_location": f"s3://{bucket}-state/all"}
    deploy("41", ONE, target_folder=prefix)
    before = listed(s3, bucket)
    with pytest.raises(InputError) as refused:
        deploy("42", TWO, **place, delete_unknown="true")
    old, new = f".ropeway/sites/{named}", f"all/.ropeway/sites/s3%3A%2F%2F{bucket}%2F{prefix}"
    told = str(refused.value)
    assert f"has its state at s3://{bucket}/{old}, by which release 41 is live" in told
    assert f"aws s3 mv --recursive s3://{bucket}/{old}/ s3://{bucket}-state/{new}/" in told
    assert all(words in told for words in said("A place is named for the state of a site that has one in its bucket"))
    assert (listed(s3, bucket), listed(s3, f"{bucket}-state")) == (before, [])

    moved(s3, bucket, f"{old}/", f"{bucket}-state", f"{new}/")
    assert deploy("42", TWO, **place).outcome.error is None
    assert back(**place).outcome.error is None
    assert shown(s3, bucket, f"{prefix}/" if prefix else "")["index.html"] == ONE["index.html"]


# --- and what others write meanwhile ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [False, True], ids=["by HEAD", "by listing"])
def test_what_somebody_writes_while_it_is_about_to_be_deleted_stays(deploy, s3, bucket, many):
    going = {f"{number}.html": b"page" for number in range(3 if many else 1)}
    deploy("41", {**ONE, **going})

    def written(_):
        s3.put_object(Bucket=bucket, Key="docs/0.html", Body=b"by a CMS")

    ran = deploy("42", {"index.html": b"two"} if many else ONE, between=written)
    assert isinstance(ran.outcome.error, IntegrityError)
    told = str(ran.outcome.error)
    assert f"meanwhile: s3://{bucket}/docs/0.html. Nothing was deleted." in told
    assert all(words in told for words in said("Somebody writes an object between the plan and its delete"))
    assert shown(s3, bucket)["0.html"] == b"by a CMS"
    assert history(s3, bucket)[0] == "41"
    assert deploy("42", {"index.html": b"two"} if many else ONE).outcome.error is None
    assert "0.html" not in shown(s3, bucket)


# --- a bucket that is not there yet -------------------------------------------------------------------------------------------------


SET_UP = {"website": "true", "public_read": "true", "versioning": "true"}


def test_a_bucket_is_made_set_up_and_released_to(deploy, s3, bucket, embedded, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    new = {"bucket_name": f"{bucket}-new", "create_bucket": "true", **SET_UP}
    planned = deploy("41", ONE, **new, only_plan=True).plan
    assert [step.action for step in planned.steps] == [
        "create", "configure", "configure", "configure", "upload", "upload", "upload", "configure",
    ]  # fmt: skip
    assert f"{bucket}-new" not in [one["Name"] for one in s3.list_buckets()["Buckets"]]
    ran = deploy("41", ONE, **new)
    assert (ran.outcome.error, outputs(ran.outcome)["result"]) == (None, "live")
    assert [(one.step.action, one.step.name) for one in ran.outcome.results] == [
        (step.action, step.name) for step in planned.steps
    ]
    assert shown(s3, f"{bucket}-new") == ONE
    assert s3.get_bucket_versioning(Bucket=f"{bucket}-new")["Status"] == "Enabled"
    again = deploy("42", TWO, **new)
    assert (again.outcome.error, {step.action for step in again.plan.steps}) == (None, {"skip", "upload"})


def test_versions_that_have_just_been_switched_on_are_no_way_back_yet(deploy, bucket):
    words = said("`versioning: true` meets a bucket that has never kept versions, and files that are overwritten")
    young = {"bucket_name": f"{bucket}-new", "create_bucket": "true"}

    def warned(ran):
        assert ran.outcome.error is None
        return [told for told in ran.outcome.warnings if all(word in told for word in words)]

    assert warned(deploy("41", ONE, **young)) == []
    (told,) = warned(deploy("42", {**ONE, "index.html": b"two"}, versioning="true", **young))
    assert f"may not come back, should it be taken back: s3://{bucket}-new/docs/index.html." in told
    assert warned(deploy("43", ONE, versioning="true", **young)) == []


def test_a_bucket_that_is_not_there_is_an_error_that_names_the_input(deploy, bucket):
    with pytest.raises(BucketMissing, match="with createBucket"):
        deploy("41", ONE, bucket_name=f"{bucket}-new")


def test_a_name_that_s3_would_refuse_is_refused_in_the_plan(deploy):
    with pytest.raises(InputError, match="bucketName is 'No_Bucket', and no such bucket is there; none can be made"):
        deploy("41", ONE, bucket_name="No_Bucket", create_bucket="true", only_plan=True)
