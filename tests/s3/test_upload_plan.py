"""What is there already, and by what that is found."""

from __future__ import annotations

import pytest

from ropeway.errors import AccessDenied, AwsError
from ropeway.outcome import Reason, Run
from ropeway.s3.engine import Listed
from ropeway.s3.upload_plan import Comparison
from tests.s3.boto_kit import each_engine, engine_at, put, transfer, well
from tests.servers.misbehaving import Answer, s3_error

pytestmark = each_engine

AB = (("a", "b"),)
LISTED = (
    b"<ListBucketResult><IsTruncated>false</IsTruncated><Name>b</Name><Contents><Key>1</Key><Size>1</Size>"
    b"<LastModified>2027-01-31T00:00:00.000Z</LastModified></Contents></ListBucketResult>"
)


@pytest.fixture
def faulty(misbehaving, embedded):
    misbehaving.upstream = embedded.endpoint_url
    return misbehaving


@pytest.fixture
def files(tmp_path):
    for number in range(12):
        (tmp_path / str(number)).write_bytes(str(number).encode())
    return tmp_path


def sent(files, bucket, key, *, tags=()):
    return put(files / key, bucket, key, content_type="text/plain", tags=tags)


def reasons(engine, puts, **how):
    return Comparison(engine, Run(), None, lambda _: "", **how).reasons(puts)


def test_tags_are_asked_for_many_at_a_time_and_only_where_all_else_is_the_same(faulty, bucket, files):
    puts = [sent(files, bucket, str(number), tags=AB) for number in range(12)]
    with engine_at(faulty.url, concurrency=6) as engine:
        well(transfer(engine, *puts[:10]))
        (files / "0").write_bytes(b"other")
        well(transfer(engine, sent(files, bucket, "2", tags=(("a", "c"),))))
        planned = [sent(files, bucket, str(number), tags=AB) for number in range(12)]
        before = len(faulty.requests)
        found = reasons(engine, planned)
    other = {"0": Reason.CONTENT, "2": Reason.HEADERS, "10": Reason.NEW, "11": Reason.NEW}
    assert found == {str(number): Reason.UNCHANGED for number in range(12)} | other
    asked = [request.target for request in faulty.requests[before:] if "tagging" in request.target]
    assert len(asked) == 9
    assert faulty.peak > 1


def test_tags_that_nobody_asks_for_any_more_count_as_changed(faulty, bucket, files):
    with engine_at(faulty.url) as engine:
        well(transfer(engine, sent(files, bucket, "1", tags=AB), sent(files, bucket, "2")))
        before = len(faulty.requests)
        found = reasons(engine, [sent(files, bucket, "1"), sent(files, bucket, "2")])
    assert found == {"1": Reason.HEADERS, "2": Reason.UNCHANGED}
    assert sum("tagging" in request.target for request in faulty.requests[before:]) == 1


def test_an_object_that_cannot_be_looked_at_may_be_encrypted_otherwise_and_that_is_said(misbehaving, files):
    misbehaving.on(Answer(body=LISTED), target="list-type")
    misbehaving.on(s3_error(400, "InvalidRequest"), method="HEAD")
    with engine_at(misbehaving.url) as engine, pytest.raises(AwsError, match="run once without skipUnchanged"):
        reasons(engine, [sent(files, "bucket", "1")])


def test_nothing_to_compare_asks_nothing(misbehaving):
    with engine_at(misbehaving.url) as engine:
        assert reasons(engine, []) == {}
    assert misbehaving.requests == []


# --- headers, too: a listing spares what it can -----------------------------------------------------------------------------------


def test_what_a_listing_shows_to_be_new_or_of_another_length_is_not_looked_at(faulty, bucket, files):
    with engine_at(faulty.url) as engine:
        well(transfer(engine, *(sent(files, bucket, str(number)) for number in range(10))))
        (files / "0").write_bytes(b"longer")
        before = len(faulty.requests)
        found = reasons(engine, [sent(files, bucket, str(number)) for number in range(12)])
    other = {"0": Reason.CONTENT, "10": Reason.NEW, "11": Reason.NEW}
    assert found == {str(number): Reason.UNCHANGED for number in range(12)} | other
    listings, heads = asked(faulty, before)[:1], sorted(asked(faulty, before)[1:])
    assert listings == [("GET", f"/{bucket}")]
    assert heads == [("HEAD", f"/{bucket}/{number}") for number in range(1, 10)]


def test_who_may_not_list_may_look(faulty, bucket, files):
    faulty.on(s3_error(403, "AccessDenied"), target="list-type")
    with engine_at(faulty.url) as engine:
        well(transfer(engine, sent(files, bucket, "1")))
        assert reasons(engine, [sent(files, bucket, "1"), sent(files, bucket, "2")]) == {
            "1": Reason.UNCHANGED,
            "2": Reason.NEW,
        }
        with pytest.raises(AccessDenied, match="s3:ListBucket"):
            reasons(engine, [sent(files, bucket, "1")], headers=False)


def test_a_listing_that_others_fill_is_given_up(faulty, s3, bucket, files):
    for number in range(1100):
        s3.put_object(Bucket=bucket, Key=f"m/{number:04}")
    with engine_at(faulty.url) as engine:
        puts = [put(files / "1", bucket, key, content_type="text/plain") for key in ("a", "z")]
        well(transfer(engine, *puts))
        s3.delete_object(Bucket=bucket, Key="z")
        before = len(faulty.requests)
        assert reasons(engine, puts) == {"a": Reason.UNCHANGED, "z": Reason.NEW}
    assert sorted(asked(faulty, before)[2:]) == [("HEAD", f"/{bucket}/a"), ("HEAD", f"/{bucket}/z")]


class Folders:
    """A directory bucket, which knows folders alone (S3 API reference, ListObjectsV2)."""

    def __init__(self):
        self.listed = []

    def list(self, bucket, prefix, **_):
        if prefix and not prefix.endswith("/"):
            answer = "This bucket does not support a prefix that does not end in a delimiter."
            raise AwsError(f"list s3://{bucket}/{prefix}", code="InvalidRequest", answer=answer)
        self.listed.append(prefix)
        return iter([Listed("site/index.html", 7, "", "EXPRESS_ONEZONE", 0.0)])


@pytest.mark.parametrize("bucket", ["site--use1-az4--x-s3", "reports--use1-az4--xa-s3"])
@pytest.mark.parametrize(
    ("keys", "folder"),
    [(["site/index.html"], "site/"), (["site/in/a", "site/into/b"], "site/"), (["index.html", "in/a"], "")],
)
@pytest.mark.parametrize("headers", [True, False])
def test_a_directory_bucket_is_listed_by_folders(files, bucket, keys, folder, headers):
    folders = Folders()
    found = reasons(folders, [put(files / "1", bucket, key) for key in keys], headers=headers)
    assert found == {key: Reason.CONTENT if key == "site/index.html" else Reason.NEW for key in keys}
    assert folders.listed == [folder]


# --- by bytes alone, from a listing ---------------------------------------------------------------------------------------------


def asked(faulty, before):
    return [(request.method, request.target.partition("?")[0]) for request in faulty.requests[before:]]


def test_bytes_alone_are_compared_by_one_listing(faulty, bucket, files):
    with engine_at(faulty.url) as engine:
        well(transfer(engine, *(sent(files, bucket, str(number), tags=AB) for number in range(10))))
        (files / "0").write_bytes(b"longer")
        before = len(faulty.requests)
        found = reasons(engine, [sent(files, bucket, str(number)) for number in range(12)], headers=False)
    other = {"0": Reason.CONTENT, "10": Reason.NEW, "11": Reason.NEW}
    assert found == {str(number): Reason.UNCHANGED for number in range(12)} | other
    assert asked(faulty, before) == [("GET", f"/{bucket}")]


def test_an_object_is_asked_for_where_its_etag_is_no_md5_of_these_bytes(faulty, s3, bucket, files):
    """Other bytes of the same length; an upload in parts; and, by its own, what a key encrypts: `test_s3_upload`."""
    (files / "large").write_bytes(bytes(9 << 20))
    with engine_at(faulty.url) as engine:
        well(transfer(engine, *(sent(files, bucket, key) for key in ("1", "2", "large"))))
        (files / "2").write_bytes(b"T")
        before = len(faulty.requests)
        found = reasons(engine, [sent(files, bucket, key) for key in ("1", "2", "large")], headers=False)
    assert found == {"1": Reason.UNCHANGED, "2": Reason.CONTENT, "large": Reason.UNCHANGED}
    assert sorted(asked(faulty, before)[1:]) == [("HEAD", f"/{bucket}/2"), ("HEAD", f"/{bucket}/large")]


def test_no_more_is_listed_than_objects_would_take_requests(faulty, s3, bucket, files):
    """Two files, and thousands of objects between them."""
    for number in range(2001):
        s3.put_object(Bucket=bucket, Key=f"m/{number:04}")
    with engine_at(faulty.url) as engine:
        puts = [put(files / "1", bucket, key, content_type="text/plain") for key in ("a", "z")]
        well(transfer(engine, *puts))
        before = len(faulty.requests)
        assert reasons(engine, puts, headers=False) == {"a": Reason.UNCHANGED, "z": Reason.UNCHANGED}
        listings = [target for method, target in asked(faulty, before) if method == "GET"]
        assert len(listings) == 3
        assert len(asked(faulty, before)) - len(listings) == 2
        s3.delete_object(Bucket=bucket, Key="z")
        assert reasons(engine, puts, headers=False) == {"a": Reason.UNCHANGED, "z": Reason.NEW}


def test_nothing_to_compare_lists_nothing(misbehaving):
    with engine_at(misbehaving.url) as engine:
        assert reasons(engine, [], headers=False) == {}
    assert misbehaving.requests == []
