"""What botocore makes of the environment and the AWS configuration files: where services are asked, and by which of AWS's addresses."""

from __future__ import annotations

from typing import Any

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.session import Session

from ropeway.aws.connection import endpoint_problem
from ropeway.aws.rules import Endpoint, endpoint_of
from ropeway.errors import InputError


def s3_endpoint(session: Session, given: str) -> str:
    """The task's endpoint, else that of AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the profile; empty for AWS's own. Raises InputError."""
    return given or configured_endpoint(session, "s3")


def configured_endpoint(session: Session, service: str) -> str:
    """That of the environment or the profile; empty for AWS's own. Raises InputError: to botocore an address that is none is a ValueError, and
    one with a password is told with it.
    """
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return ""
    # Private by its own word, and the one that knows the order of these sources; a test asks a client whether it says the same.
    provider = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), service)
    found = str(provider.provide() or "")
    if found and (wrong := endpoint_problem(found)):
        variable = provider._get_service_env_var_name()  # type: ignore[attr-defined] # noqa: SLF001 - the same
        raise InputError(
            [f"The endpoint of {service.upper()} ({variable}, AWS_ENDPOINT_URL or the AWS profile's) {wrong}"]
        )
    return found


def bucket_endpoint(client: Any, bucket: str) -> Endpoint:
    """Where a botocore client of S3 would ask for the objects of a bucket."""
    operation = client.meta.service_model.operation_model("HeadObject")
    resolver = client._ruleset_resolver  # noqa: SLF001 - a request would tell it too, but only once it is under way
    found = resolver.construct_endpoint(operation, {"Bucket": bucket, "Key": "key"}, {})
    return endpoint_of(found.url, found.properties, "s3", client.meta.region_name)
