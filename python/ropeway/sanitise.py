r"""Foreign text, made safe to print: keys, file names, what AWS says, a host's output, stack traces.

The agent executes `##vso[area.event]` wherever it stands in a line of a task's output, and colours a line by `##[word]`
(azure-pipelines-agent, Command.TryParse; azure-pipelines-task-lib, docs/authoring/commands.md). A terminal obeys escape sequences,
and some characters turn the reading direction or cannot be seen. All of that becomes visible text here, and nothing is left
out: `\x1b[31mred` is what the file is called. What is safe already stays as it is, so doing it twice changes nothing.
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f"  # controls but the tab
    "\u2028\u2029"  # line separators
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # unseen, or turning
    "\ud800-\udfff]"  # halves of characters: what os.fsdecode makes of bytes that are no UTF-8
)
"""Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) but for `_SHAPING`, and what is not of Unicode at all."""

_SHAPING = re.compile("(?<![^\x00-\x7f])[\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
"""Joiners and variation selectors where there is nothing to shape: after ASCII. Scripts and emoji need them elsewhere."""

_COMMAND = re.compile(r"##(?=vso|\[)", re.IGNORECASE)
_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_MARKDOWN = re.compile(
    r"@+"
    r"|[\\`*_\[\]<>&#!~|:$^{}\"'+=]"
    r"|\.(?=[^\W\d_])|(?<=\bwww)\.|/(?=/)"  # evil.com, www.1, //evil
    r"|(?<!\S)\s|\s(?!\S)",  # blanks that HTML drops
    re.IGNORECASE,
)
NO_BREAK_SPACE = 0xA0


def one_line(text: str) -> str:
    """The text in one line: a line break within it is shown as an escape."""
    seen = _SHAPING.sub(_as_escapes, _UNSEEN.sub(_as_escapes, text))
    return _COMMAND.sub("**", seen)


def lines(text: str) -> tuple[str, ...]:
    """The lines of the text, each of them safe. A line break at the end begins no further line."""
    parts = _BREAKS.split(text)
    return tuple(one_line(part) for part in (parts if parts[-1] else parts[:-1]))


def table_cell(text: str) -> str:
    """The text for a cell of a Markdown table, where it means nothing but itself: no markup, no HTML, no link.

    Entities, because no renderer takes them for structure (CommonMark 0.31, 2.5). An @ stands in a code span: GitHub's renderer
    looks for addresses when entities are characters again (cmark-gfm, autolink.c).
    """
    return _MARKDOWN.sub(_as_text, one_line(text))


def _as_text(found: re.Match[str]) -> str:
    part = found.group()
    if part.startswith("@"):
        return f"`{part}`"
    code = NO_BREAK_SPACE if part in " \t" else ord(part)
    return f"&#{code};"


def _as_escapes(found: re.Match[str]) -> str:
    return "".join(map(_as_escape, found.group()))


def _as_escape(character: str) -> str:
    code = ord(character)
    if character in "\n\r":
        return "\\n" if character == "\n" else "\\r"
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: the byte that could not be decoded
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
