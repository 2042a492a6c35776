"""Each entry as what somebody wrote into an input: it is taken as it is, or an error says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.header import decode_header, make_header
from urllib.parse import parse_qs, unquote

import pytest

from ropeway.azure.protocol import DONE, FAILED
from tests.hostile.corpus import TEXTS
from tests.hostile.reading import executed, named
from tests.servers.misbehaving import Answer, Request

pytestmark = pytest.mark.timeout(900)  # the whole corpus, a task for each text
EMPTY = Answer(
    200, {"Content-Type": "application/xml"}, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
)
STORED = Answer(200, {"ETag": '"x"'})


@pytest.fixture
def upload(run_misled, misbehaving, tmp_path) -> Callable[..., tuple[dict[str, bytes], Request | None]]:
    """`upload(cacheControl="**=x")`: what is printed, and the PUT that the store took."""
    (tmp_path / "a.txt").write_bytes(b"a")

    def run(**inputs: str) -> tuple[dict[str, bytes], Request | None]:
        misbehaving.requests.clear()
        misbehaving.take = _taking(misbehaving.requests)
        ran = run_misled("s3_upload", bucketName="bucket", sourceFolder=str(tmp_path), **inputs)
        return ran, next((request for request in misbehaving.requests if request.method == "PUT"), None)

    return run


def _taking(requests: list[Request]) -> Callable[[Request], Answer]:
    def take(request: Request) -> Answer:
        requests.append(request)
        return STORED if request.method == "PUT" else EMPTY

    return take


FORMS = {
    "contentType": "{}",
    "cacheControl": "**={}",
    "metadata": "**=note={}",
    "tags": "**=note={}",
    "targetFolder": "{}",
}


@pytest.mark.parametrize("name", FORMS)
def test_a_text_arrives_at_the_store_as_it_is_or_is_refused_before_anything_is_sent(upload, name):
    arrived = 0
    for text in TEXTS:
        ran, put = upload(**{name: FORMS[name].format(text)})
        executed(ran["log"])
        if put is None:
            assert ran["exit code"] == str(FAILED).encode(), ascii(text)
            assert b"This is a bug in Ropeway" not in ran["log"], ran["log"]
        else:
            assert ran["exit code"] == str(DONE).encode(), ran["log"]
            assert not text.strip() or SENT[name](put) == meant(name, text), ascii(text)
            arrived += 1
    assert arrived > 100


def meant(name: str, text: str) -> str:
    if name == "targetFolder":
        return "/".join(filter(None, [*text.strip().replace("\\", "/").split("/"), "a.txt"]))
    return text.strip() if name == "contentType" else re.split(r"[\r\n]", text)[0].strip()  # of rules there may be more


SENT: Mapping[str, Callable[[Request], str]] = {
    "contentType": lambda put: put.headers["content-type"],
    "cacheControl": lambda put: put.headers["cache-control"],
    "metadata": lambda put: str(make_header(decode_header(put.headers["x-amz-meta-note"]))),
    "tags": lambda put: parse_qs(put.headers["x-amz-tagging"], keep_blank_values=True)["note"][0],
    "targetFolder": lambda put: unquote(put.target.partition("?")[0]).removeprefix("/bucket/"),
}


@pytest.mark.parametrize("prefix", ["{}", "a/{}"])
def test_the_source_folder_that_is_asked_for_is_the_one_that_was_given(run_misled, misbehaving, prefix):
    for text in TEXTS:
        misbehaving.requests.clear()
        misbehaving.take = _taking(misbehaving.requests)
        ran = run_misled("s3_download", bucketName="bucket", sourceFolder=prefix.format(text))
        executed(ran["log"])
        queries = [
            parse_qs(request.target.partition("?")[2], keep_blank_values=True) for request in misbehaving.requests
        ]
        folder = f"{prefix.format(text).strip().strip('/')}/".lstrip("/")
        assert [query["prefix"] for query in queries] in ([], [[folder]]), ascii(text)
        assert named(ran["log"], f"s3://bucket/{folder}" if queries else "sourceFolder"), ran["log"]
