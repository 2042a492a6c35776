"""Which IAM actions a request needs."""

from __future__ import annotations

import pytest

from ropeway.registry import all_tasks
from ropeway.s3 import actions
from ropeway.s3.engine import Headers


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        (Headers(content_type="text/css", storage_class="STANDARD_IA", metadata=(("a", "b"),), sse="AES256"), ()),
        (Headers(tags=(("a", "b"),)), ("s3:PutObjectTagging",)),
        (Headers(acl="private"), ("s3:PutObjectAcl",)),
        (Headers(lock_mode="GOVERNANCE", lock_until="2099-01-01T00:00:00Z"), ("s3:PutObjectRetention",)),
        (Headers(legal_hold=True), ("s3:PutObjectLegalHold",)),
        (Headers(sse="aws:kms"), ("kms:GenerateDataKey",)),
    ],
)
def test_what_is_sent_with_an_object_needs_its_own_actions(headers, more):
    assert actions.of_put(headers) == ("s3:PutObject", *more)


def test_a_version_needs_another_action_than_the_current_one():
    assert (actions.of_get(), actions.of_get("v1")) == (("s3:GetObject",), ("s3:GetObjectVersion",))
    assert (actions.of_head(), actions.of_head("v1")) == (
        ("s3:GetObject", "s3:ListBucket"),
        ("s3:GetObjectVersion", "s3:ListBucket"),
    )


def test_a_copy_reads_its_source_and_writes_its_target():
    tagged = Headers(tags=(("a", "b"),))
    assert actions.of_copy(Headers()) == ("s3:GetObject", "s3:PutObject")
    assert actions.of_copy(tagged, "v1") == ("s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectTagging")


def test_what_a_message_may_name_is_what_the_tasks_declare():
    everything = Headers(tags=(("a", "b"),), acl="private", lock_mode="GOVERNANCE", legal_hold=True, sse="aws:kms")
    named = {
        *actions.of_put(everything),
        *actions.of_head(),
        *actions.of_get("v1"),
        *actions.of_create_bucket(object_lock=True),
        *actions.LIST,
        *actions.TAGS,
        *actions.ABORT,
    }
    assert named <= {row.action for task in all_tasks() for row in task.actions}
