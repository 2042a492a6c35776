"""What AWS does and the embedded AWS too, over HTTP with boto3; each is tried on moto alone as well, which does not do it.

When moto learns one of them, its test says so, and the patch can go.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ropeway.local.patches import PATCHES
from ropeway.local.patches.later import LATER as OTHER_SERVICES
from tests.local.world import World, refused

MB = 1024 * 1024
CRC32_OF_X = base64.b64encode(zlib.crc32(b"x").to_bytes(4, "big")).decode()
WRONG_CRC32 = "AAAAAA=="


TRUTHS: list[Callable[[World, Any], None]] = []


def truth(check: Callable[[World, Any], None]) -> Callable[[World, Any], None]:
    TRUTHS.append(check)
    return check


# --- checksums -----------------------------------------------------------------------------------------------------------


@truth
def a_wrong_crc32_is_refused_and_nothing_is_stored(world, s3):
    with refused("BadDigest", "CRC32"):
        s3.put_object(Bucket=world.bucket, Key="k", Body=b"x", ChecksumCRC32=WRONG_CRC32)
    assert "Contents" not in s3.list_objects_v2(Bucket=world.bucket)


@truth
def a_wrong_sha1_is_refused(world, s3):
    with refused("BadDigest"):
        s3.put_object(Bucket=world.bucket, Key="k", Body=b"x", ChecksumSHA1=base64.b64encode(bytes(20)).decode())


@truth
def a_wrong_sha256_of_a_part_is_refused(world, s3):
    upload = s3.create_multipart_upload(Bucket=world.bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    with refused("BadDigest"):
        s3.upload_part(
            Bucket=world.bucket,
            Key="k",
            UploadId=upload,
            PartNumber=1,
            Body=b"x",
            ChecksumSHA256=base64.b64encode(bytes(32)).decode(),
        )


@truth
def a_wrong_content_md5_is_refused(world, s3):
    with refused("BadDigest", "Content-MD5"):
        s3.put_object(Bucket=world.bucket, Key="k", Body=b"x", ContentMD5=base64.b64encode(bytes(16)).decode())


@truth
def a_content_md5_that_cannot_be_one_is_refused(world, s3):
    status, _, body = world.raw("PUT", "k", b"x", Content_MD5="short")
    assert (status, b"InvalidDigest" in body) == (400, True)


@truth
def two_checksums_are_refused(world, s3):
    status, _, body = world.raw("PUT", "k", b"x", x_amz_checksum_crc32=CRC32_OF_X, x_amz_checksum_sha1="AAAA")
    assert (status, b"Multiple checksum Types" in body) == (400, True)


@truth
def a_checksum_that_cannot_be_one_is_refused(world, s3):
    status, _, body = world.raw("PUT", "k", b"x", x_amz_checksum_crc32="AAAA")
    assert (status, b"InvalidRequest" in body) == (400, True)


@truth
def a_body_that_is_not_the_signed_one_is_refused(world, s3):
    status, _, body = world.raw("PUT", "k", b"x", x_amz_content_sha256=hashlib.sha256(b"y").hexdigest())
    assert (status, b"XAmzContentSHA256Mismatch" in body) == (400, True)


@truth
def a_checksum_header_alone_is_kept_and_shown(world, s3):
    assert world.raw("PUT", "k", b"x", x_amz_checksum_crc32=CRC32_OF_X)[0] == 200
    head = s3.head_object(Bucket=world.bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumCRC32"], head["ChecksumType"]) == (CRC32_OF_X, "FULL_OBJECT")


def in_chunks(*chunks: bytes, trailer: str) -> bytes:
    framed = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in (*chunks, b""))
    return framed[:-2] + f"{trailer}\r\n\r\n".encode()


def send_in_chunks(world: World, framed: bytes, length: int) -> tuple[int, bytes]:
    status, _, body = world.raw(
        "PUT",
        "k",
        framed,
        x_amz_content_sha256="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        Content_Encoding="aws-chunked",
        x_amz_decoded_content_length=str(length),
        x_amz_trailer="x-amz-checksum-crc32",
    )
    return status, body


@truth
def a_right_trailing_crc32_is_kept(world, s3):
    assert send_in_chunks(world, in_chunks(b"x", trailer=f"x-amz-checksum-crc32:{CRC32_OF_X}"), 1)[0] == 200
    got = s3.get_object(Bucket=world.bucket, Key="k", ChecksumMode="ENABLED")
    assert (got["Body"].read(), got["ChecksumCRC32"], got.get("ContentEncoding")) == (b"x", CRC32_OF_X, None)


@truth
def a_wrong_trailing_crc32_is_refused(world, s3):
    status, body = send_in_chunks(world, in_chunks(b"x", b"y", trailer=f"x-amz-checksum-crc32:{CRC32_OF_X}"), 2)
    assert (status, b"BadDigest" in body) == (400, True)


@truth
def a_trailer_that_was_announced_and_did_not_come_is_refused(world, s3):
    status, body = send_in_chunks(world, in_chunks(b"x", trailer="x-other:1"), 1)
    assert (status, b"MalformedTrailerError" in body) == (400, True)


@truth
def a_chunked_body_that_is_cut_short_is_refused(world, s3):
    framed = in_chunks(b"x" * 100, trailer=f"x-amz-checksum-crc32:{CRC32_OF_X}")
    status, body = send_in_chunks(world, framed[:50], 100)
    assert (status, b"IncompleteBody" in body) == (400, True)


@truth
def a_file_with_the_content_type_of_a_form_keeps_its_bytes(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"a=b&key=c", ContentType="application/x-www-form-urlencoded")
    assert s3.get_object(Bucket=world.bucket, Key="k")["Body"].read() == b"a=b&key=c"


# --- multipart -----------------------------------------------------------------------------------------------------------


@dataclass
class Upload:
    """A multipart upload of two parts that is not completed yet."""

    world: World
    s3: Any
    options: dict[str, str]
    first: bytes = b"a" * 5 * MB
    second: bytes = b"b"

    def __post_init__(self) -> None:
        self.key = {"Bucket": self.world.bucket, "Key": "k"}
        begun = self.s3.create_multipart_upload(**self.key, **self.options)
        self.key["UploadId"] = begun["UploadId"]
        self.parts = [self.part(1, self.first), self.part(2, self.second)]

    def part(self, number: int, body: bytes) -> dict[str, Any]:
        checksum = {"ChecksumAlgorithm": "CRC32"}
        sent = self.s3.upload_part(**self.key, PartNumber=number, Body=body, **checksum)
        return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]}

    def complete(self, parts: list[dict[str, Any]] | None = None, **options: Any) -> Any:
        listed = {"Parts": self.parts if parts is None else parts}
        return self.s3.complete_multipart_upload(**self.key, MultipartUpload=listed, **options)


FULL = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
COMPOSITE = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "COMPOSITE"}


@truth
def a_wrong_full_object_crc32_at_the_end_is_refused(world, s3):
    with refused("BadDigest"):
        Upload(world, s3, FULL).complete(ChecksumCRC32=WRONG_CRC32, ChecksumType="FULL_OBJECT")
    assert "Contents" not in s3.list_objects_v2(Bucket=world.bucket)


@truth
def a_composite_upload_must_list_the_checksum_of_each_part(world, s3):
    upload = Upload(world, s3, COMPOSITE)
    with refused("InvalidRequest", "missing for part 1"):
        upload.complete([{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in upload.parts])


@truth
def a_composite_checksum_is_shown_with_its_count_of_parts(world, s3):
    Upload(world, s3, COMPOSITE).complete()
    head = s3.head_object(Bucket=world.bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumType"], head["ChecksumCRC32"][-2:]) == ("COMPOSITE", "-2")


@truth
def a_part_with_the_checksum_of_another_algorithm_is_refused(world, s3):
    upload = s3.create_multipart_upload(Bucket=world.bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    with refused("InvalidRequest", "expected checksum Type: sha256"):
        s3.upload_part(
            Bucket=world.bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32"
        )


@truth
def parts_out_of_order_are_refused(world, s3):
    upload = Upload(world, s3, {})
    with refused("InvalidPartOrder"):
        upload.complete(upload.parts[::-1])


@truth
def a_size_that_is_not_the_whole_is_refused(world, s3):
    with refused("InvalidRequest", "x-amz-mp-object-size"):
        Upload(world, s3, {}).complete(MpuObjectSize=7)


@truth
def a_part_of_an_absent_upload_is_refused(world, s3):
    with refused("NoSuchUpload"):
        s3.upload_part(Bucket=world.bucket, Key="k", UploadId="absent", PartNumber=1, Body=b"x")


@truth
def a_part_for_another_key_is_refused(world, s3):
    upload = s3.create_multipart_upload(Bucket=world.bucket, Key="k")["UploadId"]
    with refused("NoSuchUpload"):
        s3.upload_part(Bucket=world.bucket, Key="other", UploadId=upload, PartNumber=1, Body=b"x")


@truth
def completing_an_absent_upload_is_refused(world, s3):
    with refused("NoSuchUpload"):
        s3.complete_multipart_upload(
            Bucket=world.bucket, Key="k", UploadId="absent", MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}
        )


# --- names, limits, regions, access --------------------------------------------------------------------------------------


@truth
def a_key_may_hold_a_line_break(world, s3):
    s3.put_object(Bucket=world.bucket, Key="a\nb", Body=b"x")
    assert s3.get_object(Bucket=world.bucket, Key="a\nb")["Body"].read() == b"x"


@truth
def a_key_of_more_than_1024_bytes_is_refused(world, s3):
    with refused("KeyTooLongError"):
        s3.put_object(Bucket=world.bucket, Key="ä" * 513, Body=b"")


@truth
def metadata_over_2_kb_is_refused(world, s3):
    with refused("MetadataTooLarge"):
        s3.put_object(Bucket=world.bucket, Key="k", Body=b"", Metadata={"a": "b" * 2048})


@truth
def a_bucket_name_that_is_none_is_refused(world, s3):
    with refused("InvalidBucketName"):
        s3.create_bucket(Bucket="not_a_name")


@truth
def an_unknown_storage_class_of_a_multipart_upload_is_refused(world, s3):
    status, _, body = world.raw("POST", "k", query="?uploads", x_amz_storage_class="NONE")
    assert (status, b"InvalidStorageClass" in body) == (400, True)


@truth
def a_bucket_of_another_region_answers_with_the_right_one(world, s3):
    name = world.bucket + "-eu"
    there = {"LocationConstraint": "eu-west-1"}
    world.client(region="eu-west-1").create_bucket(Bucket=name, CreateBucketConfiguration=there)
    world.bucket = name
    status, headers, body = world.raw("PUT", "k", b"x")
    assert (status, headers["x-amz-bucket-region"], b"PermanentRedirect" in body) == (301, "eu-west-1", True)
    s3.put_object(Bucket=name, Key="k", Body=b"x")  # boto3 signs anew for the region that it was told
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == "eu-west-1"


@truth
def a_bucket_of_another_account_is_closed(world, s3):
    stranger = world.client(account="222222222222")
    with refused("AccessDenied"):
        stranger.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    with refused("AccessDenied"):
        stranger.list_objects_v2(Bucket=world.bucket)
    with refused("403"):
        stranger.head_bucket(Bucket=world.bucket)


@truth
def an_unsigned_request_is_refused(world, s3):
    status, _, body = world.raw("GET", "", Authorization="")
    assert (status, b"AccessDenied" in body) == (403, True)


@truth
def a_new_bucket_takes_no_acl(world, s3):
    with refused("AccessControlListNotSupported"):
        s3.put_object(Bucket=world.bucket, Key="k", Body=b"", ACL="public-read")
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"", ACL="bucket-owner-full-control")


@truth
def a_new_bucket_that_takes_acls_blocks_public_ones(world, s3):
    name = world.bucket + "-acl"
    s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
    with refused("AccessDenied"):
        s3.put_object(Bucket=name, Key="k", Body=b"", ACL="public-read")
    s3.delete_public_access_block(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"", ACL="public-read")


@truth
def every_answer_carries_its_request_id(world, s3):
    status, headers, body = world.raw("GET", "absent")
    assert status == 404
    assert f"<RequestId>{headers['x-amz-request-id']}</RequestId>" in body.decode()


@truth
def the_page_of_another_site_may_not_read_answers(world, s3):
    assert "access-control-allow-origin" not in world.raw("GET", "", Origin="https://example.com")[1]


# --- encryption ----------------------------------------------------------------------------------------------------------


CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}


@truth
def objects_are_encrypted_unasked(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"")
    assert s3.head_object(Bucket=world.bucket, Key="k")["ServerSideEncryption"] == "AES256"


@truth
def a_customers_key_is_needed_to_read_what_it_wrote(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x", **CUSTOMER)
    with refused("InvalidRequest"):
        s3.get_object(Bucket=world.bucket, Key="k")
    with refused("400"):
        s3.head_object(Bucket=world.bucket, Key="k")
    with refused("AccessDenied"):
        s3.get_object(Bucket=world.bucket, Key="k", SSECustomerAlgorithm="AES256", SSECustomerKey=b"z" * 32)
    got = s3.get_object(Bucket=world.bucket, Key="k", **CUSTOMER)
    assert (got["Body"].read(), got["SSECustomerAlgorithm"]) == (b"x", "AES256")


@truth
def a_customers_key_for_an_object_without_one_is_refused(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    with refused("InvalidRequest"):
        s3.get_object(Bucket=world.bucket, Key="k", **CUSTOMER)


@truth
def each_part_of_an_upload_needs_the_customers_key(world, s3):
    upload = s3.create_multipart_upload(Bucket=world.bucket, Key="k", **CUSTOMER)["UploadId"]
    part = {"Bucket": world.bucket, "Key": "k", "UploadId": upload, "PartNumber": 1, "Body": b"x"}
    with refused("InvalidRequest"):
        s3.upload_part(**part)
    etag = s3.upload_part(**part, **CUSTOMER)["ETag"]
    done = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket=world.bucket, Key="k", UploadId=upload, MultipartUpload=done)
    with refused("InvalidRequest"):
        s3.get_object(Bucket=world.bucket, Key="k")


@truth
def a_kms_key_must_exist(world, s3):
    with refused("KMS.NotFoundException"):
        s3.put_object(
            Bucket=world.bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/absent"
        )


@truth
def a_kms_key_is_shown_by_its_arn(world, s3):
    key = world.client("kms").create_key()["KeyMetadata"]
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms", SSEKMSKeyId=key["KeyId"])
    assert s3.head_object(Bucket=world.bucket, Key="k")["SSEKMSKeyId"] == key["Arn"]


@truth
def the_accounts_own_kms_key_is_used_when_none_is_named(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms")
    assert ":key/" in s3.head_object(Bucket=world.bucket, Key="k")["SSEKMSKeyId"]


@truth
def the_etag_under_kms_is_no_md5(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket=world.bucket, Key="k")["ETag"] != f'"{hashlib.md5(b"x").hexdigest()}"'


# --- whose bucket it is ----------------------------------------------------------------------------------------------------


@truth
def a_bucket_of_another_owner_than_the_expected_one_is_refused(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x", ExpectedBucketOwner="123456789012")
    with refused("AccessDenied", "Access Denied"):
        s3.put_object(Bucket=world.bucket, Key="k", Body=b"y", ExpectedBucketOwner="999999999999")
    with refused("403"):
        s3.head_object(Bucket=world.bucket, Key="k", ExpectedBucketOwner="999999999999")
    assert s3.get_object(Bucket=world.bucket, Key="k")["Body"].read() == b"x"


@truth
def an_expected_owner_is_an_account_id(world, s3):
    with refused("InvalidBucketOwnerAWSAccountID"):
        s3.list_objects_v2(Bucket=world.bucket, ExpectedBucketOwner="me")


# --- object lock -----------------------------------------------------------------------------------------------------------

LATER = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2099-01-01T00:00:00Z"}


def with_lock(world, s3) -> None:
    world.bucket = f"{world.bucket}-lock"
    s3.create_bucket(Bucket=world.bucket, ObjectLockEnabledForBucket=True)


def put_as_one_part(world, s3, **asked) -> None:
    what = {"Bucket": world.bucket, "Key": "k"}
    what["UploadId"] = s3.create_multipart_upload(**what, **asked)["UploadId"]
    etag = s3.upload_part(**what, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(**what, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})


@truth
def an_upload_in_parts_is_locked_as_it_was_begun(world, s3):
    with_lock(world, s3)
    put_as_one_part(world, s3, **LATER, ObjectLockLegalHoldStatus="ON")
    head = s3.head_object(Bucket=world.bucket, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    assert f"{head['ObjectLockRetainUntilDate']:%Y-%m-%d}" == "2099-01-01"


@truth
def an_upload_in_parts_is_locked_by_the_buckets_default(world, s3):
    with_lock(world, s3)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=world.bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    put_as_one_part(world, s3)
    assert s3.head_object(Bucket=world.bucket, Key="k")["ObjectLockMode"] == "COMPLIANCE"


@truth
def a_locked_object_without_a_checksum_is_refused(world, s3):
    with_lock(world, s3)
    lock = {"x_amz_object_lock_mode": "GOVERNANCE", "x_amz_object_lock_retain_until_date": "2099-01-01T00:00:00Z"}
    status, _, body = world.raw("PUT", "k", b"x", **lock)
    assert (status, b"header is required for Put Object requests with Object Lock parameters" in body) == (400, True)
    md5 = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    assert world.raw("PUT", "k", b"x", **lock, Content_MD5=md5)[0] == 200


@truth
def a_part_of_a_locked_object_without_a_checksum_is_refused(world, s3):
    with_lock(world, s3)
    upload = s3.create_multipart_upload(Bucket=world.bucket, Key="k", **LATER)["UploadId"]
    status, _, body = world.raw("PUT", "k", b"x", query=f"?partNumber=1&uploadId={upload}")
    assert (status, b"for Put Part requests with Object Lock parameters" in body) == (400, True)


@truth
def a_lock_until_yesterday_is_refused(world, s3):
    with_lock(world, s3)
    with refused("InvalidArgument", "must be in the future"):
        s3.put_object(Bucket=world.bucket, Key="k", **LATER | {"ObjectLockRetainUntilDate": "2020-01-01T00:00:00Z"})


@truth
def a_lock_without_a_date_is_refused(world, s3):
    with_lock(world, s3)
    with refused("InvalidArgument", "must both be supplied"):
        s3.put_object(Bucket=world.bucket, Key="k", ObjectLockMode="GOVERNANCE")


@truth
def a_bucket_without_object_lock_takes_no_locks(world, s3):
    with refused("InvalidRequest", "Bucket is missing Object Lock Configuration"):
        s3.create_multipart_upload(Bucket=world.bucket, Key="k", **LATER)


# --- IAM policies ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def somebody_who_may(world, *actions: str) -> Iterator[Any]:
    """A client of a user whose policy allows these actions. Policies decide for as long as the block lasts."""
    iam, name = world.client("iam"), f"user-{world.bucket}"
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="some", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    config = Config(retries={"max_attempts": 0})
    world.clients.append(boto3.client("s3", endpoint_url=world.url, region_name="us-east-1", config=config, **keys))
    world.let_policies_decide_after("0")
    try:
        yield world.clients[-1]
    finally:
        world.let_policies_decide_after("inf")


def lacking(action: str) -> contextlib.AbstractContextManager[None]:
    return refused(
        "AccessDenied", f"is not authorized to perform: {action} on resource", "no identity-based policy allows"
    )


@truth
def tags_acls_and_locks_need_actions_of_their_own(world, s3):
    with_lock(world, s3)
    put = {"Bucket": world.bucket, "Key": "k", "Body": b""}
    with somebody_who_may(world, "s3:PutObject") as who:
        who.put_object(**put)
        with lacking("s3:PutObjectTagging"):
            who.put_object(**put, Tagging="a=b")
        with lacking("s3:PutObjectAcl"):
            who.put_object(**put, ACL="bucket-owner-full-control")
        with lacking("s3:PutObjectRetention"):
            who.create_multipart_upload(Bucket=world.bucket, Key="k", **LATER)
        with lacking("s3:PutObjectLegalHold"):
            who.put_object(**put, ObjectLockLegalHoldStatus="ON")


@truth
def a_kms_key_of_the_customer_needs_actions_on_it(world, s3):
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    put = {"Bucket": world.bucket, "Key": "k", "Body": b"", "ServerSideEncryption": "aws:kms"}
    s3.put_object(**put, SSEKMSKeyId=key, ChecksumAlgorithm="CRC32")
    s3.put_object(**put | {"Key": "own"})
    with somebody_who_may(world, "s3:*") as who:
        with lacking("kms:GenerateDataKey"):
            who.put_object(**put, SSEKMSKeyId=key)
        with lacking("kms:Decrypt"):
            who.get_object(Bucket=world.bucket, Key="k")
        with refused("403"):
            who.head_object(Bucket=world.bucket, Key="k", ChecksumMode="ENABLED")
        who.head_object(Bucket=world.bucket, Key="k")
        who.get_object(Bucket=world.bucket, Key="own")


@truth
def an_object_that_is_not_there_is_denied_to_who_may_not_list(world, s3):
    with somebody_who_may(world, "s3:GetObject") as who:
        with refused("403"):
            who.head_object(Bucket=world.bucket, Key="absent")
        with lacking("s3:ListBucket"):
            who.get_object(Bucket=world.bucket, Key="absent")


@truth
def a_version_needs_another_action_than_the_current_one(world, s3):
    s3.put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration={"Status": "Enabled"})
    what = {"Bucket": world.bucket, "Key": "k", "VersionId": s3.put_object(Bucket=world.bucket, Key="k")["VersionId"]}
    with somebody_who_may(world, "s3:GetObject") as who, refused("403"):
        who.head_object(**what)


@truth
def tags_and_locks_are_hidden_from_who_may_not_see_them(world, s3):
    with_lock(world, s3)
    s3.put_object(Bucket=world.bucket, Key="k", Tagging="a=b", ObjectLockLegalHoldStatus="ON", **LATER)
    with somebody_who_may(world, "s3:GetObject", "s3:GetObjectLegalHold") as who:
        head = who.head_object(Bucket=world.bucket, Key="k")
        assert head["ObjectLockLegalHoldStatus"] == "ON"
        assert not {"ObjectLockMode", "ObjectLockRetainUntilDate", "TagCount"} & set(head)


@truth
def a_bucket_with_object_lock_needs_more_than_a_bucket(world, s3):
    with somebody_who_may(world, "s3:CreateBucket", "s3:PutBucketVersioning") as who:
        who.create_bucket(Bucket=f"{world.bucket}-plain")
        with lacking("s3:PutBucketObjectLockConfiguration"):
            who.create_bucket(Bucket=f"{world.bucket}-lock", ObjectLockEnabledForBucket=True)


@truth
def a_denied_head_of_a_bucket_is_about_listing(world, s3):
    with somebody_who_may(world, "s3:ListBucket") as who:
        who.head_bucket(Bucket=world.bucket)


# --- copies --------------------------------------------------------------------------------------------------------------


def copied(s3: Any, world: World, **how: Any) -> Any:
    return s3.copy_object(Bucket=world.bucket, Key="copy", CopySource={"Bucket": world.bucket, "Key": "k"}, **how)


@truth
def a_source_that_is_another_one_is_not_copied(world, s3):
    etag = s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")["ETag"]
    copied(s3, world, CopySourceIfMatch=etag)
    with refused("PreconditionFailed"):
        copied(s3, world, CopySourceIfMatch='"another"')


@truth
def a_source_that_is_another_one_gives_no_parts(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    upload = s3.create_multipart_upload(Bucket=world.bucket, Key="copy")["UploadId"]
    part = {
        "Bucket": world.bucket,
        "Key": "copy",
        "UploadId": upload,
        "PartNumber": 1,
        "CopySource": f"{world.bucket}/k",
    }
    with refused("PreconditionFailed"):
        s3.upload_part_copy(**part, CopySourceIfMatch='"another"')


@truth
def a_source_of_another_account_than_was_expected_is_not_copied(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    copied(s3, world, ExpectedSourceBucketOwner="123456789012")
    with refused("AccessDenied"):
        copied(s3, world, ExpectedSourceBucketOwner="999999999999")


@truth
def a_source_under_a_customers_key_needs_it(world, s3):
    with_key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"1" * 32}
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x", **with_key)
    copied(s3, world, **{f"CopySource{name}": value for name, value in with_key.items()})
    with refused("InvalidRequest"):
        copied(s3, world)


@truth
def a_part_that_is_copied_tells_its_checksum(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    upload = s3.create_multipart_upload(Bucket=world.bucket, Key="copy", ChecksumAlgorithm="CRC32")["UploadId"]
    part = {
        "Bucket": world.bucket,
        "Key": "copy",
        "UploadId": upload,
        "PartNumber": 1,
        "CopySource": f"{world.bucket}/k",
    }
    assert s3.upload_part_copy(**part)["CopyPartResult"]["ChecksumCRC32"] == CRC32_OF_X


@truth
def copying_needs_to_read_the_source_and_to_write_the_target(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    with somebody_who_may(world, "s3:GetObject", "s3:PutObject", "s3:PutObjectTagging") as who:
        copied(who, world, TaggingDirective="REPLACE", Tagging="a=b")
        with lacking("s3:PutObjectAcl"):
            copied(who, world, ACL="bucket-owner-full-control")


@truth
def a_copy_can_be_locked_where_the_bucket_locks(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    with refused("InvalidRequest", "Object Lock"):
        copied(s3, world, ObjectLockLegalHoldStatus="ON")
    s3.create_bucket(Bucket=f"{world.bucket}-locked", ObjectLockEnabledForBucket=True)
    source = {"Bucket": world.bucket, "Key": "k"}
    s3.copy_object(Bucket=f"{world.bucket}-locked", Key="k", CopySource=source, ObjectLockLegalHoldStatus="ON")
    assert s3.head_object(Bucket=f"{world.bucket}-locked", Key="k")["ObjectLockLegalHoldStatus"] == "ON"


@truth
def who_may_not_read_the_source_cannot_copy_it(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    with somebody_who_may(world, "s3:PutObject") as who, lacking("s3:GetObject"):
        copied(who, world)


@truth
def who_may_not_tag_cannot_copy_with_tags(world, s3):
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    with somebody_who_may(world, "s3:GetObject", "s3:PutObject") as who, lacking("s3:PutObjectTagging"):
        copied(who, world, TaggingDirective="REPLACE", Tagging="a=b")


@truth
def what_was_written_without_versions_is_the_version_null(world, s3):
    named = {"Bucket": world.bucket, "Key": "k"}
    s3.put_object(**named, Body=b"x")
    assert s3.head_object(**named, VersionId="null")["ContentLength"] == 1
    s3.put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(**named, Body=b"xx")
    found = s3.head_object(**named, VersionId="null")
    assert (found["ContentLength"], found["VersionId"]) == (1, "null")


# --- both worlds ---------------------------------------------------------------------------------------------------------


# --- presigned addresses -------------------------------------------------------------------------------------------------


def of_version(world: World, signature: str) -> Any:
    config = Config(signature_version=signature, retries={"max_attempts": 0})
    keys = {"aws_access_key_id": "AKIA0", "aws_secret_access_key": "secret"}
    world.clients.append(boto3.client("s3", endpoint_url=world.url, region_name="us-east-1", config=config, **keys))
    return world.clients[-1]


@truth
def a_presigned_address_works_as_long_as_it_was_made_for(world, s3):
    """S3 user guide, "Download and upload objects with presigned URLs"."""
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"x")
    for signature in ("s3", "s3v4"):
        for seconds, expected in ((60, (200, b"x")), (-60, (403, b"Request has expired"))):
            what = {"Bucket": world.bucket, "Key": "k"}
            url = of_version(world, signature).generate_presigned_url("get_object", what, ExpiresIn=seconds)
            status, _, body = world.raw("GET", "k", query=f"?{url.partition('?')[2]}", Authorization="")
            assert (status, expected[1] in body) == (expected[0], True)


# --- open to everybody ---------------------------------------------------------------------------------------------------


def opening(world: World) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{world.bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@truth
def a_policy_that_opens_a_bucket_is_refused_while_that_is_blocked(world, s3):
    """S3 user guide, "Blocking public access to your Amazon S3 storage"."""
    with refused("AccessDenied", "BlockPublicPolicy"):
        s3.put_bucket_policy(Bucket=world.bucket, Policy=opening(world))


@truth
def a_policy_for_all_but_a_folder_opens_nothing_in_it(world, s3):
    """IAM user guide, "IAM JSON policy elements: NotResource"."""
    s3.delete_public_access_block(Bucket=world.bucket)
    told = json.loads(opening(world))
    [statement] = told["Statement"]
    del statement["Resource"]
    statement["NotResource"] = [f"arn:aws:s3:::{world.bucket}/{folder}*" for folder in (".hidden/", "*/.hidden/")]
    s3.put_bucket_policy(Bucket=world.bucket, Policy=json.dumps(told))
    keys = {"k": 200, ".hidden/k": 403, "a/.hidden/k": 403}
    for key in keys:
        s3.put_object(Bucket=world.bucket, Key=key, Body=b"")
    assert {key: world.raw("GET", key, Authorization="")[0] for key in keys} == keys


@truth
def a_policy_that_demands_encryption_refuses_what_does_not_say_it(world, s3):
    """S3 user guide, "Protecting data with server-side encryption"; the bucket's own setting says nothing for the request."""
    name = "s3:x-amz-server-side-encryption"
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{world.bucket}/in/*",
    }
    conditions = [{"StringNotEquals": {name: "aws:kms"}}, {"Null": {name: "true"}}]
    statements = [{**deny, "Condition": one} for one in conditions]
    s3.put_bucket_policy(Bucket=world.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    said = {"ServerSideEncryption": "aws:kms"}
    source = {"Bucket": world.bucket, "Key": "in/k"}
    s3.put_object(Bucket=world.bucket, Key="in/k", Body=b"", **said)
    s3.put_object(Bucket=world.bucket, Key="out", Body=b"")
    s3.copy_object(Bucket=world.bucket, Key="in/copy", CopySource=source, **said)
    upload = s3.create_multipart_upload(Bucket=world.bucket, Key="in/parts", **said)["UploadId"]
    s3.upload_part(Bucket=world.bucket, Key="in/parts", UploadId=upload, PartNumber=1, Body=b"")
    for how in ({}, {"ServerSideEncryption": "AES256"}):
        with refused("AccessDenied", "explicit deny in a resource-based policy"):
            s3.put_object(Bucket=world.bucket, Key="in/k", Body=b"", **how)
        with refused("AccessDenied", "explicit deny in a resource-based policy"):
            s3.copy_object(Bucket=world.bucket, Key="in/copy", CopySource=source, **how)
        with refused("AccessDenied", "explicit deny in a resource-based policy"):
            s3.create_multipart_upload(Bucket=world.bucket, Key="in/parts", **how)


@truth
def the_block_of_public_access_has_actions_of_its_own(world, s3):
    """Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"."""
    block = {"BlockPublicPolicy": False}
    with somebody_who_may(world, "s3:ListBucket", "s3:CreateBucket") as who:
        with lacking("s3:GetBucketPublicAccessBlock"):
            who.get_public_access_block(Bucket=world.bucket)
        with lacking("s3:PutBucketPublicAccessBlock"):
            who.put_public_access_block(Bucket=world.bucket, PublicAccessBlockConfiguration=block)


@truth
def who_does_not_sign_is_let_in_where_the_policy_lets_everybody_in(world, s3):
    """S3 user guide, "How Amazon S3 authorizes a request"."""
    s3.delete_public_access_block(Bucket=world.bucket)
    s3.put_bucket_policy(Bucket=world.bucket, Policy=opening(world))
    s3.put_object(Bucket=world.bucket, Key="k", Body=b"open")
    with somebody_who_may(world, "s3:PutObject"):
        assert world.raw("GET", "k", Authorization="")[::2] == (200, b"open")
        assert world.raw("PUT", "k", b"mine", Authorization="")[0] == 403


def tell(world: World, check: Callable[[World, Any], None]) -> None:
    s3 = world.client()
    s3.create_bucket(Bucket=world.bucket)
    try:
        check(world, s3)
    finally:
        for client in world.clients:
            client.close()


@pytest.mark.parametrize("check", TRUTHS, ids=lambda check: check.__name__)
def test_the_embedded_aws_answers_as_aws(embedded, check):
    tell(World(embedded.endpoint_url), check)


@pytest.mark.parametrize("check", TRUTHS, ids=lambda check: check.__name__)
def test_moto_alone_does_not(moto_url, check):
    with pytest.raises((Exception, pytest.fail.Exception)):
        tell(World(moto_url), check)


def test_what_is_mended_stands_in_the_docs():
    page = (Path(__file__).parents[2] / "docs" / "embedded-aws.md").read_text()
    for patch in (*PATCHES, *OTHER_SERVICES):
        assert f"- {patch.aws}" in page
