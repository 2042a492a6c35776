"""Each entry in what S3 answers: the error shows it, and nothing runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape

import pytest

from ropeway.azure.protocol import FAILED
from tests.hostile.corpus import SHORT, TEXTS
from tests.hostile.reading import executed, named, obeyed, unprintable
from tests.hostile.test_downloads import holding
from tests.servers.misbehaving import Answer, Request

OURS = {"task.debug", "task.setprogress", "task.setvariable", "task.logissue", "task.uploadsummary", "task.complete"}
BREAK = {"\r": "&#13;"}
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def answered(status: int, headers: Mapping[str, str] | None = None, **elements: str) -> Answer:
    """An error of S3; what XML cannot hold stands there all the same."""
    body = "".join(f"<{name}>{escape(text, BREAK)}</{name}>" for name, text in elements.items())
    return Answer(
        status,
        {"Content-Type": "application/xml", **(headers or {})},
        f"<Error>{body}</Error>".encode("utf-8", "surrogatepass"),
    )


def in_header(text: str) -> str:
    """As bytes of UTF-8, which http.server takes for Latin-1; a line break would end the header."""
    return re.sub(r"[\r\n\0]", " ", text).encode("utf-8", "surrogatepass").decode("latin-1")


def denied(text: str) -> Answer:
    request = {"x-amz-request-id": text} if is_plain(text) else {}
    return answered(403, request, Code=text, Message=f"{text} is denied", RequestId=text, HostId=text)


def is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text.strip())


ANSWERS: Mapping[str, Callable[[str], Answer]] = {
    "a header": lambda text: answered(
        403, {"x-amz-request-id": in_header(text), "x-amz-id-2": in_header(text)}, Code="AccessDenied", Message=text
    ),
    "another region": lambda text: answered(
        301, {"x-amz-bucket-region": in_header(text)}, Code="PermanentRedirect", Message=text, Endpoint=text
    ),
    "a region in the body": lambda text: answered(
        400, Code="AuthorizationHeaderMalformed", Message=f"expecting '{text}'", Region=text
    ),
    "another time": lambda text: answered(
        403, Code="RequestTimeTooSkewed", Message=text, RequestTime=text, ServerTime=text
    ),
    "the archive": lambda text: answered(
        403, Code="InvalidObjectState", Message=text, StorageClass=text, AccessTier=text
    ),
    "a policy": lambda text: answered(
        403, Code="AccessDenied", Message=f"User: {text} is not authorized to perform: s3:GetObject on {text}"
    ),
    "a web page": lambda text: Answer(
        403, {"Content-Type": "text/html"}, f"<html><h1>{text}".encode("utf-8", "surrogatepass")
    ),
    "no XML": lambda text: Answer(
        403, {"Content-Type": "application/xml"}, f"<Error><{text}".encode("utf-8", "surrogatepass")
    ),
}


@pytest.fixture
def failing(run_misled, misbehaving) -> Callable[[Answer], dict[str, bytes]]:
    """A download of the one object that there is; whoever wants it gets this answer."""
    listed = holding(b"a.txt")

    def run(answer: Answer) -> dict[str, bytes]:
        def take(request: Request) -> Answer:
            return listed(request) if "list-type=2" in request.target else answer

        misbehaving.take = take
        return run_misled("s3_download", bucketName="bucket", targetFolder="/nowhere")

    return run


def assert_harmless(ran: dict[str, bytes], text: str) -> None:
    assert ran["exit code"] == str(FAILED).encode(), ascii(text)
    assert b"This is a bug in Ropeway" not in ran["log"], ran["log"]
    assert {command.name for command in executed(ran["log"])} <= OURS, ascii(text)
    for surface, printed in ran.items():
        assert not executed(printed) or surface == "log", (surface, ascii(text))
        assert not obeyed(printed), (surface, ascii(text))
        assert not unprintable(printed), (surface, ascii(text))


def test_code_words_and_request_id_are_shown_as_they_are(failing):
    for text in TEXTS:
        ran = failing(denied(text))
        assert_harmless(ran, text)
        if not NO_XML.search(text):
            assert named(ran["log"], f"AWS answered {text[:100] or 403}: {f'{text} is denied'[:1000]}"), ran["log"]
        if is_plain(text):
            assert named(ran["log"], f"(request id {text.strip()}"), ran["log"]  # blanks around a header are not of it


@pytest.mark.parametrize("where", ANSWERS)
def test_what_else_an_answer_says_runs_nothing(failing, where):
    for text in SHORT:
        assert_harmless(failing(ANSWERS[where](text)), text)
