"""Foreign text, made safe to print: keys, file names, what AWS says, a host's output, stack traces.

The agent executes `##vso[area.event]` wherever it stands in a line of a task's output, and colours a line by `##[word]`
(azure-pipelines-agent, Command.TryParse; azure-pipelines-task-lib, docs/authoring/commands.md). A terminal obeys escape sequences,
and some characters turn the reading direction or cannot be seen. All of that becomes visible text here. What is safe
already stays as it is, so doing it twice changes nothing.
"""

from __future__ import annotations

import re

_TERMINAL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, the cursor
    r"|\x1b\][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b\x9c]*(?:\x1b\\|\x9c)"  # DCS, SOS, PM, APC
    r"|\x9b[0-?]*[ -/]*[@-~]"  # CSI as one character
)
"""ECMA-48, 5.4 and 5.6."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f"  # controls but the tab
    "\u2028\u2029"  # line separators
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # unseen, or turning
    "\ud800-\udfff]"  # halves of characters: what os.fsdecode makes of bytes that are no UTF-8
)
_COMMAND = re.compile(r"##(?=vso|\[)", re.IGNORECASE)
_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&#!~|:@$^{}\"']|(?<=\bwww)\.", re.IGNORECASE)


def one_line(text: str) -> str:
    """The text in one line: a line break within it is shown as an escape."""
    shown = _UNSEEN.sub(_as_escape, _TERMINAL.sub("", text))
    return _COMMAND.sub("**", shown)


def lines(text: str) -> tuple[str, ...]:
    """The lines of the text, each of them safe. A line break at the end begins no further line."""
    parts = _BREAKS.split(text)
    return tuple(one_line(part) for part in (parts if parts[-1] else parts[:-1]))


def table_cell(text: str) -> str:
    """The text for a cell of a Markdown table, where it means nothing but itself: no markup, no HTML, no link.

    Entities, because no renderer takes them for structure (CommonMark 0.31, 2.5), nor for the beginning of a link.
    """
    return _MARKDOWN.sub(lambda found: f"&#{ord(found.group())};", one_line(text))


def _as_escape(found: re.Match[str]) -> str:
    character = found.group()
    code = ord(character)
    if character in "\n\r":
        return "\\n" if character == "\n" else "\\r"
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: the byte that could not be decoded
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
