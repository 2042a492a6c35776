"""Where S3 is asked, and whether that is AWS: a store of somebody else's has regions and keys of its own, of which AWS's STS knows nothing."""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.session import Session

from ropeway.aws.connection import endpoint_problem
from ropeway.errors import InputError


def s3_endpoint(session: Session, given: str) -> str:
    """The task's endpoint, else that of AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the profile; empty for AWS's own. Raises InputError."""
    configured = "" if given else _configured(session)
    if configured and (wrong := endpoint_problem(configured)):
        raise InputError([f"The endpoint of S3 (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the AWS profile's) {wrong}"])
    return given or configured


def _configured(session: Session) -> str:
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return ""
    # Private by its own word, and the one that knows the order of these sources; a test asks a client whether it says the same.
    found = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), "s3").provide()
    return str(found or "")


def is_aws(session: Session, url: str) -> bool:
    """Whether an address is AWS's own (a VPC endpoint is), by the DNS suffixes that botocore knows."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    partitions = session.get_component("data_loader").load_data("partitions")["partitions"]
    suffixes = {part["outputs"][kind] for part in partitions for kind in ("dnsSuffix", "dualStackDnsSuffix")}
    return host.endswith(tuple(f".{suffix}" for suffix in suffixes))
