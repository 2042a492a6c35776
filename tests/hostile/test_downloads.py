"""Each entry as a key in a bucket: it becomes the file of that name, byte for byte, or an error names it; nothing is written elsewhere."""

from __future__ import annotations

import ntpath
import os
import re
from collections.abc import Callable
from urllib.parse import quote, unquote_to_bytes
from xml.sax.saxutils import escape

import pytest

from ropeway.azure.protocol import DONE, FAILED
from ropeway.errors import LocalFileError
from ropeway.s3.keys import paths_for
from tests.hostile.corpus import TEXTS, TWINS
from tests.hostile.reading import executed, found, named
from tests.servers.misbehaving import Answer, Request, s3_error

pytestmark = pytest.mark.timeout(900)  # the whole corpus, a task for each text
CONTENT = b"content"
MODIFIED = "<LastModified>2026-11-01T00:00:00.000Z</LastModified>"
ETAG = '"9a0364b9e99bb480dd25e1f0284c8555"'


def holding(key: bytes) -> Callable[[Request], Answer]:
    """What a bucket answers that holds this one object."""
    contents = (
        f"<Key>{escape(quote(key, safe='/'))}</Key><Size>{len(CONTENT)}</Size><ETag>{escape(ETAG)}</ETag>{MODIFIED}"
    )
    listing = f"<ListBucketResult><EncodingType>url</EncodingType><Contents>{contents}</Contents></ListBucketResult>"

    def answer(request: Request) -> Answer:
        path, _, query = request.target.partition("?")
        if "list-type=2" in query:
            return Answer(200, {"Content-Type": "application/xml"}, listing.encode())
        there = unquote_to_bytes(path) == b"/bucket/" + key
        return Answer(200, {"ETag": ETAG}, CONTENT) if there else s3_error(404, "NoSuchKey")

    return answer


def impossible(key: str) -> bool:
    """Whether Linux has no file of that name below a folder."""
    parts = key.split("/")
    return "\0" in key or not {"", ".", ".."}.isdisjoint(parts) or any(len(part.encode()) > 255 for part in parts)


def encoded(text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:  # half a character, which no file system has either
        return text.encode("utf-8", "surrogatepass")


def test_a_key_becomes_its_file_or_is_named_in_an_error_and_nothing_else_is_written(run_misled, misbehaving, tmp_path):
    for number, text in enumerate(TEXTS):
        misbehaving.take = holding(encoded(text))
        key = encoded(text).decode(
            "utf-8", "replace"
        )  # keys are UTF-8: this store breaks the rules, and holds no such object
        place = tmp_path / str(number)
        ran = run_misled("s3_download", bucketName="bucket", targetFolder=str(place / "a" / "target"))
        executed(ran["log"])
        if key != text or impossible(key):
            assert ran["exit code"] == str(FAILED).encode(), ascii(text)
            assert found(place) == {}, ascii(text)
            assert named(ran["log"], key), ran["log"]
        else:
            assert ran["exit code"] == str(DONE).encode(), ran["log"]
            assert found(place) == {os.path.join("a", "target", text): CONTENT}, ascii(text)


TARGET = "C:\\work\\target"


@pytest.mark.parametrize("folds", [True, False])
def test_on_windows_a_key_is_refused_or_stays_in_the_target_folder_and_opens_no_device(folds, tmp_path):
    refused: list[tuple[str, str]] = []
    for text in TEXTS:
        try:
            (path,) = paths_for(str(tmp_path), [text], "", strip=False, flatten=False, windows=True, folds=folds)
        except LocalFileError as error:
            refused.append((text, error.message))
            continue
        parts = os.path.relpath(path, tmp_path).split("/")
        there = ntpath.normpath(ntpath.join(TARGET, *parts))
        assert there == "\\".join([TARGET, *parts]), ascii(text)  # no drive, no share, no stream, nothing to normalise
        assert not [
            part for part in parts if re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d|con(in|out)\$)\s*(\.|$)", part)
        ]
        assert not [part for part in parts if part[-1] in ". " or re.search(r'[\x00-\x1f<>:"|?*\\]', part)]
    assert [text for text, message in refused if repr(text) not in message] == []
    assert len(refused) < len(TEXTS) - 100


def test_names_that_are_one_on_some_file_systems_are_refused_together(tmp_path):
    for one, other in zip(TWINS[::2], TWINS[1::2], strict=True):
        with pytest.raises(LocalFileError) as refused:
            paths_for(str(tmp_path), [one, other], "", strip=False, flatten=False, windows=False, folds=True)
        assert repr(one) in refused.value.message
        assert repr(other) in refused.value.message
