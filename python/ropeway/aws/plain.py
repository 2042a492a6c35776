"""A session with plain keys: who signs, where and by which way is known without botocore, which costs a cold start half a second.

Keys, region and addresses come from the inputs, the connection and a few variables. As soon as anything else has a say (a profile, a
role, the AWS configuration files, this machine's metadata, a variable that is not known here, a malformed value that botocore has the
words for), there is no plain session, and `aws.clients` makes one: by `read`, the only question that is asked about it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ropeway.aws.connection import AwsInputs, Connection, endpoint_problem
from ropeway.aws.endpoint import is_aws
from ropeway.aws.keys import TOKEN_TEXT, check, shown
from ropeway.aws.region_names import ANY, LABEL, SHAPE
from ropeway.aws.rules import Endpoint, resolve
from ropeway.aws.session import ATTEMPTS
from ropeway.wire.sigv4 import Credentials

READ = frozenset((
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_CA_BUNDLE",
    "AWS_MAX_ATTEMPTS",
))  # fmt: skip
"""Variables that are read here as botocore reads them."""

WITHOUT_EFFECT = frozenset((
    "AWS_METADATA_SERVICE_TIMEOUT", "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_EC2_METADATA_V1_DISABLED", "AWS_IMDS_USE_IPV6", "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION", "AWS_RETRY_MODE",
    "AWS_CSM_ENABLED", "AWS_CSM_HOST", "AWS_CSM_PORT", "AWS_CSM_CLIENT_ID", "AWS_ENDPOINT_DISCOVERY_ENABLED",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES", "AWS_DISABLE_REQUEST_COMPRESSION", "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE", "AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_SDK_UA_APP_ID",
))  # fmt: skip
"""Variables of botocore's that mean something to services, signatures or sources of keys of which a plain session has none."""

FOR_BOTOCORE = frozenset((
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_DATA_PATH", "AWS_DEFAULTS_MODE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_S3_USE_ARN_REGION", "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS", "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
    "AWS_AUTH_SCHEME_PREFERENCE", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_PROXY_CA_BUNDLE", "AWS_PROXY_CLIENT_CERT",
    "AWS_PROXY_USE_FORWARDING_FOR_HTTPS",
))  # fmt: skip
"""Variables that only botocore may read: with one of them there is no plain session."""

FILES = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "": "~/.aws/models",
}
"""Where the AWS configuration may lie: the variable that names the place, and the usual one."""


@dataclass(frozen=True)
class Plain:
    """What a plain session knows. `s3_endpoint` and `sts_endpoint` are empty for AWS's own; `attempts` as in `S3Address`."""

    credentials: Credentials = field(repr=False)
    origin: str
    region: str
    s3_endpoint: str
    sts_endpoint: str
    fips: bool
    dual_stack: bool
    path_style: bool
    attempts: int
    ca_bundle: str

    def bucket(self, bucket: str) -> Endpoint:
        """Where the objects of a bucket are asked for. Raises InputError for what no endpoint serves."""
        return resolve(
            "s3",
            f"find the endpoint of {bucket}",
            Bucket=bucket,
            Region=self.region,
            # As botocore has it: an endpoint of one's own is asked path-style, an access point never is.
            ForcePathStyle=(self.path_style or bool(self.s3_endpoint)) and not bucket.startswith("arn:"),
            UseArnRegion=True,
            **self._variants(self.s3_endpoint),
        )

    def sts(self) -> Endpoint:
        return resolve("sts", "find the endpoint of STS", Region=self.region, **self._variants(self.sts_endpoint))

    def _variants(self, endpoint: str) -> dict[str, str | bool]:
        """An endpoint of one's own outdoes FIPS and dual-stack, which choose among AWS's."""
        return {"Endpoint": endpoint} if endpoint else {"UseFIPS": self.fips, "UseDualStack": self.dual_stack}


def read(
    inputs: AwsInputs, connection: Connection | None, default_region: str, profile: str, environ: Mapping[str, str]
) -> Plain | None:
    """None where botocore has to be asked. Raises CredentialsError for half a connection."""
    if connection:
        check(connection)
    keys = _keys(connection, environ)
    if keys is None or profile or _botocore_has_a_say(environ):
        return None
    endpoint, sts_endpoint = inputs.endpoint_url or _endpoint("S3", environ), _endpoint("STS", environ)
    if _is_odd(endpoint) or _is_odd(sts_endpoint):
        return None
    region = _region(inputs.region_name, default_region, endpoint, environ)
    attempts = environ.get("AWS_MAX_ATTEMPTS", str(ATTEMPTS))
    if not region or not re.fullmatch(r"[1-9]\d?", attempts, re.ASCII):
        return None
    return Plain(
        credentials=keys,
        origin=_origin(connection, keys.access_key),
        region=region,
        s3_endpoint=endpoint,
        sts_endpoint=sts_endpoint,
        fips=inputs.use_fips_endpoint or _flag("AWS_USE_FIPS_ENDPOINT", environ),
        dual_stack=inputs.use_dual_stack_endpoint or _flag("AWS_USE_DUALSTACK_ENDPOINT", environ),
        path_style=inputs.force_path_style_addressing,
        attempts=int(attempts),
        ca_bundle=environ.get("AWS_CA_BUNDLE", ""),
    )


def _botocore_has_a_say(environ: Mapping[str, str]) -> bool:
    """A variable that is set and empty means this to one reader and that to another: botocore's is asked."""
    variable = any(name in FOR_BOTOCORE or (name in READ and not value.strip()) for name, value in environ.items())
    places = (environ.get(name, usual) for name, usual in FILES.items())
    return variable or any(os.path.exists(os.path.expanduser(os.path.expandvars(place))) for place in places)


def _keys(connection: Connection | None, environ: Mapping[str, str]) -> Credentials | None:
    if connection is None:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        texts = [environ.get(name, "") for name in names]
        return Credentials(*texts) if all(map(TOKEN_TEXT.fullmatch, filter(None, texts))) and all(texts[:2]) else None
    if connection.role_arn or connection.identity_token or not connection.access_key_id:
        return None
    return Credentials(connection.access_key_id, connection.secret_access_key, connection.session_token)


def _origin(connection: Connection | None, access_key: str) -> str:
    return f"{connection.origin if connection else 'the host: environment variables'} (access key {shown(access_key)})"


def _region(given: str, default: str, endpoint: str, environ: Mapping[str, str]) -> str:
    """As `aws.region` finds it; empty where no source names one, or not as AWS writes it."""
    named = (given, default, environ.get("AWS_REGION", ""), environ.get("AWS_DEFAULT_REGION", ""))
    foreign = bool(endpoint) and not is_aws(endpoint)
    region = next(filter(None, named), ANY if foreign else "")
    return region if (LABEL if foreign else SHAPE).fullmatch(region) else ""


def _is_odd(endpoint: str) -> bool:
    """What is no address, and what botocore takes for more than one: S3's own endpoint of accelerated transfers."""
    return bool(endpoint) and (bool(endpoint_problem(endpoint)) or "s3-accelerate" in endpoint)


def _endpoint(service: str, environ: Mapping[str, str]) -> str:
    return environ.get(f"AWS_ENDPOINT_URL_{service}") or environ.get("AWS_ENDPOINT_URL", "")


def _flag(name: str, environ: Mapping[str, str]) -> bool:
    return environ.get(name, "").lower() == "true"
