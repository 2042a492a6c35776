"""What the agent hands to a step in its environment (azure-pipelines-agent, Handler.cs and VarUtil.cs)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from ropeway.aws.connection import Network
from ropeway.errors import InputError

_TAKEN = ("INPUT_", "ENDPOINT_", "SECRET_", "SECUREFILE_", "VSTS_TASKVARIABLE_")
_LISTS = ("VSTS_PUBLIC_VARIABLES", "VSTS_SECRET_VARIABLES")


def mangled(name: str) -> str:
    """How the agent writes the name of an input or a variable in the environment. It changes nothing else."""
    return name.replace(".", "_").replace(" ", "_").upper()


@dataclass(frozen=True)
class AgentEnvironment:
    """The agent's part of the environment. `taken` is gone from the process: nothing that the task starts inherits it."""

    taken: Mapping[str, str] = field(repr=False)
    public: Mapping[str, str] = field(repr=False)

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> AgentEnvironment:
        """Copies the environment, and removes inputs, endpoints, secrets and secure files from it."""
        # Upper case: Windows has the names of variables so already, and elsewhere only the ids of endpoints are not.
        names = [name for name in environ if name.startswith(_TAKEN) or name in _LISTS]
        taken = {name.upper(): environ.pop(name) for name in names}
        return cls(taken, dict(environ))

    def input(self, name: str) -> str:
        """The text of an input; empty when it is not set: the agent does not tell the two apart either."""
        return self.taken.get(f"INPUT_{mangled(name)}", "")

    def authorization(self, endpoint: str) -> str:
        """What a service connection authorises with, as JSON; empty when the agent handed none over. `endpoint` is its id."""
        return self.taken.get(f"ENDPOINT_AUTH_{endpoint.upper()}", "")

    def endpoint_data(self, endpoint: str) -> str:
        """What a service connection holds beside its authorisation, as JSON. No secrets: the agent does not mask it."""
        return self.taken.get(f"ENDPOINT_DATA_{endpoint.upper()}", "")

    @property
    def access_token(self) -> str:
        """The job's own, by which it asks Azure DevOps. System.AccessToken is there only when somebody has put it there."""
        return self.taken.get("ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN", "")

    @property
    def server_url(self) -> str:
        """Where this Azure DevOps is. No step can change it (azure-pipelines-agent, TaskCommandExtension.cs, SetEndpoint)."""
        return self.taken.get("ENDPOINT_URL_SYSTEMVSSCONNECTION", "")

    def variable(self, name: str) -> str:
        """A variable of the pipeline, secret or not; empty when it is not set. A variable of the machine's may answer too."""
        return self.taken.get(f"SECRET_{mangled(name)}") or self.public.get(mangled(name), "")

    @property
    def host_type(self) -> str:
        """`build`, `release` or `deployment`."""
        return self.variable("System.HostType").lower()

    @property
    def working_directory(self) -> str:
        return self.variable("System.DefaultWorkingDirectory")

    @property
    def temp_directory(self) -> str:
        """Emptied by the agent after each job."""
        return self.variable("Agent.TempDirectory") or tempfile.gettempdir()

    @property
    def network(self) -> Network:
        """The agent's own proxy and certificates; it sets no HTTPS_PROXY for what it runs."""
        return Network(
            proxy_url=self._proxy_url(),
            ca_file=self.variable("Agent.CAInfo"),
            bypass=self._bypass(),
            verify=self.variable("Agent.SkipCertValidation").lower() != "true",
        )

    def _bypass(self) -> tuple[str, ...]:
        text = self.variable("Agent.ProxyBypassList") or "[]"
        try:
            return tuple([str(pattern) for pattern in json.loads(text)])
        except (ValueError, TypeError):
            raise InputError(
                [f"The variable Agent.ProxyBypassList is {text!r}, which is no JSON list of patterns."]
            ) from None

    def _proxy_url(self) -> str:
        url, user = self.variable("Agent.ProxyUrl"), self.variable("Agent.ProxyUsername")
        if not (url and user):
            return url
        parts = urlsplit(url if "://" in url else f"http://{url}")
        login = f"{quote(user, safe='')}:{quote(self.variable('Agent.ProxyPassword'), safe='')}"
        return parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}").geturl()
