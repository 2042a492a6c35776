"""S3's documents, read by expat: names and texts, whatever their order. No document types, so no entities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
"""A reader takes a bare return for a line feed (XML 1.0, section 2.11). By xml.sax it would cost 30 ms: it imports urllib's client."""
DEEPEST, MOST_ENTRIES, MOST_NAMES = 10, 10_000, 100
"""S3's documents have 5 levels, 1,000 entries and 15 names; whoever sends more wants memory."""
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass
class Document:
    """`root` is empty for what is no XML. `top` holds the texts right below the root, `entries` those below each entry."""

    root: str = ""
    top: dict[str, str] = field(default_factory=dict)
    entries: list[dict[str, str]] = field(default_factory=list)

    def of(self, root: str) -> dict[str, str]:
        """The texts of `top`, where the document is of this kind: an error has an ETag, too."""
        return self.top if self.root == root else {}


def read(body: bytes | bytearray, entry: str = "") -> Document:
    """`entry` names the elements that repeat, at whatever depth. What is no whole document is an empty one."""
    reader = _Reader(entry)
    parser = expat.ParserCreate("utf-8")  # whatever the document says: Python has stranger codecs
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(bytes(body).lstrip(), True)  # S3 sends blanks while it completes an upload
    except (expat.ExpatError, ValueError):
        return Document()
    return reader.document


def element(name: str, text: str) -> str:
    return f"<{name}>{text.translate(ESCAPES)}</{name}>"


def _refuse(*_: Any) -> None:
    raise ValueError("a document type")


class _Reader:
    def __init__(self, entry: str) -> None:
        self.document = Document()
        self._entry = entry
        self._depth = self._entered = 0
        self._into = self.document.top
        self._text = ""

    def start(self, name: str, _: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST or len(self.document.entries) > MOST_ENTRIES or len(self._into) > MOST_NAMES:
            raise ValueError("more than a document of S3's has")
        self._text = ""
        if self._depth == 1:
            self.document.root, self._entered = name, 1
        elif name == self._entry and self._into is self.document.top:
            self._into, self._entered = {}, self._depth
            self.document.entries.append(self._into)

    def text(self, text: str) -> None:
        self._text += text

    def end(self, name: str) -> None:
        self._depth -= 1
        if self._depth == self._entered:
            self._into[name] = self._text
        elif self._depth < self._entered and self._into is not self.document.top:
            self._into, self._entered = self.document.top, 1
        self._text = ""
