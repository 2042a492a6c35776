"""Where credentials come from, and the inputs that every task which talks to AWS shares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from ropeway import inputs
from ropeway.inputs import Group, Spelling

MIGRATION = Group("migration", "Migration from the AWS Toolkit")
ENDPOINT = Group("endpoint", "Endpoint")
ADVANCED = Group("advanced", "Advanced")
DIAGNOSTIC = Group("diagnostic", "Diagnostics")


@dataclass(frozen=True)
class Reply:
    """What a server that is not AWS's answered. Names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Web(Protocol):
    """The way to a server that is not AWS's: the same proxy and the same trusted authorities as for AWS."""

    def post(self, doing: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Redirects are not followed. Failures of the network and of the server (5xx, 429) are tried again.

        `doing` reads on from "Could not". Raises NetworkError where no answer came.
        """
        ...


TokenSource = Callable[[Web], str]
"""Fetches an identity token (a JWT) each time it is called: such tokens live for minutes. Raises RopewayError."""


@dataclass(frozen=True)
class Connection:
    """A service connection, or what stands for one. Secrets are left out of its repr.

    `origin` names it in messages: "service connection 'production'". Durations are seconds (900 to 43,200: AWS STS,
    AssumeRole). With `identity_token` the role is assumed by such a token (OIDC federation), and no key is stored anywhere.
    No field is required here; `aws.credentials` refuses what does not make an identity.
    """

    origin: str
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = field(default="", repr=False)
    role_session_name: str = ""
    duration_seconds: int = 3600
    allowed_account_ids: tuple[str, ...] = ()
    identity_token: TokenSource | None = None


@dataclass(frozen=True)
class Network:
    """How to get out of this machine. Empty fields leave it to the environment (HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE).

    `proxy_url` may carry user and password (percent-encoded); it is never printed. `bypass` are regular expressions as the
    agent keeps them: an address (`https://host`, with its port when that is not the usual one) in which one of them is found
    is reached without the proxy, loopback always. `ca_file` (PEM) is trusted beside the usual authorities, not instead of them.
    Without `verify` anybody is trusted: the door has to warn of it (`UNVERIFIED`).
    """

    proxy_url: str = field(default="", repr=False)
    bypass: tuple[str, ...] = ()
    ca_file: str = ""
    verify: bool = True


@dataclass(frozen=True)
class Way:
    """How to reach an address that is not AWS's: the proxy (empty: none), and the file with the authorities to trust.

    `ca_file` is None for the usual ones, False where nobody's certificate is looked at. `proxy_url` may carry a password.
    """

    proxy_url: str = field(default="", repr=False)
    ca_file: str | bool | None = None


UNVERIFIED = (
    "This agent was configured with --sslskipcertvalidation: nobody checks that it is AWS, or your store, who takes the credentials "
    "and the files, or gives them. Give the agent the authority of your network by --sslcacert instead."
)


@dataclass(frozen=True, kw_only=True)
class AwsInputs:
    """The inputs that all tasks share."""

    aws_connection: str = inputs.connection(
        "AWS connection",
        "The service connection (type *AWS for Ropeway*) to act under. Empty: the pipeline's variables, then the agent's own AWS identity.",
        endpoint_type="RopewayAWS",
    )
    region_name: str = inputs.text(
        "AWS region",
        "The AWS region to work in, for example `eu-west-1`. Empty: the variable `AWS.Region`, the environment, "
        "then the machine's own region.",
        metavar="REGION",
    )
    aws_credentials: str = inputs.connection(
        "AWS Toolkit connection",
        "An existing service connection of the *AWS Toolkit for Azure DevOps*, as long as that extension is installed. "
        "Set this or the AWS connection, not both.",
        endpoint_type="AWS",
        group=MIGRATION.name,
    )
    allowed_account_ids: tuple[str, ...] = inputs.lines(
        "Allowed AWS accounts",
        "Account ids, one a line. The task refuses to act when its identity belongs to another account.",
        group=ADVANCED.name,
        metavar="ACCOUNT",
    )
    endpoint_url: str = inputs.text(
        "Endpoint URL",
        "The address of a VPC endpoint or of an S3-compatible store, for example `https://s3.example.com`. Empty: AWS's own.",
        group=ENDPOINT.name,
        metavar="URL",
    )
    force_path_style_addressing: bool = inputs.flag(
        "Path-style addresses",
        "Address the bucket as `endpoint/bucket` instead of `bucket.endpoint`. With an endpoint URL it is so unless the AWS profile "
        "says `addressing_style = virtual`.",
        group=ENDPOINT.name,
    )
    use_fips_endpoint: bool = inputs.flag(
        "FIPS endpoints",
        "Ask AWS at its FIPS 140 endpoints. Not every region has them; `AWS_USE_FIPS_ENDPOINT` says the same.",
        group=ENDPOINT.name,
    )
    use_dual_stack_endpoint: bool = inputs.flag(
        "Dual-stack endpoints",
        "Ask AWS at its endpoints that have IPv6 addresses too. `AWS_USE_DUALSTACK_ENDPOINT` says the same.",
        group=ENDPOINT.name,
    )
    checksums: str = inputs.choice(
        "Checksums",
        "Whether objects carry a checksum that the store verifies. Stores that do not know the header need `whenRequired`.",
        choices={"whenSupported": "Always", "whenRequired": "Only where the API demands one"},
        default="whenSupported",
        group=ENDPOINT.name,
    )
    log_request: bool = inputs.flag(
        "Log requests",
        "Write a line for each request to AWS into the debug log: method, address, headers without secrets. No bodies.",
        group=DIAGNOSTIC.name,
    )
    log_response: bool = inputs.flag(
        "Log responses",
        "Write a line for each answer of AWS into the debug log: status, headers, request id. No bodies.",
        group=DIAGNOSTIC.name,
    )
    dry_run: bool = inputs.flag(
        "Dry run",
        "Print the plan and stop: nothing is written, here or in AWS, and no check is asked.",
        group=ADVANCED.name,
    )
    python_path: str = inputs.text(
        "Python",
        "The Python (3.10 or newer) that runs the task. Empty: the one of `UsePythonVersion`, the newest in the tool cache, "
        "then `python3`, `python` and `py -3` on the path.",
        group=ADVANCED.name,
        on_cli=False,
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        if self.aws_connection and self.aws_credentials:
            yield f"{spell('aws_connection')} and {spell('aws_credentials')} are both set: keep one of the two connections."
        for account in self.allowed_account_ids:
            if not is_account_id(account):
                yield f"{spell('allowed_account_ids')} holds {account!r}, which is no account id (12 digits)."
        if self.endpoint_url and (wrong := endpoint_problem(self.endpoint_url)):
            yield f"{spell('endpoint_url')} {wrong}"
        for name in ("use_fips_endpoint", "use_dual_stack_endpoint"):
            if self.endpoint_url and getattr(self, name):
                yield f"{spell(name)} chooses among AWS's own endpoints, but {spell('endpoint_url')} is set: keep one of the two."


HOST = re.compile(r"(?:(?!-)[a-z\d-]{1,63}(?<!-)\.)*(?!-)[a-z\d-]{1,63}(?<!-)\.?", re.IGNORECASE | re.ASCII)
"""What botocore takes for a host: no underscores."""


def endpoint_problem(url: str) -> str:
    """Why botocore would not take this address; empty when it does. Errors name addresses, so none may hold a password."""
    if "@" in url:
        return "holds an @: a user and a password have no place in it (it is not shown here, for it may hold one)."
    if not url.startswith(("http://", "https://")):
        return f"is {url!r}; it must begin with https:// (or http://)."
    return "" if _is_endpoint(url) else f"is {url!r}, which is no address; write it as https://s3.example.com:9000."


def _is_endpoint(url: str) -> bool:
    if re.search(r"[\t\r\n]", url):  # urlsplit leaves them out, botocore does not
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.port != 0 and bool(":" in host or HOST.fullmatch(host)) and not (parts.query or parts.fragment)
    except ValueError:  # a port that is no number, half a pair of brackets
        return False


def accounts_in(text: str) -> tuple[str, ...]:
    """The accounts that a field of a connection lists, with blanks, commas, semicolons or line breaks between them."""
    return tuple(filter(None, re.split(r"[\s,;]+", text)))


def is_account_id(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


AWS_GROUPS = (ENDPOINT, ADVANCED, DIAGNOSTIC, MIGRATION)
