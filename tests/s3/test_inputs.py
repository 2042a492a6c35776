"""The values that we offer are those that S3 knows."""

from __future__ import annotations

import pytest
from botocore.session import Session

from ropeway.s3.inputs import CANNED_ACLS, STORAGE_CLASSES


@pytest.fixture(scope="module")
def model():
    return Session().get_service_model("s3")


@pytest.mark.parametrize(("shape", "ours"), [("ObjectCannedACL", CANNED_ACLS), ("StorageClass", STORAGE_CLASSES)])
def test_a_list_of_values_is_that_of_botocores_service_model(model, shape, ours):
    assert set(ours) == set(model.shape_for(shape).enum)
    assert len(set(ours)) == len(ours)
