"""Generated cases for the globs: small trees, and lines of globs that are made from the names in them.

The same number always makes the same case. Globs are made from names that exist, one wildcard at a time, so that most of them
pick something and leave something; malformed ones are made the same way, by leaving out what would close a group or a class.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass

WORDS = ("a", "b", "ab", "ba", "abc", "c", "index", "main", "A", "README", "2024", "x y", "é", "日")
ENDS = ("", "", ".js", ".css", ".map", ".min.js", ".JS", ".tar.gz", ".", "~")
ODD = (
    ".a", ".git", "..a", "...", "a(b)", "(a)", "[a]", "a[1]", "[ab", "a]", "{a,b}", "!a", "#a", "+a", "@(a)", "a|b", "$a^", "a+b", "a-b",
    " a", "a ", "*", "?", "a*b", "**", "a\\b", "\\", "a\nb", "\na", "a,b", "&", "~a", "'\"",
)  # fmt: skip
CLASSES = (
    "[abc]", "[!abc]", "[^abc]", "[a-z]", "[!a-z]", "[a-c.]", "[[:alpha:]]", "[[:digit:]]", "[]a]", "[!]a]", "[a-]", "[-a]", "[z-a]", "[a",
    "[!a", "[", "[]", "[!]", "[^]", "[a\\]b]", "[\\a]", "[a\\-z]", "[+-9]", "[.]", "[*]", "[?a]", "[(]", "[a|b]", "[a&&b]", "[--a]", "[\\]",
    "[a[]", "[a]]", "[@+!]", "[\\@]", "[\\!a]",
)  # fmt: skip
LOOSE = (
    "*", "**", "***", "?", "??", "*?", "+", "@", "!", "(", ")", "|", "()", "*(", "+(", "@(", "!(", "?(", "\\", "\\*", "\\(", "\\[", "\\a",
    "\\|", "\\@", "{", "}", ",", "#", ".", "..", "$", "^", "[", "]", "-", " ", "@()", "!()", "*()", "@(|a)", "!(|a)", "+(a|)",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`root` is empty for paths that are relative on both sides."""

    paths: tuple[str, ...]
    lines: tuple[str, ...]
    root: str = ""
    windows: bool = False

    @property
    def listed(self) -> list[str]:
        """The paths as task-lib gets them."""
        if not self.root:
            return list(self.paths)
        separator = "\\" if self.windows else "/"
        return [f"{self.root}/{path}".replace("/", separator) for path in self.paths]

    @property
    def question(self) -> dict[str, object]:
        return {"list": self.listed, "patterns": self.lines, "root": self.root, "windows": self.windows}


@functools.cache
def cases(count: int, *, windows: bool = False) -> tuple[Case, ...]:
    """The first `count` cases; on Windows names hold nothing that is forbidden there."""
    return tuple(_Maker(number, windows=windows).case() for number in range(count))


class _Maker:
    def __init__(self, number: int, *, windows: bool) -> None:
        self.chance = random.Random(number)
        self.windows = windows
        self.roots = ("C:\\build\\site", "c:/build", "\\\\server\\share\\x") if windows else ("/build/site", "/w", "/")

    def one_in(self, count: int) -> bool:
        return self.chance.randrange(count) == 0

    def case(self) -> Case:
        paths = tuple(sorted({self.path() for _ in range(self.chance.randint(5, 14))}))
        root = "" if self.one_in(3) else self.chance.choice(self.roots)
        count = self.chance.choice((1, 1, 1, 2, 2, 3, 4))
        lines = [self.line(paths, root) for _ in range(count)]
        if lines[0].lstrip().startswith(("!", "#")):
            lines.insert(0, self.chance.choice(("**", "*", "**/*", "*/*")))
        return Case(paths, tuple(lines), root, self.windows)

    # --- paths

    def path(self) -> str:
        depth = self.chance.choice((1, 1, 2, 2, 3, 4))
        names = [self.name() for _ in range(depth)]
        if not self.windows and self.one_in(60):
            names.insert(self.chance.randrange(depth), self.chance.choice((".", "..")))
        return "/".join(names)

    def name(self) -> str:
        if self.one_in(8):
            odd = self.chance.choice(ODD)
            if not (self.windows and set(odd) & set('*?"|\\\n')):
                return odd
        return self.chance.choice(WORDS) + self.chance.choice(ENDS)

    # --- lines

    def line(self, paths: tuple[str, ...], root: str) -> str:
        if self.one_in(40):
            return self.chance.choice(("", "  ", "# all", "#", "!", " #a", "!#a", "!!"))
        glob = self.glob(paths)
        if root and self.one_in(6):
            glob = f"{root.rstrip('/')}/{glob}"
        sign = self.chance.choice(("", "", "", "", "!", "!", "!!", "!!!", "! ")) if self.one_in(3) else ""
        line = sign + glob
        return f" {line}\t" if self.one_in(20) else line

    def glob(self, paths: tuple[str, ...]) -> str:
        names = [self.chance.choice((name, self.name_glob(name))) for name in self.chance.choice(paths).split("/")]
        if self.one_in(2):
            names = self.crossed(names)
        if self.one_in(25):
            names.insert(self.chance.randint(0, len(names)), self.chance.choice((".", "..", "", "")))
        if names.count("**") > 2 or (names.count("**") == 2 and {".", ".."} & set(names)):
            names = [name for name in names if name != "**"]  # there task-lib loses files: test_globs says how
        glob = "/".join(names) + ("/" if self.one_in(25) else "")
        return glob.replace("/", "\\") if self.windows and self.one_in(2) else glob

    def crossed(self, names: list[str]) -> list[str]:
        """With `**` in place of a run of names: at most two of them."""
        at = self.chance.randint(0, len(names))
        crossed = [*names[:at], "**", *names[self.chance.randint(at, len(names)) :]]
        if self.one_in(4):
            crossed.insert(self.chance.randint(0, len(crossed)), "**")
        return crossed

    def name_glob(self, name: str) -> str:
        glob = name
        for _ in range(self.chance.choice((1, 1, 1, 2, 2, 3))):
            glob = self.chance.choice(
                (self.starred, self.starred, self.marked, self.classed, self.grouped, self.grouped, self.loosened)
            )(glob)
        return glob

    def cut(self, glob: str) -> tuple[str, str, str]:
        begin = self.chance.randint(0, len(glob))
        end = self.chance.randint(begin, len(glob))
        return glob[:begin], glob[begin:end], glob[end:]

    def starred(self, glob: str) -> str:
        before, _, after = self.cut(glob)
        return before + "*" + after

    def marked(self, glob: str) -> str:
        at = self.chance.randrange(len(glob) or 1)
        return glob[:at] + "?" + glob[at + 1 :]

    def classed(self, glob: str) -> str:
        at = self.chance.randrange(len(glob) or 1)
        own = f"[{glob[at : at + 1]}{self.chance.choice(('', 'a', 'x-z', '.'))}]"
        return glob[:at] + self.chance.choice((own, self.chance.choice(CLASSES))) + glob[at + 1 :]

    def grouped(self, glob: str) -> str:
        before, inside, after = self.cut(glob)
        others = [
            self.chance.choice((*WORDS, "*", ".js", "", "!(a)", "@(a|b)", "*.map", "[ab]"))
            for _ in range(self.chance.randrange(3))
        ]
        branches = [*others, inside] if self.one_in(2) else [inside, *others]
        if (kind := self.chance.choice("@@?*+!!")) == "!" and not self.one_in(3):
            branches = others or ["x"]
        closing = "" if self.one_in(12) else ")"
        return f"{before}{kind}({'|'.join(branches)}{closing}{after}"

    def loosened(self, glob: str) -> str:
        before, inside, after = self.cut(glob)
        return before + self.chance.choice(LOOSE) + (inside if self.one_in(2) else "") + after
