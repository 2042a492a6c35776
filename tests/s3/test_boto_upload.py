"""What can go wrong while a file goes up, and that nothing half-done stays behind."""

import hashlib
import os
import zlib

import pytest
from botocore.awsrequest import AWSResponse

from ropeway.errors import (
    AccessDenied,
    AwsError,
    BucketMissing,
    CredentialsError,
    IntegrityError,
    LocalFileError,
    NetworkError,
)
from ropeway.outcome import Cancellation
from ropeway.s3.boto import upload
from ropeway.s3.checksums import in_base64
from ropeway.s3.parts import MOST_PARTS, part_size
from tests.s3.boto_kit import (
    FEW_RETRIES,
    NO_RETRIES,
    Sent,
    boto_only,
    each_engine,
    engine_at,
    noise,
    put,
    transfer,
    tune,
    well,
)
from tests.servers.cable import cable
from tests.servers.misbehaving import Answer, _forwarded, s3_error

MIB = 1 << 20

pytestmark = each_engine
PART = r"partNumber=2"


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.bin"
    path.write_bytes(noise(200_000))
    return path


@pytest.fixture
def large(tmp_path, monkeypatch, engine_kind):
    """A file of three parts."""
    tune(monkeypatch, single=5 * MIB)
    path = tmp_path / "large.bin"
    path.write_bytes(noise(11 * MIB))
    return path


@pytest.fixture
def faulty(misbehaving, embedded):
    """A server that is the embedded one but for the rules of the test."""
    misbehaving.upstream = embedded.endpoint_url
    return misbehaving


def sent_up(server, *work, **config):
    with engine_at(getattr(server, "url", server), **(NO_RETRIES | config)) as engine:
        return transfer(engine, *work)


def uploads(s3, bucket):
    return s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


def keys(s3, bucket):
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


# --- the network --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 100_000])
def test_a_connection_that_is_reset_while_sending_is_tried_again(embedded, s3, bucket, small, after):
    sent = Sent()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, **FEW_RETRIES) as engine:
        line.cut("up", after=after)
        well(transfer(engine, put(small, bucket, "key"), sent=sent))
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == small.read_bytes()
    assert sent.total == 200_000


def test_a_part_whose_connection_is_reset_is_sent_again_and_its_bytes_counted_once(embedded, s3, bucket, large):
    sent = Sent()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, **FEW_RETRIES) as engine:
        line.cut("up", after=3 * MIB, times=2)
        well(transfer(engine, put(large, bucket, "key"), sent=sent))
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == large.read_bytes()
    assert sent.total == 11 * MIB
    assert sent.back < 0


def test_a_burst_of_503_is_waited_out(faulty, s3, bucket, large, small):
    faulty.on(s3_error(503, "SlowDown"), method="PUT", times=2)
    well(sent_up(faulty, put(large, bucket, "large"), put(small, bucket, "small"), **FEW_RETRIES))
    assert s3.get_object(Bucket=bucket, Key="large")["Body"].read() == large.read_bytes()
    assert s3.get_object(Bucket=bucket, Key="small")["Body"].read() == small.read_bytes()


def test_a_network_that_stays_away_ends_the_run_and_says_where_to(embedded, s3, bucket, small):
    with cable(embedded.endpoint_url) as line, engine_at(line.url, **NO_RETRIES) as engine:
        line.cut("up", after=0, times=100)
        with pytest.raises(NetworkError, match=rf"upload .*small.bin to s3://{bucket}/key.*closed the connection"):
            transfer(engine, put(small, bucket, "key"))
    assert keys(s3, bucket) == []


def test_a_small_file_is_sent_without_asking_first_and_a_large_one_is_not(faulty, bucket, small, large):
    well(sent_up(faulty, put(small, bucket, "small"), put(large, bucket, "large")))
    asked = {request.target: "expect" in request.headers for request in faulty.requests if request.method == "PUT"}
    assert [asked.pop(f"/{bucket}/small")] == [False]
    assert all(asked.values())
    assert len(asked) == 3


@boto_only
@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_a_body_is_hashed_for_the_signature_only_where_no_tls_protects_it(small, tls):
    """Hashing costs more than sending; the CRC32 goes with it in any case."""
    seen = []

    def answer(request, **_):
        seen.append(dict(request.headers.items()))
        return AWSResponse(request.url, 200, {"ETag": '"e"'}, RawBody())

    with engine_at(f"http{'s' if tls else ''}://127.0.0.1:9") as engine:
        engine._client.meta.events.register("before-send.s3.PutObject", answer)
        well(transfer(engine, put(small, "bucket", "key")))
    assert seen[0]["x-amz-checksum-crc32"].decode() == in_base64(zlib.crc32(small.read_bytes()))
    hashed = hashlib.sha256(small.read_bytes()).hexdigest()
    assert seen[0]["X-Amz-Content-SHA256"].decode() == ("UNSIGNED-PAYLOAD" if tls else hashed)


class RawBody:
    """Of an answer that never was on a wire."""

    def stream(self, **_):
        return iter(())


# --- the store says no -----------------------------------------------------------------------------------------------------


def test_a_bucket_that_is_not_there_ends_the_run(embedded, small):
    with pytest.raises(BucketMissing, match="ropeway-absent-bucket"):
        sent_up(embedded.endpoint_url, put(small, "ropeway-absent-bucket", "key"))


@pytest.mark.parametrize("body", [b"", b"<html><body>Welcome</body></html>"], ids=["nothing", "a page"])
@pytest.mark.parametrize(
    ("method", "target"),
    [("PUT", "small"), ("POST", "uploads"), ("PUT", PART), ("POST", "uploadId")],
    ids=["whole", "begin", "part", "complete"],
)
def test_a_yes_that_does_not_come_from_s3_is_no_success(faulty, s3, bucket, small, large, method, target, body):
    """A proxy's or a web server's 200: nothing was stored."""
    faulty.on(Answer(200, {"Content-Type": "text/html"}, body), method=method, target=target)
    with pytest.raises(
        NetworkError, match=r"Could not upload .*says yes, but not from S3 \(it tells no (ETag|UploadId)"
    ):
        sent_up(faulty, put(small, bucket, "small"), put(large, bucket, "large"))
    assert uploads(s3, bucket) == []


def test_one_object_that_is_denied_fails_alone_and_nothing_new_is_begun(faulty, s3, bucket, small):
    faulty.on(s3_error(403, "AccessDenied"), method="PUT", target="denied")
    work = [put(small, bucket, key) for key in ("first", "denied", "later")]
    results = sent_up(faulty, *work, concurrency=1)
    assert [result.work for result in results] == work[:2]
    assert results[0].error is None
    assert isinstance(results[1].error, AccessDenied)
    assert "s3:PutObject" in str(results[1].error)
    assert keys(s3, bucket) == ["first"]


def test_what_is_in_flight_when_another_object_fails_still_arrives(faulty, s3, bucket, small, large):
    faulty.on(s3_error(403, "AccessDenied", delay=0.2), method="PUT", target="denied")
    results = sent_up(faulty, put(large, bucket, "large"), put(small, bucket, "denied"), concurrency=2)
    assert {result.work.key: result.error is None for result in results} == {"large": True, "denied": False}
    assert s3.get_object(Bucket=bucket, Key="large")["Body"].read() == large.read_bytes()


def test_a_part_that_is_refused_aborts_the_upload(faulty, s3, bucket, large):
    faulty.on(s3_error(403, "AccessDenied"), method="PUT", target=PART)
    (result,) = sent_up(faulty, put(large, bucket, "key"))
    assert isinstance(result.error, AccessDenied)
    assert uploads(s3, bucket) == []
    assert keys(s3, bucket) == []
    assert sum(request.method == "DELETE" for request in faulty.requests) == 2


def test_a_part_that_failed_leaves_the_parts_after_it_unsent(faulty, s3, bucket, large):
    faulty.on(s3_error(403, "AccessDenied"), method="PUT", target="partNumber=1")
    sent_up(faulty, put(large, bucket, "key"), concurrency=1)
    assert not any("partNumber=2" in request.target for request in faulty.requests)


def test_an_abort_that_fails_is_said_with_the_upload_and_what_to_do(faulty, s3, bucket, large):
    faulty.on(s3_error(403, "AccessDenied"), method="PUT", target=PART)
    faulty.on(s3_error(403, "AccessDenied", "You may not abort."), method="DELETE")
    (result,) = sent_up(faulty, put(large, bucket, "key"))
    (left,) = uploads(s3, bucket)
    assert "s3:PutObject" in str(result.error)
    assert f"aborting their upload {left['UploadId']} failed" in str(result.error)
    assert "You may not abort" in str(result.error)
    assert "AbortIncompleteMultipartUpload" in str(result.error)


def test_an_abort_that_is_told_that_the_upload_is_gone_is_content(faulty, s3, bucket, large):
    faulty.on(s3_error(403, "AccessDenied"), method="PUT", target=PART)
    faulty.on(s3_error(404, "NoSuchUpload"), method="DELETE", skip=1)
    (result,) = sent_up(faulty, put(large, bucket, "key"))
    assert isinstance(result.error, AccessDenied)
    assert "aborting" not in str(result.error)


@pytest.mark.parametrize("times", [1, 100])
def test_an_error_inside_a_completion_that_began_with_200_is_an_error(faulty, s3, bucket, large, times):
    inside = s3_error(200, "InternalError", "We encountered an internal error. Please try again.")
    faulty.on(inside, method="POST", target="uploadId", times=times)
    (result,) = sent_up(faulty, put(large, bucket, "key"), **FEW_RETRIES)
    if times == 1:  # tried again, and well
        well([result])
        assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == large.read_bytes()
    else:
        assert "InternalError" in str(result.error)
        assert keys(s3, bucket) == []
    assert uploads(s3, bucket) == []


@pytest.mark.parametrize("blanks", [0, 1100])
def test_an_error_that_came_after_many_blanks_and_has_an_etag_is_no_completion(faulty, s3, bucket, large, blanks):
    """S3 sends blanks while it works, and its InvalidPart names the part's ETag."""
    error = b"<Error><Code>InvalidPart</Code><Message>One part could not be found.</Message><ETag>e</ETag></Error>"
    faulty.on(Answer(200, {}, b'<?xml version="1.0"?>' + b" " * blanks + error), method="POST", target="uploadId")
    (result,) = sent_up(faulty, put(large, bucket, "key"))
    assert "InvalidPart: One part could not be found" in str(result.error)
    assert keys(s3, bucket) == uploads(s3, bucket) == []


def test_a_completion_whose_answer_was_lost_is_found_to_have_been_done(faulty, s3, bucket, large):
    def lost(request):
        s3.put_object(Bucket=bucket, Key="key", Body=large.read_bytes(), ChecksumAlgorithm="CRC32")
        return Answer(hang_up=True)

    faulty.on(lost, method="POST", target="uploadId", times=1)
    faulty.on(s3_error(404, "NoSuchUpload"), method="POST", target="uploadId")
    well(sent_up(faulty, put(large, bucket, "key"), **FEW_RETRIES))
    assert faulty.requests[-1].method == "HEAD"


def test_an_older_object_of_the_same_bytes_does_not_show_that_an_upload_was_completed(faulty, bucket, large):
    """Its headers may be others."""
    crc = in_base64(zlib.crc32(large.read_bytes()))
    old = {"ETag": '"e"', "x-amz-checksum-crc32": crc, "Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT"}
    faulty.on(Answer(hang_up=True), method="POST", target="uploadId", times=1)
    faulty.on(s3_error(404, "NoSuchUpload"), method="POST", target="uploadId")
    faulty.on(Answer(200, old), method="HEAD")
    (result,) = sent_up(faulty, put(large, bucket, "key"), **FEW_RETRIES)
    assert isinstance(result.error, AwsError)
    assert "NoSuchUpload" in str(result.error)


def test_an_upload_that_somebody_aborted_is_no_success_though_an_object_of_that_name_is_there(
    faulty, s3, bucket, large
):
    s3.put_object(Bucket=bucket, Key="key", Body=b"older", ChecksumAlgorithm="CRC32")
    faulty.on(Answer(hang_up=True), method="POST", target="uploadId", times=1)
    faulty.on(s3_error(404, "NoSuchUpload"), method="POST", target="uploadId")
    (result,) = sent_up(faulty, put(large, bucket, "key"), **FEW_RETRIES)
    assert isinstance(result.error, AwsError)
    assert "NoSuchUpload" in str(result.error)


def test_credentials_that_expire_on_the_way_end_the_run_and_the_upload(faulty, s3, bucket, large, small):
    faulty.on(s3_error(400, "ExpiredToken", "The provided token has expired."), method="PUT", target=PART)
    with pytest.raises(CredentialsError, match="ExpiredToken"):
        sent_up(faulty, put(large, bucket, "key"), put(small, bucket, "later"), concurrency=1)
    assert uploads(s3, bucket) == []
    assert keys(s3, bucket) == []


# --- the bytes ---------------------------------------------------------------------------------------------------------------


@boto_only
def test_bytes_that_were_changed_on_the_way_are_refused_by_the_store(faulty, s3, bucket, small, monkeypatch):
    monkeypatch.setattr(upload, "in_base64", lambda crc: "AAAAAA==")
    (result,) = sent_up(faulty, put(small, bucket, "key"))
    assert isinstance(result.error, IntegrityError)
    assert "BadDigest" in str(result.error)
    assert keys(s3, bucket) == []


@pytest.mark.parametrize(
    "headers",
    [{"ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}, {"ETag": '"e"', "x-amz-checksum-crc32": "AAAAAA=="}],
    ids=["etag", "checksum"],
)
def test_an_answer_that_speaks_of_other_bytes_is_an_error(misbehaving, small, headers):
    misbehaving.on(Answer(200, headers))
    (result,) = sent_up(misbehaving, put(small, "bucket", "key"))
    assert isinstance(result.error, IntegrityError)
    assert "s3://bucket/key did not arrive whole" in str(result.error)


def test_a_part_that_arrived_as_something_else_aborts_the_upload(faulty, s3, bucket, large):
    faulty.on(Answer(200, {"ETag": '"e"', "x-amz-checksum-crc32": "AAAAAA=="}), method="PUT", target=PART)
    (result,) = sent_up(faulty, put(large, bucket, "key"))
    assert f"Part 2 of s3://{bucket}/key did not arrive whole" in str(result.error)
    assert uploads(s3, bucket) == []


# --- the file ----------------------------------------------------------------------------------------------------------------


def test_a_file_that_changed_since_the_plan_is_not_sent(embedded, s3, bucket, small):
    planned = put(small, bucket, "key")
    small.write_bytes(b"other")
    (result,) = sent_up(embedded.endpoint_url, planned)
    assert isinstance(result.error, LocalFileError)
    assert "changed while it was being uploaded" in str(result.error)
    assert keys(s3, bucket) == []


def test_a_file_that_is_gone_since_the_plan_is_named(embedded, bucket, small):
    planned = put(small, bucket, "key")
    small.unlink()
    (result,) = sent_up(embedded.endpoint_url, planned)
    assert "small.bin cannot be read: No such file or directory" in str(result.error)


@pytest.mark.parametrize("how", ["touched", "shortened", "replaced"])
def test_a_file_that_changes_between_its_parts_aborts_the_upload(embedded, s3, bucket, large, how):
    def change(count):
        if how == "touched":
            os.utime(large)
        elif how == "shortened":
            os.truncate(large, 6 * MIB)
        else:
            os.replace(_copy(large), large)

    with engine_at(embedded, concurrency=1) as engine:
        (result,) = list(engine.transfer([put(large, bucket, "key")], change, Cancellation()))
    assert isinstance(result.error, LocalFileError)
    assert "changed while it was being uploaded" in str(result.error)
    assert uploads(s3, bucket) == []
    assert keys(s3, bucket) == []


@pytest.mark.parametrize("how", ["replaced", "written over"])
def test_another_file_of_the_same_size_and_mtime_between_two_parts_aborts_the_upload(faulty, s3, bucket, large, how):
    """As rsync -t, cp -p or a restore bring one."""
    planned = put(large, bucket, "key")

    def change(request):
        path = large if how == "written over" else large.with_name("other")
        path.write_bytes(noise(planned.size, 9))
        os.utime(path, ns=(planned.mtime_ns, planned.mtime_ns))
        os.replace(path, large)
        return _forwarded(faulty.upstream, request)

    faulty.on(change, method="PUT", target="partNumber=1", times=1)
    (result,) = sent_up(faulty, planned, concurrency=1)
    assert isinstance(result.error, LocalFileError)
    assert "changed while it was being uploaded: it was written to, or another file took its place" in str(result.error)
    assert keys(s3, bucket) == uploads(s3, bucket) == []


def test_a_small_file_that_is_written_over_with_its_mtime_kept_is_no_success(faulty, s3, bucket, small):
    planned = put(small, bucket, "key")

    def change(request):
        small.write_bytes(noise(planned.size, 9))
        os.utime(small, ns=(planned.mtime_ns, planned.mtime_ns))
        return _forwarded(faulty.upstream, request)

    faulty.on(change, method="PUT", times=1)
    (result,) = sent_up(faulty, planned)
    assert "changed while it was being uploaded: it was written to" in str(result.error)
    assert f"s3://{bucket}/key holds what was read of it" in str(result.error)


def _copy(path):
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    return copy


@boto_only
def test_a_file_that_changes_at_the_very_end_is_not_completed(embedded, s3, bucket, large):
    with engine_at(embedded, concurrency=1) as engine:
        engine._client.meta.events.register("after-call.s3.UploadPart", lambda **_: os.utime(large))
        (result,) = transfer(engine, put(large, bucket, "key"))
    assert isinstance(result.error, LocalFileError)
    assert keys(s3, bucket) == []


@boto_only
def test_a_small_file_that_changes_at_the_very_end_has_replaced_its_object_and_that_is_said(
    embedded, s3, bucket, small
):
    with engine_at(embedded) as engine:
        engine._client.meta.events.register("after-call.s3.PutObject", lambda **_: os.utime(small))
        (result,) = transfer(engine, put(small, bucket, "key"))
    assert keys(s3, bucket) == ["key"]
    assert "changed while it was being uploaded" in str(result.error)
    assert f"s3://{bucket}/key holds what was read of it" in str(result.error)


# --- the size of parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 8 * MIB + 1, 10**9, 80 * 1000 * MIB, 80 * 1000 * MIB + 1, 5 * 2**40, 48 * 2**40])
def test_there_are_never_more_parts_than_s3_takes(size):
    step = part_size(size, 8 * MIB)
    assert step >= 8 * MIB
    assert step % MIB == 0
    assert step <= 5 * 2**30
    assert -(-size // step) <= MOST_PARTS
