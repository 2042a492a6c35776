"""Until when an object is kept, and whether one that is there is kept long enough."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ropeway.errors import InputError
from ropeway.inputs import camel, read
from ropeway.s3.engine import Headers
from ropeway.s3.locks import LockInputs, as_locked, least, retain_until, unseen

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


def inputs(**texts: str) -> LockInputs:
    return read(LockInputs, {"bucket_name": "shop", **texts}, camel)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2027-01-31", "2027-01-31T00:00:00Z"),
        ("2027-01-31T18:00:00Z", "2027-01-31T18:00:00Z"),
        ("2027-01-31T18:00:00+02:00", "2027-01-31T16:00:00Z"),
        ("2027-01-31T18:00", "2027-01-31T18:00:00Z"),
        ("1 day", "2026-03-02T12:00:00Z"),
        ("30 days", "2026-03-31T12:00:00Z"),
        ("30days", "2026-03-31T12:00:00Z"),
    ],
)
def test_a_date_or_a_number_of_days_becomes_a_time_in_utc(text, until):
    assert retain_until(text, NOW) == until


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ({"object_lock_mode": "GOVERNANCE"}, "objectLockRetainUntil is required when objectLockMode is GOVERNANCE."),
        ({"object_lock_retain_until": "30 days"}, "objectLockRetainUntil is set, but objectLockMode is none."),
        (
            {"object_lock_mode": "COMPLIANCE", "object_lock_retain_until": "2020-01-01"},
            "objectLockRetainUntil is '2020-01-01', which is not in the future.",
        ),
        (
            {"object_lock_mode": "compliance", "object_lock_retain_until": "next year"},
            "objectLockRetainUntil is 'next year', which is neither a date such as 2027-01-31 nor a time such as 30 days.",
        ),
        (
            {"object_lock_mode": "COMPLIANCE", "object_lock_retain_until": "0 days"},
            "objectLockRetainUntil is '0 days', but S3 keeps objects for 1 to 36,500 days.",
        ),
        (
            {"object_lock_mode": "COMPLIANCE", "object_lock_retain_until": "99999 days"},
            "objectLockRetainUntil is '99999 days', but S3 keeps objects for 1 to 36,500 days.",
        ),
        ({"object_lock_mode": "GOVERNENCE"}, "objectLockMode is 'GOVERNENCE'; did you mean GOVERNANCE?"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(texts, problem):
    with pytest.raises(InputError) as refused:
        inputs(**texts)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    "text", ["2027-02-30", "20270131", "2027-W05", "9999-12-31T23:59:59-10:00", "2027-01-31T25:00", "30"]
)
def test_what_is_no_time_on_some_python_is_none_on_any(text):
    with pytest.raises(ValueError, match="which is neither a date such as"):
        retain_until(text, NOW)


def governance(until: str, **more: object) -> Headers:
    return Headers(lock_mode="GOVERNANCE", lock_until=until, **more)


@pytest.mark.parametrize(
    ("there", "enough"),
    [
        (governance("2027-01-31T00:00:00Z"), True),
        (governance("2028-01-01T00:00:00Z"), True),
        (governance("2027-01-30T00:00:00Z"), False),
        (Headers(lock_mode="COMPLIANCE", lock_until="2027-01-31T00:00:00Z"), True),
        (Headers(), False),
        (Headers(legal_hold=True), False),
    ],
)
def test_a_date_is_met_by_a_lock_that_lasts_as_long_and_is_no_weaker(there, enough):
    given = inputs(object_lock_mode="GOVERNANCE", object_lock_retain_until="2027-01-31")
    asked = governance("2027-01-31T00:00:00Z")
    assert as_locked(asked, there, least(given, NOW)) is enough


def test_a_lock_by_governance_does_not_do_for_compliance():
    given = inputs(object_lock_mode="COMPLIANCE", object_lock_retain_until="2027-01-31")
    asked = Headers(lock_mode="COMPLIANCE", lock_until="2027-01-31T00:00:00Z")
    assert not as_locked(asked, governance("2030-01-01T00:00:00Z"), least(given, NOW))


def test_days_from_now_on_are_met_by_a_lock_for_as_many_days_that_still_lasts():
    """They began when the object was uploaded: tomorrow's run must not upload all of it again, and more days are more."""
    given = inputs(object_lock_mode="GOVERNANCE", object_lock_retain_until="30 days")
    asked = governance(retain_until("30 days", NOW))
    long_ago, just_now = (NOW - timedelta(days=29)).timestamp(), NOW.timestamp()
    assert as_locked(asked, governance("2026-03-02T00:00:00Z"), least(given, NOW, long_ago))
    assert not as_locked(asked, governance("2026-03-02T00:00:00Z"), least(given, NOW, just_now))
    assert not as_locked(asked, governance("2026-02-28T00:00:00Z"), least(given, NOW))


def test_a_legal_hold_is_met_by_a_legal_hold_and_no_lock_by_any():
    assert not as_locked(Headers(legal_hold=True), Headers(), "")
    assert as_locked(Headers(legal_hold=True), Headers(legal_hold=True), "")
    assert as_locked(Headers(), governance("2030-01-01T00:00:00Z", legal_hold=True), "")


def test_who_may_not_see_a_lock_is_told_what_is_missing():
    asked = governance("2027-01-31T00:00:00Z", legal_hold=True)
    assert list(unseen(asked, Headers())) == ["s3:GetObjectRetention", "s3:GetObjectLegalHold"]
    assert list(unseen(asked, governance("2026-01-01T00:00:00Z"))) == ["s3:GetObjectLegalHold"]
    assert list(unseen(Headers(), Headers())) == []
