"""Whether an address is AWS's: a store of somebody else's has regions and keys of its own, of which AWS's STS knows nothing."""

from __future__ import annotations

from urllib.parse import urlsplit

from ropeway.aws.rules import partitions


def is_aws(url: str) -> bool:
    """Whether an address is AWS's own (a VPC endpoint is), by the DNS suffixes that botocore knows."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    suffixes = {part["outputs"][kind] for part in partitions() for kind in ("dnsSuffix", "dualStackDnsSuffix")}
    return host.endswith(tuple(f".{suffix}" for suffix in suffixes))
