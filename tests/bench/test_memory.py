"""Memory does not grow with a file's size, and barely with the number of files: the bench of docs/memory.md, scaled down."""

import functools

import pytest
from bench.memory import Load, downloaded, uploaded

CEILING = 200
"""MB, of the 10,000 files and of the 5 GiB that the bench measures."""


@pytest.fixture(scope="module", params=[uploaded, downloaded], ids=["up", "down"])
def direction(request):
    return request.param


@functools.cache
def of_one_small_file(direction):
    return direction(Load(1, 4096)).megabytes


def test_a_large_file_needs_no_more_memory_than_its_parts_in_flight_have_buffers(direction):
    assert direction(Load(1, 600_000_000)).megabytes < CEILING


def test_many_files_need_hardly_more_memory_than_one(direction):
    """Of what 10,000 files may need, 1,000 get a tenth."""
    many = direction(Load(1000, 4096)).megabytes
    assert many - of_one_small_file(direction) < (CEILING - of_one_small_file(direction)) / 10 + 5
