"""The site of the demo's second act, built as bundlers build one: what is in `assets` gets its fingerprint into its name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parent / "seasons"

SUMMER: Mapping[str, str] = {
    "SEASON": "Summer",
    "GREETING": "From the valley to the summit in eleven minutes, every quarter of an hour.",
    "LINE": "#c2410c",
    "SKY": "#fff7ed",
    "FIRST": "8:00",
    "LAST": "19:30",
    "PRICE": "18 francs up and down.",
    "STATIONS": '[["Talboden", 612], ["Alp Egg", 1034], ["Hörnli", 1448]]',
}
WINTER: Mapping[str, str] = {
    "SEASON": "Winter",
    "GREETING": "Snow from Alp Egg upwards. The slope is open until four.",
    "LINE": "#1d4ed8",
    "SKY": "#eff6ff",
    "FIRST": "9:00",
    "LAST": "16:15",
    "PRICE": "42 francs for the day.",
    "STATIONS": '[["Talboden", 612], ["Alp Egg", 1034], ["Skihütte", 1210], ["Hörnli", 1448]]',
}


def build(words: Mapping[str, str], into: Path) -> None:
    """Writes the site of a season: its words in place of those in capitals, and each asset under the name that its bytes give it."""
    files = {path.relative_to(SOURCE).as_posix(): path.read_text("utf-8") for path in _sources()}
    for name, text in words.items():
        files = {path: content.replace(name, text) for path, content in files.items()}
    for path in sorted((path for path in files if path.startswith("assets/")), reverse=True):  # what is named, first
        named = _fingerprinted(path, content := files.pop(path))
        files = {other: text.replace(f"/{path}", f"/{named}") for other, text in files.items()}
        files[named] = content
    for path, content in files.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_text(content, "utf-8")


def _sources() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*") if path.is_file())


def _fingerprinted(path: str, content: str) -> str:
    stem, _, ending = path.rpartition(".")
    return f"{stem}.{hashlib.sha256(content.encode()).hexdigest()[:16]}.{ending}"
