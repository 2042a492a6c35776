"""Does the name of a file change whenever its bytes do? By how the tools that make sites name files.

Two mistakes cost differently. A word that is taken for a fingerprint freezes its file in browsers for a year; a fingerprint that is taken for a word costs
a question to the server. So a name is CERTAIN only when no word looks like it, or when its neighbours are; LIKELY names are only moved early and kept longer.

webpack, Gatsby, Next, Hugo, Sprockets, Parcel, Docusaurus   8 to 128 hexadecimal digits (`main.8e0d62a0.js`)
Vite, Rollup, SvelteKit, VitePress                            8 of A-Z a-z 0-9 _ - (`index-C4Zk_2-x.js`)
esbuild, Angular                                              8 of A-Z 2-7 (`chunk-6LBQYX4P.js`)
Hugo's pictures                                               `_hu_` or `_hu` and hexadecimal digits
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable


class Naming(enum.Enum):
    PLAIN = "plain"
    LIKELY = "likely"
    CERTAIN = "certain"


FOLDERS = re.compile(
    r"(^|/)(_next/static/|_astro/|_app/immutable/|_nuxt/(?!builds/latest\.json$)|static/(?=[0-9]*[a-f])[0-9a-f]{32}/)"
)
"""What lies here is named anew with each content: Next ("headers"), Astro ("build.assets"), SvelteKit ("immutable"), Nuxt ("buildAssetsDir"), Gatsby ("Caching")."""

KNOWN_ENDS = frozenset(
    ["async", "br", "bundle", "chunk", "css", "gz", "js", "lean", "legacy", "license", "map", "min", "mjs", "module"]
)
"""What stands between a fingerprint and the end of a name: `main.8e0d62a0.js.LICENSE.txt`, `page.C3xYz_1a.lean.js`."""

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
HUGO_PICTURE = re.compile(r"_hu_?[0-9a-f]{16,64}(_|$)")
ESBUILD = re.compile(r"^(chunk|main|polyfills|runtime|scripts|styles)-[A-Z2-7]{8}$")
BY_ESBUILD = frozenset({"css", "js", "mjs", "map"})

HEX = re.compile(r"(?:^|[-_.~])([0-9a-f]{8,128})$")
HEX_LENGTHS = frozenset({8, 10, 12, 16, 20, 24, 32, 40, 48, 56, 64, 96, 128})
LONG = 16
"""From this length on no word has digits and letters a to f only."""
EIGHT = re.compile(r"(?:^|[-.])([A-Za-z0-9_-]{8})$")

PIECES = r"_?v[0-9]+|[A-Z][a-z]+|[a-z]{2,}|[A-Z]{2,}[a-z]?|[A-Z](?=[0-9])|[a-z](?=[0-9]|$)|[0-9]+|[-_]"
WORDS = re.compile(rf"[a-z]?(?:{PIECES}){{1,4}}[A-Z]?")
"""What people write, in at most four pieces, short words among them: homePage, LinkedIn, HowToUse, HTMLPage, Web2Site, Room101b, en_US_v2."""

PLAIN_WORDS = re.compile(r"[A-Z]?[a-z]+([A-Z][a-z]+)*[0-9]*[a-z]?|[A-Z]{2,}[0-9]*")
"""What stays a word in any company: homePage, ThumbsUp, Chapter1, TEMPLATE."""

NEVER = frozenset({"html", "htm", "xhtml"})


def namings(relatives: Iterable[str]) -> dict[str, Naming]:
    """Of all files of a site. Vite draws one name in three so that a person might have written it: a certain neighbour speaks for it."""
    found = {relative: naming(relative) for relative in relatives}
    company = {_folder(name) for name, what in found.items() if what is Naming.CERTAIN and _eight(name)}
    for name, what in found.items():
        if what is Naming.LIKELY and _folder(name) in company and _may_join(name):
            found[name] = Naming.CERTAIN
    return found


def _folder(relative: str) -> str:
    return relative.rpartition("/")[0]


def _may_join(relative: str) -> bool:
    text = _eight(relative)
    return bool(text) and text != text.lower() and text != text.upper() and not PLAIN_WORDS.fullmatch(text)


def _eight(relative: str) -> str:
    stem, _ = _stem(relative.rpartition("/")[2])
    found = EIGHT.search(stem)
    return found[1] if found and found[1] != stem and not ESBUILD.search(stem) and not HEX.search(stem) else ""


def naming(relative: str) -> Naming:
    """Of a path with forward slashes, by itself. A page is never fingerprinted: it is found by its name."""
    stem, extension = _stem(relative.rpartition("/")[2])
    if extension in NEVER:
        return Naming.PLAIN
    if FOLDERS.search(relative) or HUGO_PICTURE.search(stem):
        return Naming.CERTAIN
    if UUID.search(stem):
        return Naming.PLAIN
    if ESBUILD.search(stem) and extension in BY_ESBUILD:
        return Naming.CERTAIN
    return _of_hex(stem) or _of_eight(stem) or Naming.PLAIN


def _stem(name: str) -> tuple[str, str]:
    """`main.8e0d62a0.chunk.js` -> (`main.8e0d62a0`, `js`)."""
    parts = name.split(".")
    extension = parts.pop().lower() if len(parts) > 1 else ""
    while len(parts) > 1 and parts[-1].lower() in KNOWN_ENDS:
        parts.pop()
    return ".".join(parts), extension


def _of_hex(stem: str) -> Naming | None:
    found = HEX.search(stem)
    if not found or len(found[1]) not in HEX_LENGTHS:
        return None
    digits = found[1]
    runs = len(re.findall(r"[0-9]+|[a-f]+", digits))
    if runs == 1:  # a date, a number, or nothing but letters
        return Naming.LIKELY if digits.isdigit() else None
    if len(digits) >= LONG:
        return Naming.CERTAIN
    # cafe2024 and 2024fade are written by people; a name that is nothing else may be the number of a thing.
    return Naming.CERTAIN if runs > 2 and digits != stem else Naming.LIKELY


def _of_eight(stem: str) -> Naming | None:
    found = EIGHT.search(stem)
    if not found:
        return None
    text = found[1]
    mixed = text != text.lower() and text != text.upper()
    if mixed and text != stem and not WORDS.fullmatch(text):
        return Naming.CERTAIN
    return Naming.LIKELY if mixed or re.fullmatch("[A-Z2-7]{8}", text) else None
