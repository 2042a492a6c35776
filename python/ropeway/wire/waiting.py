"""How long a server asks its clients to wait."""

from __future__ import annotations

from collections.abc import Mapping


def retry_after(headers: Mapping[str, str], most: float) -> float:
    """Seconds (RFC 9110, 10.2.3), `most` at most; 0 where nothing is asked for, or by a date. Names of headers are lower case."""
    asked = headers.get("retry-after", "").strip()
    return min(float(asked), most) if asked.isascii() and asked.isdigit() else 0.0
