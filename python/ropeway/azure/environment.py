"""What the agent hands to a step in its environment (azure-pipelines-agent, Handler.cs and VarUtil.cs)."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from ropeway.aws.connection import Network
from ropeway.errors import InputError
from ropeway.outcome import Variable

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
        """The text of an input; empty when it is not set."""
        return self.taken.get(f"INPUT_{mangled(name)}", "")

    def has_input(self, name: str) -> bool:
        """Whether it is set, be it to nothing. The agent sets all that are declared: to their defaults, where the step says nothing of them."""
        return f"INPUT_{mangled(name)}" in self.taken

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

    def pipeline_variable(self, name: str) -> Variable | None:
        """The same with the word whether it is secret, under whatever name: `env:` hands a secret over under one of its own."""
        text = self.variable(name)
        if not text and mangled(name) not in self.public:
            return None
        secrets = {value for key, value in self.taken.items() if key.startswith("SECRET_")}
        return Variable(text, text in secrets)

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
        if folder := self.variable("Agent.TempDirectory"):
            return folder
        import tempfile  # noqa: PLC0415 - start-up counts, and every agent names its own

        return tempfile.gettempdir()

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
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
        except ValueError:
            return url  # no address: whoever takes this way says so (`aws.proxies`), and shows nothing of it
        login = f"{quote(user, safe='')}:{quote(self.variable('Agent.ProxyPassword'), safe='')}"
        return parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}").geturl()
