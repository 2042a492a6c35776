"""What somebody might put where Ropeway prints it: names, keys, messages, headers. Each entry is one trick, not one spelling of it.

ENTRIES has them all. Bytes that are no UTF-8 stand as os.fsdecode would give them (PEP 383).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

EVIL = "##vso[task.setvariable variable=PATH;]evil"


@dataclass(frozen=True)
class Entry:
    family: str
    text: str

    def __str__(self) -> str:
        return f"{self.family} {ascii(self.text)[:80]}"


# --- what the agent reads ------------------------------------------------------------------------------------------------

COMMANDS = (
    EVIL,
    "##vso[task.complete result=Succeeded;]",
    "##vso[task.complete result=Failed;]no",
    "##vso[task.setsecret]s3",
    "##vso[task.prependpath]/tmp/evil",
    "##vso[task.setendpoint id=SYSTEMVSSCONNECTION;field=url]https://evil.example",
    "##vso[task.uploadsummary]/etc/passwd",
    "##vso[artifact.upload artifactname=x]/etc/passwd",
    "##vso[build.updatebuildnumber]evil",
    "##vso[no.such]command",
    "##vso[task.nosuch]command",
    "##VSO[task.complete result=Succeeded;]in capitals",
    "##vSo[task.complete result=Succeeded;]in both",
    "##v\u017fo[task.complete result=Succeeded;]with a long s",
    "\uff03\uff03vso[task.complete result=Succeeded;]in full width",
    "in the middle ##vso[task.complete result=Succeeded;] of a line",
    "\t ##vso[task.complete result=Succeeded;] after blanks",
    "####vso[task.complete result=Succeeded;]after more of them",
    "##vso[##vso[task.complete result=Succeeded;]in another",
    "##vso[task.logissue type=##vso[task.complete result=Succeeded;]]in a property",
    "##[group]##vso[task.complete result=Succeeded;]after a decoration",
    "]##vso[task.complete result=Succeeded;]after the end of ours",
    ";x=y;]##vso[task.complete result=Succeeded;]after the properties of ours",
    "=##vso[task.complete result=Succeeded;]",
    "##vso[task.complete result=Succeeded;",
    "##vso[]",
    "##vso[task]",
    "##vso[task.complete.now]",
    "##vso [task.complete result=Succeeded;]",
    "##vso[ task.complete result=Succeeded;]",
    "#", "##", "##v", "vso[task.complete result=Succeeded;]",
)  # fmt: skip

SPLIT = (
    "#{}#vso[task.complete result=Succeeded;]",
    "##{}vso[task.complete result=Succeeded;]",
    "##v{}so[task.complete result=Succeeded;]",
    "##vso{}[task.complete result=Succeeded;]",
    "##vso[task.complete{} result=Succeeded;]",
)
SPLITTERS = (
    "\n", "\r", "\r\n", "\0", "\b", "\x1b[0m", "\x1b]0;\x07", "\x9b0m", "\u200b", "\u200d", "\u00ad", "\ufe0f", "\u2060",
    "\ufeff", "\U000e0020", "\udcff",
)  # fmt: skip

DECORATIONS = (
    "##[error]red", "##[warning]yellow", "##[section]green", "##[command]blue", "##[debug]grey", "##[group]folded",
    "##[endgroup]", "##[ERROR]red", "a ##[error]red", "##\x1b[1m[error]red",
)  # fmt: skip

BREAKS = {
    "line feed": "\n", "carriage return": "\r", "both": "\r\n", "vertical tab": "\v", "form feed": "\f", "file separator": "\x1c",
    "group separator": "\x1d", "record separator": "\x1e", "next line": "\x85", "line separator": "\u2028",
    "paragraph separator": "\u2029",
}  # fmt: skip

PERCENTS = (
    "%", "%%", "100 %", "%25", "%AZP25", "%AZP250A", "%AZP25AZP25", "%0D%0A##vso[task.complete result=Succeeded;]",
    "%23%23vso[task.complete result=Succeeded;]", "##vso%5Btask.complete result=Succeeded;%5D", "%3B%5D", "%s %d %n", "%(name)s",
    "{0}", "{}", "{self}", "$(System.AccessToken)", "${{ variables.x }}", "$[ variables.x ]", "$(id)", "${HOME}", "`id`", "%PATH%",
    "!PATH!", "'; touch evil; '", "&& touch evil", "| touch evil", "=cmd|'/C calc'!A0",
)  # fmt: skip

# --- what a file system reads ----------------------------------------------------------------------------------------------

PATHS = (
    ".", "..", "../evil", "../../../../../../etc/evil", "a/../evil", "a/../../evil", "a/..", "./evil", "a/./evil", "/evil",
    "/etc/passwd", "//evil", "a//evil", "a/", "/", "a/b/", "~", "~/evil", "~root/evil", "-rf", "--help", "-", "@response",
    "C:", "C:evil", "C:\\evil", "c:/evil", "\\evil", "\\\\server\\share\\evil", "//server/share/evil", "\\\\?\\C:\\evil",
    "\\\\.\\PhysicalDrive0", "..\\evil", "a\\..\\..\\evil", "a\\b", "evil.txt:stream", "evil.txt::$DATA", "..:evil",
    "%2e%2e/evil", "..%2fevil", "%252e%252e/evil", "..%c0%afevil", "..;/evil", "\u2025/evil", "\uff0e\uff0e/evil", "..\u2215evil",
    "..\uff0fevil", "..\\/evil", ".. /evil", "../ evil", "...", ".... ", "....//evil", ". ", " ", " .", ".hidden", ".git/config",
    ".ropeway-0a1b2c3d", "*", "?", "[a]", "[!a]", "{a,b}", "!(a)", "!a", "#a", "a?versionId=null", "a#fragment", "a&b=c", "a+b",
    "a=b", "s3://other-bucket/evil", "file:///etc/passwd", "a_$folder$",
)  # fmt: skip

RESERVED = (
    "CON", "con.txt", "NUL", "NUL.txt", "nul.tar.gz", "AUX", "PRN.", "COM1", "com1.log", "COM\u00b9", "LPT9 .x", "CONIN$", "CONOUT$",
    "a/CON/b", "CLOCK$", "x.", "x..", "x ", "x . ", " x", "a./b", "a /b", "x<", "x>", 'x"', "x|", "x?", "x*", "PROGRA~1",
)  # fmt: skip

TWINS = ("Twin", "tWIN", "stra\u00dfe", "STRASSE", "\u212a", "k", "\u0130", "i\u0307", "dir/a", "DIR/A")

LENGTHS = {
    "a key of 1,024 bytes": "/".join(["k" * 204] * 5),
    "a key of 1,024 bytes, by twos": "/".join(["\u00e9" * 102] * 5),
    "a key of 1,025 bytes": "/".join(["k" * 204] * 4 + ["k" * 205]),
    "a name of 255 bytes": "n" * 255,
    "a name of 255 bytes, by threes": "\u4e16" * 85,
    "a name of 256 bytes": "n" * 256,
    "a hundred folders": "f/" * 100 + "f",
}

FORMS = (
    "caf\u00e9", "cafe\u0301", "\ufb01ne", "\u1112\u1161\u11ab", "\ud55c", "\u212b", "\u00c5", "A\u030a", "\u2126", "\u03a9",
    "z\u0310\u0317\u0332a\u0301\u0328l\u0304\u0330go", "\U0001f469\u200d\U0001f4bb", "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0440\u0430\u0443\u0440\u0430l",
)  # fmt: skip

# --- what an eye does not see ------------------------------------------------------------------------------------------------

UNSEEN = {
    "right-to-left override": "gpj.\u202eexe", "right-to-left mark": "a\u200fb", "arabic letter mark": "a\u061cb",
    "isolate": "a\u2067b\u2069", "embedding": "a\u202ab\u202c", "zero-width space": "a\u200bb", "zero-width joiner": "a\u200db",
    "zero-width non-joiner": "a\u200cb", "word joiner": "a\u2060b", "byte order mark": "\ufeffa", "soft hyphen": "a\u00adb",
    "combining grapheme joiner": "a\u034fb", "hangul filler": "a\u3164b", "hangul jungseong filler": "a\u1160b",
    "half-width filler": "a\uffa0b", "khmer vowel": "a\u17b4b", "mongolian separator": "a\u180eb", "variation selector": "a\ufe0fb",
    "variation selector 256": "a\U000e01efb", "tags": "a\U000e0041\U000e007fb", "annotation": "a\ufff9b\ufffbc",
    "invisible times": "a\u2062b", "musical beam": "a\U0001d173b", "shorthand format": "a\U0001bca0b", "no-break space": "a\u00a0b",
    "em space": "a\u2003", "ideographic space": "\u3000a", "tab": "a\tb", "two spaces": "a  b", "spaces around": "  a  ",
    "braille blank": "a\u2800b", "replacement": "a\ufffdb", "no character": "a\uffffb", "private use": "a\ue000b",
}  # fmt: skip

NO_UTF_8 = tuple(
    map(
        os.fsdecode,
        (
            b"\xff",
            b"caf\xe9",
            b"\xc0\xaf",
            b"\xe2\x82",
            b"\xed\xa0\x80",
            b"a\x80/b",
            b"..\xff/evil",
            b"\xf5\x80\x80\x80",
        ),
    )
)
HALVES = ("\ud800", "\udfff a", "a\ud83d", "\ude00\ud83d")

TERMINAL = {
    "colour": "\x1b[31mred\x1b[0m", "hidden": "\x1b[8mhidden", "clearing": "\x1b[2J\x1b[H", "a line up": "\x1b[1A\x1b[2K", "title": "\x1b]0;evil\x07",
    "title by ST": "\x1b]2;evil\x1b\\", "link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "file": "\x1b]1337;File=inline=1:ZXZpbA==\x07", "no end": "\x1b]0;evil", "query": "\x1b[6n", "device control": "\x1bPq#0\x1b\\",
    "private message": "\x1b^evil\x1b\\", "reset": "\x1bc", "charset": "\x1b(0", "C1 CSI": "\x9b31mred", "C1 OSC": "\x9d0;evil\x9c",
    "overwriting": "good\b\b\b\bevil", "escape alone": "a\x1b", "escape and letter": "\x1bZ", "bell": "\x07", "shift out": "\x0e",
    "xoff": "\x13", "nothing but colour": "\x1b[0m",
}  # fmt: skip

CONTROLS = (
    "\0",
    "a\0b",
    "\x01",
    "\x1a",
    "\x7f",
    "\x80",
    "\x9f",
    "".join(map(chr, range(32))),
    "".join(map(chr, range(0x80, 0xA0))),
)

# --- what a renderer reads -----------------------------------------------------------------------------------------------------

MARKDOWN = (
    "a|b", "a\\|b", "|", "||||||||", "| --- |", "a|\n|---|\n|b", "\\", "a\\", "`", "``", "```", "`a`", "`|`", "``a`b``", "~~~", "~~a~~",
    "*a*", "**", "_a_", "__a__", "***a***", "[a](https://evil.example)", "[a](javascript:alert(1))", "[a][b]", "[b]: https://evil.example",
    "![a](https://evil.example/a.png)", "[![a](b)](c)", "[^1]", "[^1]: note", "[ ]", "- [x] done", "[[_TOC_]]", "<https://evil.example>",
    "https://evil.example/a?b=c", "HTTP://EVIL.EXAMPLE", "ftp://evil.example", "www.evil.example", "//evil.com/a", "evil.com", "evil.com/a",
    "readme.md", "//localhost/a", "someone@evil.com", "mailto:someone@evil.com", "xmpp:someone@evil.com/a", "a@b@c.com@d.com", "@everyone",
    "#123", "AB#123", "!42", ":smile:", ":boom:", "# a", "####### a", "- a", "+ a", "1. a", "1) a", "> a", "---", "===", "a\n===", "    a", "\ta",
    "a  ", "$a$", "$$a$$", "::: mermaid", "==a==", "++a++", "a^b^", "(c) -- ...", "&lt;b&gt;", "&#60;b&#62;", "&amp;#60;", "&copy", "&nbsp;",
    "&#0;", "{{a}}", "{% a %}", ":::", "term\n: a",
)  # fmt: skip

HTML = (
    "<script>alert(1)</script>", "<SCRIPT SRC=//evil.example></SCRIPT>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "</td>",
    "</td></tr></table><h1>evil</h1>", "<td>", "<br>", "<!-- a", "-->", "<!--a-->", "<details open ontoggle=alert(1)>", "<style>*{display:none}</style>",
    "<iframe src=//evil.example>", "<a href=javascript:alert(1)>a</a>", "<a\nhref=x>", "<?php", "<![CDATA[a]]>", "<!DOCTYPE a>", "<", ">", "</",
    '"><b>', "' onclick='alert(1)", "<math><a xlink:href=javascript:alert(1)>a", "<form><button formaction=javascript:alert(1)>a",
)  # fmt: skip

RICH = (
    "[red]a[/red]", "[/]", "[/red]", "[bold", "\\[red]a", "[link=https://evil.example]a[/link]", "[@click=app.bell]a[/]", "[not a tag]", ":warning:",
    "[]", "[[red]]",
)  # fmt: skip

STRUCTURE = (
    '"', '\\"', '","done":true,"error":"', '"}\n{"name":"evil"', "\\u0000", "\\ud800", "null", "NaN", "{", "}", "'", "a: b", "- a: b", "<Code>a</Code>",
    "</Message></Error>", "]]>", "&xxe;", '<!DOCTYPE a [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>', "a,b;c", "a\tb\tc",
)  # fmt: skip


def _listed() -> Iterator[tuple[str, str]]:
    lists: Mapping[str, tuple[str, ...]] = {
        "command": COMMANDS, "decoration": DECORATIONS, "percent": PERCENTS, "path": PATHS, "reserved": RESERVED, "twin": TWINS,
        "form": FORMS, "no UTF-8": NO_UTF_8, "half a character": HALVES, "control": CONTROLS, "Markdown": MARKDOWN, "HTML": HTML,
        "rich": RICH, "structure": STRUCTURE,
    }  # fmt: skip
    yield from ((family, text) for family, texts in lists.items() for text in texts)
    yield from (("split command", form.format(SPLITTERS[0])) for form in SPLIT)
    yield from (("split command", SPLIT[at % len(SPLIT)].format(by)) for at, by in enumerate(SPLITTERS[1:]))
    for texts in (UNSEEN, TERMINAL, LENGTHS):
        yield from texts.items()
    for name, at in BREAKS.items():
        yield f"{name} before a command", f"a{at}{EVIL}"
        yield f"{name} at the end", f"a{at}"


SHORT = (
    *COMMANDS,
    *TERMINAL.values(),
    *CONTROLS,
    *HALVES,
    *NO_UTF_8,
    "a\tb",
    *(f"a{at}{EVIL}" for at in BREAKS.values()),
)
"""For places that take long to reach: what is run, obeyed, or no text at all."""

ENTRIES = tuple(Entry(family, text) for family, text in _listed())
TEXTS = tuple(dict.fromkeys(entry.text for entry in ENTRIES))
