"""When a file was last written to, kept in its object's metadata as rclone and s3fs do: `mtime`, seconds since 1970.

It is for people and for tools that come after. Whether two files are the same it does not say.
"""

from __future__ import annotations

import re

NAME = "mtime"
LATEST = 253_402_300_800
"""Seconds since 1970 at the end of the year 9999. What is later was not meant in seconds."""


def to_text(mtime_ns: int) -> str:
    """1712345678500000000 -> "1712345678.5"."""
    seconds, rest = divmod(abs(mtime_ns), 10**9)
    return f"{'-' * (mtime_ns < 0)}{seconds}.{rest:09}".rstrip("0").rstrip(".")


def from_text(text: str) -> int | None:
    """In nanoseconds; None for what is no such time. Metadata are anybody's, so that is no error."""
    found = re.fullmatch(r"(\d{1,12})(?:\.(\d+))?", text.strip(), re.ASCII)
    if not found or int(found[1]) >= LATEST:
        return None
    return int(found[1]) * 10**9 + int((found[2] or "").ljust(9, "0")[:9])
