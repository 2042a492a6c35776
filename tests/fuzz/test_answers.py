"""Whatever comes over the wire: no crash, no hang, no success on what is no whole answer, and the same answer however it is cut."""

import re
from collections import deque

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropeway.wire.failures import Malformed
from ropeway.wire.response import MOST_HEAD, MOST_INTERIM, Reader
from tests.fuzz.answers import METHODS, MOST_BODY, SEEDS, blocks, by_h11, check, read

TOKENS = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b"=", b",", b"\0", b"\xff", b"0\r\n\r\n", b"5\r\nhello\r\n", b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 ", b"Content-Length: 5\r\n", b"Content-Length: +5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n",
)  # fmt: skip
SIZES = st.integers(1, 256)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid answer with some bytes changed, doubled, left out or put in."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(data)))
        until = draw(st.integers(at, min(len(data), at + 8)))
        data[at:until] = draw(st.sampled_from(TOKENS) | st.binary(max_size=3))
    return bytes(data)


NAMES = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}", fullmatch=True).filter(
    lambda name: name.lower() not in {"content-length", "transfer-encoding", "connection"}
)
VALUES = st.from_regex(r"([!-~]([ \t!-~]{0,30}[!-~])?)?", fullmatch=True)
BODIES = st.binary(max_size=200)


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    """The body in chunks, with extensions and trailers."""
    written = b""
    while body:
        size = draw(st.integers(1, len(body)))
        extension = draw(st.sampled_from([b"", b";a", b";a=b", b' ;a="b c"']))
        written += b"%x%s\r\n%s\r\n" % (size, extension, body[:size])
        body = body[size:]
    trailers = b"".join(
        f"{name}: {value}\r\n".encode() for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=2))
    )
    return written + b"0\r\n" + trailers + b"\r\n"


@given(st.data())
def test_every_valid_answer_is_read_as_it_was_meant(data):
    status = data.draw(st.integers(200, 599).filter(lambda status: status not in {204, 304}))
    headers = data.draw(st.lists(st.tuples(NAMES, VALUES), max_size=5))
    body = data.draw(BODIES)
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * data.draw(st.integers(0, MOST_INTERIM))
    head = b"HTTP/1.1 %d said\r\n" % status + b"".join(f"{name}: {value}\r\n".encode() for name, value in headers)
    framed = data.draw(
        st.just(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        | chunked(body).map(lambda chunks: b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    )
    found = check(interim + head + framed, "GET", data.draw(SIZES))
    assert (found.failure, found.status, found.body, found.excess) == ("", status, body, False)


@given(mutated(), st.sampled_from(METHODS), SIZES)
@settings(max_examples=1000)
def test_an_answer_that_was_tampered_with_is_refused_or_read_as_another_reader_reads_it(data, method, size):
    check(data, method, size)


@given(st.binary(max_size=300), st.sampled_from(METHODS), SIZES)
def test_noise_is_refused(data, method, size):
    check(data, method, size)


@pytest.mark.parametrize(
    "seed", [seed for seed in SEEDS if b"Content-Length: 5" not in seed or b"\r\n\r\nhello" in seed]
)
def test_no_part_of_an_answer_is_taken_for_all_of_it(seed):
    whole, needed = read(seed, "GET", 1)
    closed_ends_it = not whole.failure and not re.search(rb"(?i)content-length|chunked|\s204\s", seed)
    if whole.failure or closed_ends_it:
        return
    assert all(read(seed[:length], "GET")[0].failure for length in range(needed))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nETag: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nETag : a\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\nETag: a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nETag: a\0b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\x0bK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno trailer\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
    ],
)  # fmt: skip
def test_what_two_readers_could_read_as_two_things_is_refused(answer):
    assert read(answer, "GET")[0].failure


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"HTTP/1.1 200 OK\r\nA: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + bytes(1024) + b"\r\n"),
        (b"HTTP/1.1 500 No\r\n\r\n", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_what_never_ends_is_ended_within_a_bound(begin, again):
    most = MOST_BODY + MOST_HEAD
    endless = begin + again * (2 * most // len(again))
    assert read(endless, "GET", 4096)[0].failure == "Malformed"


@pytest.mark.parametrize(
    ("head", "rest", "why"),
    [
        (b"HTTP/1.1 503 No\r\nContent-Length: 30000000\r\n\r\n", b"x" * (2 << 20), "a body of more than 1,048,576 bytes"),
        (b"HTTP/1.1 503 No\r\n\r\n", b"x" * (2 << 20), "a body of more than 1,048,576 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", (b"1;" + b"a" * 500 + b"\r\nx\r\n") * 40, "more about chunks"),
    ],
    ids=["a no with a length", "a no without one", "chunks"],
)  # fmt: skip
def test_what_is_beside_the_point_has_an_end_long_before_a_body_has(head, rest, why):
    reader = Reader("GET")
    with pytest.raises(Malformed) as refused:
        deque(map(reader.feed, blocks(head + rest, 4096)), maxlen=0)
    assert why in str(refused.value.why)


def test_bytes_that_come_one_by_one_are_no_talk():
    body = b"".join(b"1\r\nx\r\n" for _ in range(100_000))
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"
    assert read(answer, "GET", 4096)[0].body == b"x" * 100_000


def test_the_oracle_sees_what_a_lax_reader_would_take():
    """So that the checks above can fail."""
    with pytest.raises(h11.RemoteProtocolError):
        by_h11(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno trailer\r\n\r\n", "GET")
