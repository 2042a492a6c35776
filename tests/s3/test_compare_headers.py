"""Headers are compared as far as they are asked for."""

import pytest

from ropeway.s3.compare_headers import same_headers
from ropeway.s3.engine import Head, Headers, Put
from ropeway.s3.stores import OWN_CLASSES


def same(asked, there):
    return same_headers(Put("a", "bucket", "a", 1, 1, asked), Head(1, "", there), least_lock="")


@pytest.mark.parametrize("own", sorted(OWN_CLASSES))
def test_a_store_with_one_storage_class_need_not_be_asked_for_it(own):
    assert same(Headers(), Headers(storage_class=own))
    assert same(Headers(storage_class=own), Headers(storage_class=own))


@pytest.mark.parametrize(("asked", "there"), [("", "STANDARD_IA"), ("STANDARD_IA", ""), ("GLACIER_IR", "STANDARD_IA")])
def test_another_storage_class_is_another_header(asked, there):
    assert not same(Headers(storage_class=asked), Headers(storage_class=there))
