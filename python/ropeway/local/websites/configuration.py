"""A bucket's website configuration, and where its rules send a request. (S3 user guide, "Hosting a static website".)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element


@dataclass(frozen=True)
class Redirect:
    """Where to, each part only where it is said. `status` of HTTP."""

    host: str = ""
    protocol: str = ""
    replace_prefix: str | None = None
    replace_key: str | None = None
    status: int = 301

    def location(self, key: str, prefix: str, host: str) -> str:
        """For a key that a rule with this prefix caught, asked for at this host."""
        if self.replace_key is not None:
            key = self.replace_key
        elif self.replace_prefix is not None:
            key = self.replace_prefix + key.removeprefix(prefix)
        return f"{self.protocol or 'http'}://{self.host or host}/{quote(key, safe='/~?#&=+%')}"


@dataclass(frozen=True)
class Rule:
    """`status` 0: whatever the answer would be."""

    prefix: str
    status: int
    redirect: Redirect

    def catches(self, key: str, status: int) -> bool:
        return key.startswith(self.prefix) and self.status == status


@dataclass(frozen=True)
class Configuration:
    """`everything`: where all requests are sent."""

    index: str
    error: str
    rules: Sequence[Rule]
    everything: Redirect | None


def parsed(document: bytes) -> Configuration:
    root = ET.fromstring(document)  # noqa: S314 - what the user's own client has put there
    everything = root.find("{*}RedirectAllRequestsTo")
    return Configuration(
        index=_text(root, "IndexDocument", "Suffix") or "",
        error=_text(root, "ErrorDocument", "Key") or "",
        rules=[_rule(rule) for rule in root.iterfind("{*}RoutingRules/{*}RoutingRule")],
        everything=_redirect(everything) if everything is not None else None,
    )


def _rule(told: Element) -> Rule:
    redirect = told.find("{*}Redirect")
    return Rule(
        _text(told, "Condition", "KeyPrefixEquals") or "",
        int(_text(told, "Condition", "HttpErrorCodeReturnedEquals") or 0),
        _redirect(redirect) if redirect is not None else Redirect(),
    )


def _redirect(told: Element) -> Redirect:
    return Redirect(
        host=_text(told, "HostName") or "",
        protocol=_text(told, "Protocol") or "",
        replace_prefix=_text(told, "ReplaceKeyPrefixWith"),
        replace_key=_text(told, "ReplaceKeyWith"),
        status=int(_text(told, "HttpRedirectCode") or 301),
    )


def _text(told: Element, *path: str) -> str | None:
    """An element that is there and empty says: with nothing."""
    found = told.find("/".join(f"{{*}}{name}" for name in path))
    return None if found is None else found.text or ""
