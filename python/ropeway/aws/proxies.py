"""Which proxy, if any, leads to an address: the agent's own, else the environment's (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).

No proxy is asked for this machine itself, nor for the metadata services of a cloud's machines: it could only answer for its own.
"""

from __future__ import annotations

import os
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

from ropeway.aws.connection import Network
from ropeway.errors import InputError

USUAL_PORTS = {"http": 80, "https": 443}

METADATA = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23")
"""EC2's instances, ECS's containers, EKS's pods (AWS SDKs and Tools reference, "IMDS" and "Container credential provider")."""


class Proxies:
    """The one that judges each address by itself: a bucket has a host of its own."""

    def __init__(self, network: Network, debug: Callable[[str], None]) -> None:
        self._agents = network.proxy_url
        self._bypass = list(_patterns(network.bypass, debug))
        self._environments = {} if self._agents else _environments()

    def proxy_url_for(self, url: str) -> str | None:
        """The proxy for this address; None when it is reached without one. Raises InputError."""
        address = urlsplit(url)
        if _is_near(address.hostname or ""):
            return None
        if self._agents:
            return None if self._is_bypassed(address) else _checked("The agent's proxy", self._agents)
        theirs = self._environments.get(address.scheme, "")
        if not theirs or self._is_in_no_proxy(address):
            return None
        return _checked(f"{address.scheme.upper()}_PROXY", theirs)

    def proxy_headers_for(self, proxy_url: str) -> dict[str, str]:
        """Basic authentication. UTF-8, as RFC 7617 would have it; botocore's own takes ASCII alone, and no empty password."""
        proxy = urlsplit(proxy_url)
        if not proxy.username:
            return {}
        login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        return {"Proxy-Authorization": f"Basic {b64encode(login.encode()).decode()}"}

    def _is_bypassed(self, address: SplitResult) -> bool:
        """As AgentWebProxy.cs has it: found anywhere in scheme, host and, where it is not the usual one, port."""
        usual = address.port in {None, USUAL_PORTS.get(address.scheme)}
        text = f"{address.scheme}://{_in_address(address.hostname or '')}" + ("" if usual else f":{address.port}")
        return any(pattern.search(text) for pattern in self._bypass)

    def _is_in_no_proxy(self, address: SplitResult) -> bool:
        """By name and suffix, as urllib and so AWS's own tools read it, and by network (10.0.0.0/8), as curl and requests do."""
        networks = _networks(self._environments.get("no", ""))
        return _is_bypassed_by_system(address.netloc) or _is_in(address.hostname or "", networks)


def keep_metadata_near() -> None:
    """What botocore itself asks the machine's metadata with reads the environment alone: NO_PROXY has to name the service."""
    if "http" not in _environments() or _is_bypassed_by_system(METADATA[0]):
        return
    name = "no_proxy" if "no_proxy" in os.environ else "NO_PROXY"
    near = map(_in_address, ("localhost", "127.0.0.1", "::1", *METADATA))
    os.environ[name] = ",".join(filter(None, [os.environ.get(name), *near]))


def _environments() -> Mapping[str, str]:
    """What urllib knows of proxies: of Windows and macOS their settings too. Elsewhere nothing is known without such a variable."""
    if sys.platform not in {"win32", "darwin"} and not any(name.lower().endswith("_proxy") for name in os.environ):
        return {}
    from urllib.request import getproxies  # noqa: PLC0415 - with it come http.client and email: most agents need not pay for them

    return getproxies()


def _is_bypassed_by_system(host: str) -> bool:
    from urllib.request import proxy_bypass  # noqa: PLC0415 - asked only where there is a proxy

    return bool(proxy_bypass(host))


def _is_near(host: str) -> bool:
    """`store.localhost` is this machine, too (RFC 6761, section 6.3): a customer's key may travel there in the clear."""
    return host in {"localhost", "::1", *METADATA} or host.startswith("127.") or host.endswith(".localhost")


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _patterns(bypass: tuple[str, ...], debug: Callable[[str], None]) -> Iterator[re.Pattern[str]]:
    """The agent, too, passes over what is no regular expression (.NET's ECMAScript, nearly Python's), and says so in its own log."""
    for text in filter(None, map(str.strip, bypass)):
        try:
            yield re.compile(text, re.IGNORECASE | re.ASCII)
        except re.error as wrong:
            debug(f"The proxy's bypass list holds {text!r}, which is no regular expression: {wrong}.")


# --- networks ----------------------------------------------------------------------------------------------------------------


def _is_in(host: str, networks: Iterator[IPv4Network | IPv6Network]) -> bool:
    try:
        ip = ip_address(host)
    except ValueError:
        return False  # a name
    return any(ip in network for network in networks)


def _networks(no_proxy: str) -> Iterator[IPv4Network | IPv6Network]:
    for entry in no_proxy.split(","):
        try:
            yield ip_network(entry.strip(), strict=False)
        except ValueError:
            continue  # a name


# --- what is no proxy --------------------------------------------------------------------------------------------------------


HOW_TO_WRITE_IT = (
    "Write http://user:password@host:port, and signs such as # / ? [ in user and password percent-encoded (%23 %2F %3F %5B). "
    "It is not shown here, for it may hold a password."
)


def _checked(setting: str, url: str) -> str:
    """Nothing of an address that cannot be read is shown: where its password ends is then anybody's guess."""
    url = url if "://" in url else f"http://{url}"
    if not _is_address(url):
        raise InputError([f"{setting} is no address of a proxy. {HOW_TO_WRITE_IT}"])
    if (scheme := urlsplit(url).scheme) not in USUAL_PORTS:
        raise InputError([f"{setting} is a {scheme} proxy. Those of the kinds http and https are known here."])
    return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and f"{parts.path}{parts.query}{parts.fragment}" in {"", "/"}
    except ValueError:  # a port that is no number, half a pair of brackets
        return False
