"""What must not be read in what a check tells: texts that are known to be secret, and places where secrets stand."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from ropeway.checks.finding import Finding

MASK = "***"

SHORTEST = 4
"""Characters. What is shorter stands in every second text, and is no secret."""

_PLACES = (
    re.compile(
        r"(?i)((?:proxy-)?authorization|(?:set-)?cookie2?|x-api-key|x-amz-security-token)(\s*[:=]\s*)(?!\*\*\*)[^\r\n]+"
    ),
    re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)([^/\s?#@]+)(@)"),
    re.compile(
        r"(?i)([?&](?:[\w.-]*(?:token|secret|signature|credential|password|api[_-]?key)|sig|key|code)=)([^&\s\"'<>#]+)"
    ),
    # The closing quote may be missing: of a long body, the beginning is told.
    re.compile(
        r'(?i)("[\w.-]*(?:token|secret|passw|api_?key|credential|private_?key)[\w.-]*"\s*:\s*")((?:[^"\\]|\\.)+)'
    ),
)

_CUT = re.compile(r".+?(?= \.\.\. \([\d,]+ characters\))")
"""What stands before the mark of `excerpt`."""


def _without_the_beginning_of(secrets: Iterable[str], text: str) -> str:
    """A text that was cut within a secret ends with the beginning of it."""
    for secret in secrets:
        for count in range(min(len(secret), len(text)), SHORTEST - 1, -1):
            if text.endswith(secret[:count]):
                return text[:-count] + MASK
    return text


def _forms(secret: str) -> set[str]:
    """As a server may write back what it was sent: in JSON (PHP escapes the slash, too), and in an address."""
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    slashed = {text.replace("/", "\\/") for text in in_json}
    in_address = {quote(secret, safe, errors="replace") for safe in ("", "/")}
    return {secret, *in_json, *slashed, *in_address, quote_plus(secret, errors="replace")}


class Secrets:
    """Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: set[str] = set()

    def add(self, text: str) -> None:
        """From here on, this text is masked wherever it would be told; each line of it for itself, too."""
        parts = {text, text.strip(), *(line.strip() for line in text.splitlines())}
        with self._lock:
            self._texts |= {form for part in parts if len(part) >= SHORTEST for form in _forms(part)}

    def masked(self, text: str) -> str:
        with self._lock:
            known = sorted(self._texts, key=len, reverse=True)
        for secret in known:
            text = text.replace(secret, MASK)
        text = _CUT.sub(lambda found: _without_the_beginning_of(known, found[0]), text)
        header, userinfo, query, in_json = _PLACES
        text = header.sub(rf"\1\2{MASK}", text)
        text = in_json.sub(rf"\1{MASK}", text)
        text = userinfo.sub(rf"\1{MASK}\3", text)
        return query.sub(rf"\1{MASK}", text)

    def masked_finding(self, finding: Finding) -> Finding:
        return dataclasses.replace(
            finding,
            expected=self.masked(finding.expected),
            got=self.masked(finding.got),
            advice=self.masked(finding.advice),
            details=tuple(map(self.masked, finding.details)),
        )
