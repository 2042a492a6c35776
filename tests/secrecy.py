"""The secrets of the tests, and how one is recognised in what was printed.

A secret of a test holds the word in MARK, or is made known by `secret`: keys of 32 random bytes can hold no word. Whatever prints
one, or what has the shape of one, is found by `leaked`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

MARK = "hush"
SHORTEST = 8
"""What is shorter stands in many a text by chance."""

_KINDS: dict[str, str] = {}


def secret(kind: str, value: str) -> str:
    """The value, from now on known by its kind: as it is, and as addresses, JSON and headers write it."""
    if MARK not in value and len(value) < SHORTEST:
        raise ValueError(
            f"Nobody would find this {kind} in what is printed: write the word in MARK (tests/secrecy.py) into it."
        )
    for form in map(_squeezed, _forms(value)):
        if MARK in form or len(form) >= SHORTEST:
            _KINDS.setdefault(form, kind)
    return value


NAMES = ("password", "token", "secretaccesskey", "secret_access_key", "customerkey")
"""How the names of secrets end, among what an agent hands over."""


def handed_over(given: Mapping[str, str]) -> None:
    """Makes the secrets of a job known. A macro that nobody has filled in is none."""
    for name, value in given.items():
        if name.lower().endswith(NAMES) and value and not value.startswith("$("):
            secret(name, value)


def _forms(value: str) -> Iterator[str]:
    yield from (value, quote(value), quote(value, safe=""), json.dumps(value)[1:-1])
    yield from _of_bytes(value.encode("utf-8", "surrogateescape"))
    for decode in (bytes.fromhex, lambda text: base64.b64decode(text, validate=True)):
        try:
            yield from _of_bytes(decode(value))
        except (ValueError, binascii.Error):
            continue


def _of_bytes(data: bytes) -> Iterator[str]:
    yield from (data.hex(), base64.b64encode(data).decode())


# --- finding ---------------------------------------------------------------------------------------------------------------

HIDDEN = r"(?!\*\*\*)"
PATTERNS: Mapping[str, re.Pattern[str]] = {
    "signature of a request": re.compile(r"(?i)signature(?:=|%3D|\W{1,5})[0-9a-f]{64}"),
    "JWT": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    "session token": re.compile(rf"(?i)x-amz-security-token['\"]?(?:=|%3D|: ?){HIDDEN}['\"]?[\w+/%=-]{{4,}}"),
    "SSE-C key": re.compile(rf"(?i)server-side-encryption-customer-key['\"]?(?:=|: ?){HIDDEN}['\"]?[\w+/=-]{{16,}}"),
    "authorization": re.compile(rf"(?i)\bauthorization['\"]?(?:=|: ?){HIDDEN}['\"]?(?:basic|bearer|aws4-hmac-sha256) \S+"),
    "secret access key": re.compile(r"(?i)\b(?:aws_)?secret_?access_?key\W{1,5}[\w+/]{40}\b"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}  # fmt: skip
"""What can be told by its shape, whoever has made it."""

_MASKING = re.compile(r"(?m)^##vso\[task\.setsecret\].*$")
"""So the agent learns what to mask: the one place where a secret is printed."""

_LOOKS = re.compile(r"\x1b\[[\d;]*m|\s+")


def leaked(text: str) -> set[str]:
    """The kinds of the secrets in it. One that a narrow terminal has broken in two is one, too."""
    told = _MASKING.sub("", text)
    whole = _squeezed(told)
    kinds = {kind for kind, shape in PATTERNS.items() if shape.search(told)}
    kinds |= {kind for form, kind in _KINDS.items() if form in whole}
    return kinds or ({"secret of a test"} if MARK in told else set())


def without_secrets(text: str) -> str:
    """The text to show to somebody who shall find the leak, and no secret."""
    for shape in PATTERNS.values():
        text = shape.sub("***", text)
    for form in sorted(_KINDS, key=len, reverse=True):
        text = text.replace(form, "***")
    shown = re.sub(rf"\S*{MARK}\S*", "***", text)
    return shown if not leaked(shown) else "(Not shown: a secret stands in it.)"


def _squeezed(text: str) -> str:
    return _LOOKS.sub("", text)


# --- the secrets that tests use ------------------------------------------------------------------------------------------

SECRET_ACCESS_KEY = secret("secret access key", "hush/SecretAccessKey+of/the+tests/0000000")
SESSION_TOKEN = secret("session token", "hush//SessionToken+of/the+tests//////////==")
ACCESS_TOKEN = secret("system access token", "hush-system-access-token-of-the-tests")
PASSWORD = secret("password", "hush: p@ss/word%")
CUSTOMER_KEY = secret("SSE-C key", "6e7b1d1f0c5a4b3928d7e6f5c4b3a2910f1e2d3c4b5a69788796a5b4c3d2e1f0")
