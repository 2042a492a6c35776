"""An organisation of Azure DevOps, asked from outside a pipeline, by Microsoft's own package; its refusals are put into words here.

Imported when it is needed only: the package takes a second, and is an extra (`ropeway[azure]`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ropeway.errors import AzureDevOpsError, CredentialsError, LocalFileError, NetworkError, RopewayError, TlsError
from ropeway.outcome import Output

CLOUD = "https://dev.azure.com/"
CLOUD_HOST = "dev.azure.com"
OLDER = ".visualstudio.com"
"""https://contoso.visualstudio.com is the organisation contoso, too."""
VARIABLES = ("ROPEWAY_TOKEN", "AZURE_DEVOPS_EXT_PAT", "SYSTEM_ACCESSTOKEN")
"""Where a token is looked for: ours, the one of `az devops`, and the one that a step of a pipeline is handed by `env:`."""
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*")
"""A token of Entra ID, or of a job: those are bearer tokens, and a personal access token is the password of nobody."""


@dataclass(frozen=True)
class Token:
    """`origin` says where it came from."""

    text: str = field(repr=False)
    origin: str

    @property
    def is_bearer(self) -> bool:
        return bool(JWT.fullmatch(self.text))


def find_token(asked: str, environment: Mapping[str, str]) -> Token:
    """`asked` is what somebody typed, empty where nobody was asked. Raises CredentialsError where there is none."""
    if asked:
        return Token(asked.strip(), "the prompt")
    for name in VARIABLES:
        if text := environment.get(name, "").strip():
            return Token(text, f"the environment variable {name}")
    raise CredentialsError(
        "There is no token for Azure DevOps.",
        advice="Put a personal access token, or a token of Entra ID, into AZURE_DEVOPS_EXT_PAT, or have it asked for with --ask-token. "
        "In a pipeline: `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }`.",
    )


def address_of(organization: str) -> str:
    """The name contoso -> https://dev.azure.com/contoso. An address of Microsoft's is cut down to the organisation, be it that of a project or of
    the DefaultCollection, without its https:// or not; one of a server stays as it is.
    """
    scheme, _, rest = organization.strip("/").rpartition("://")
    host, _, path = rest.partition("/")
    if host.lower().endswith(OLDER):
        return f"{scheme or 'https'}://{host.lower()}"
    if host.lower() == CLOUD_HOST:
        return CLOUD + path.partition("/")[0]
    return f"{scheme}://{rest}" if scheme else CLOUD + rest


def name_of(organization: str) -> str:
    """As subjects of tokens have it: the last part of the address, and of an older one the first part of its host."""
    return address_of(organization).rpartition("/")[2].removesuffix(OLDER)


@dataclass(frozen=True)
class Deed:
    """One change. `do` looks up by name what the steps before it have made, and answers the outputs that are known only then."""

    doing: str
    do: Callable[[], Sequence[Output]]


class Organization:
    """`project` is its name. Each question raises AzureDevOpsError, CredentialsError or NetworkError, and says what was being done."""

    def __init__(self, organization: str, project: str, token: Token) -> None:
        try:
            import azure.devops.connection  # noqa: PLC0415, F401 - an extra, and slow
        except ImportError as missing:
            raise RopewayError(
                f"The package of Azure DevOps is not installed here ({missing}).",
                advice="pip install 'ropeway[azure]', or '.[azure]' in a checkout.",
            ) from missing
        except OSError as error:  # it makes a folder for what it remembers of servers as soon as it is imported
            raise LocalFileError(
                f"Could not make the folder {error.filename}: {error.strerror}.",
                advice="Name another in AZURE_DEVOPS_CACHE_DIR.",
            ) from error
        self.url = address_of(organization)
        self.name = name_of(organization)
        self.project = project
        self.token = token

    def client(self, service: str) -> Any:
        """A client of the package's, of API version 7.1: "build", "git", "task_agent"."""
        return getattr(self._connection.clients_v7_1, f"get_{service}_client")()

    @cached_property
    def _connection(self) -> Any:
        from azure.devops.connection import Connection  # noqa: PLC0415 - as above
        from msrest.authentication import BasicAuthentication, BasicTokenAuthentication  # noqa: PLC0415 - the same

        if self.token.is_bearer:
            return Connection(base_url=self.url, creds=BasicTokenAuthentication({"access_token": self.token.text}))
        return Connection(base_url=self.url, creds=BasicAuthentication("", self.token.text))

    @contextmanager
    def asking(self, doing: str) -> Iterator[None]:
        """Whatever the package raises inside becomes one of our errors. `doing` reads on from "Could not"."""
        from azure.devops.exceptions import AzureDevOpsAuthenticationError  # noqa: PLC0415 - as above
        from msrest.exceptions import ClientException  # noqa: PLC0415 - the same

        try:
            yield
        except AzureDevOpsAuthenticationError as error:
            raise CredentialsError(
                f"Could not {doing}: Azure DevOps did not accept the token from {self.token.origin}.",
                advice="It may have expired, belong to another organisation, or lack a scope (docs/setting-up.md lists them). Make a new one.",
            ) from error
        except ClientException as error:
            raise _in_words(error, doing, self.url) from error
        except ValueError as error:  # what the package raises for a server that has no such API
            raise AzureDevOpsError(doing, answer=str(error)) from error

    # --- what several commands ask ------------------------------------------------------------------------------------------------

    @cached_property
    def id(self) -> str:
        """The GUID of the organisation, which ends the issuer of its tokens."""
        with self.asking(f"read the id of the organisation at {self.url}"):
            return str(self.client("location").get_connection_data().instance_id)

    @cached_property
    def called(self) -> str:
        """The name of the organisation as subjects of tokens have it: Azure DevOps finds it in any case, and IAM compares to the letter."""
        doing = f"read the name of the organisation at {self.url}"
        try:
            found = self.optional(doing, lambda: self.client("core").get_project_collection(self.id))
        except AzureDevOpsError:  # it may be kept from this token: what was typed is right as a rule
            return self.name
        # A server of one's own calls its collections otherwise than addresses do.
        return str(found.name) if found and _alike(found.name, self.name) else self.name

    @property
    def project_id(self) -> str:
        return str(self._project.id)

    @property
    def project_name(self) -> str:
        """As subjects of tokens have it: Azure DevOps finds it in any case, and IAM compares to the letter."""
        return str(self._project.name)

    @cached_property
    def _project(self) -> Any:
        with self.asking(f"find the project {self.project} at {self.url}"):
            return self.client("core").get_project(self.project)

    def extension(self, publisher: str, name: str) -> Any | None:
        """The installed extension; None where there is none of that name."""
        doing = f"look for the extension {publisher}.{name}"
        return self.optional(
            doing, lambda: self.client("extension_management").get_installed_extension_by_name(publisher, name)
        )

    def has_connection_type(self, name: str) -> bool:
        with self.asking("list the types of service connections"):
            known = self.client("service_endpoint").get_service_endpoint_types(type=name)
        return any(one.name == name for one in known)

    def connection(self, name: str) -> Any | None:
        """With its secrets blanked, as Azure DevOps gives it."""
        with self.asking(f"look for the service connection {name}"):
            found = self.client("service_endpoint").get_service_endpoints_by_names(
                self.project, [name], include_failed=True
            )
        return named(found, name)

    def pipeline(self, name: str) -> Any | None:
        """A YAML pipeline, or a Classic build, whole; the first of that name."""
        with self.asking(f"look for the pipeline {name}"):
            client = self.client("build")
            found = named(client.get_definitions(self.project, name=name), name)
            return client.get_definition(self.project, found.id) if found else None

    def environment(self, name: str) -> Any | None:
        with self.asking(f"look for the environment {name}"):
            found = self.client("task_agent").get_environments(self.project, name=name)
        return named(found, name)

    def queue(self, name: str) -> Any | None:
        """The agent pool, as this project sees it."""
        with self.asking(f"look for the agent pool {name}"):
            found = self.client("task_agent").get_agent_queues(self.project, queue_name=name)
        return named(found, name)

    def permissions(self, kind: str, id: str) -> Any:
        """Which pipelines may use something: kind is endpoint, environment or queue."""
        with self.asking(f"read which pipelines may use the {kind} {id}"):
            return self.client("pipeline_permissions").get_pipeline_permissions_for_resource(self.project, kind, id)

    def optional(self, doing: str, ask: Callable[[], Any]) -> Any | None:
        """None where what is asked for is not there."""
        from azure.devops.exceptions import AzureDevOpsClientRequestError  # noqa: PLC0415 - as above

        with self.asking(doing):
            try:
                return ask()
            except AzureDevOpsClientRequestError as error:
                if _is_absent(error):
                    return None
                raise


def named(found: Sequence[Any], name: str) -> Any | None:
    """In any case, as Azure DevOps takes names: there is never another one beside it. What is written to the letter goes first all the same."""
    alike = [one for one in found if _alike(one.name, name)]
    return next((one for one in alike if one.name == name), alike[0] if alike else None)


def _alike(one: object, other: str) -> bool:
    return str(one).casefold() == other.casefold()


ABSENT = ("NotFound", "NotExist", "NotInstalled")
"""In the keys of exceptions for what is not there."""


def _is_absent(error: Any) -> bool:
    key = str(getattr(error, "type_key", "") or "")
    return any(word in key for word in ABSENT) or (not key and "404 status code" in str(error))


def _in_words(error: Any, doing: str, url: str) -> RopewayError:
    key = str(getattr(error, "type_key", "") or "")
    inner = getattr(error, "inner_exception", None)
    if inner is not None and not key:
        return _unreached(inner, doing, url)
    answer = str(getattr(error, "message", "") or error)
    return AzureDevOpsError(doing, answer=answer, key=key, advice=_advice(key, answer))


def _advice(key: str, answer: str) -> str:
    if "Project" in key and any(word in key for word in ABSENT):
        return "Check the name of the project, and that the token's owner may see it."
    if any(word in key for word in ("AccessDenied", "AccessCheck", "Unauthorized", "Permission")):
        return "The owner of the token may not do this: ask an administrator of the project, or use a token with more scopes."
    return "Check the name of the organisation." if "404 status code" in answer else ""


def _unreached(inner: Exception, doing: str, url: str) -> RopewayError:
    kind = type(inner).__name__
    if kind == "SSLError":
        return TlsError(
            f"Could not {doing}: the certificate of {url} is not trusted here.",
            advice="Name the authority of your network in REQUESTS_CA_BUNDLE.",
        )
    through = "the proxy did not let it through" if kind == "ProxyError" else "no answer came"
    return NetworkError(
        f"Could not {doing}: {through} ({kind}) at {url}.",
        advice="Check the address, the network, and HTTPS_PROXY and NO_PROXY.",
    )
