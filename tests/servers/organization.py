"""A stand-in for an organisation of Azure DevOps, seen from outside a pipeline. It refuses what the real one refuses.

Which methods there are at which address, in which API version, and of which model a body is, comes from Microsoft's own package (`azure-devops`): a request
that the package would not send is refused. What the package does not know (which fields a stage must have, what a type of connections takes) is written down
here, from the REST reference and from the messages of the real one. Several hosts share this server, each below a path of its own, and are found by the
resource areas, as the real ones are.
"""

from __future__ import annotations

import base64
import inspect
import json
import re
import uuid
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.secrecy import secret
from tests.servers.misbehaving import Answer, Request

ROOT = Path(__file__).parents[2]
TOKEN = secret("personal access token", "hush-personal-access-token-of-the-tests-0000000000000")
ORGANIZATION = "contoso"
PROJECT = "Shop"
EXTENSION = "ropeway.ropeway"
JSON = {"Content-Type": "application/json; charset=utf-8; api-version=7.1"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Location:
    """An address of the REST API, as a real server describes it. `host` is the part of the path that stands for a host."""

    id: str
    module: str
    area: str
    resource: str
    template: str
    host: str = ""

    def told(self) -> Json:
        return {
            "id": self.id, "area": self.area, "resourceName": self.resource, "routeTemplate": self.template,
            "resourceVersion": 9, "minVersion": 1.0, "maxVersion": 7.2, "releasedVersion": "7.1",
        }  # fmt: skip


P = "{project}/_apis/{area}/{resource}"
LOCATIONS = (
    Location("e81700f7-3be2-46de-8624-2eb35882fcaa", "location", "Location", "ResourceAreas", "_apis/{resource}/{areaId}"),
    Location("00d9565f-ed9c-4a06-9a50-00e7896ccab4", "location", "Location", "ConnectionData", "_apis/{resource}"),
    Location("8031090f-ef1d-4af6-85fc-698cd75d42bf", "core", "core", "projectCollections", "_apis/{resource}/{collectionId}"),
    Location("603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "core", "projects", "_apis/{resource}/{*projectId}"),
    Location("14e48fdc-2c8b-41ce-a0c3-e26f6cc55bd0", "service_endpoint", "serviceendpoint", "endpoints", "_apis/{area}/{resource}/{endpointId}"),
    Location("e85f1c62-adfc-4b74-b618-11a150fb195e", "service_endpoint", "serviceendpoint", "endpoints", P + "/{endpointId}"),
    Location("5a7938a4-655e-486c-b562-b78c54a7e87b", "service_endpoint", "serviceendpoint", "types", "_apis/{area}/{resource}"),
    Location("b5b9a4a4-e6cd-4096-853c-ab7d8b0c4eb2", "pipeline_permissions", "pipelinePermissions", "pipelinePermissions",
             "{project}/_apis/pipelines/{resource}/{resourceType}/{resourceId}"),
    Location("86c8381e-5aee-4cde-8ae4-25c0c7f5eaea", "pipelines_checks", "PipelinesChecks", "configurations",
             "{project}/_apis/pipelines/checks/{resource}/{id}"),
    Location("dbeaf647-6167-421a-bda9-c9327b25e2e6", "build", "build", "Definitions", P + "/{definitionId}"),
    Location("225f7195-f9c7-4d14-ab28-a83f7ff77e1f", "git", "git", "repositories", P + "/{repositoryId}"),
    Location("2d874a60-a811-4f62-9c9f-963a6ea0a55b", "git", "git", "refs", "{project}/_apis/{area}/repositories/{repositoryId}/{resource}"),
    Location("ea98d07b-3c87-4971-8ede-a613694ffb55", "git", "git", "pushes", "{project}/_apis/{area}/repositories/{repositoryId}/{resource}"),
    Location("fb93c0db-47ed-4a31-8c20-47552878fb44", "git", "git", "items", "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{path}"),
    Location("fb0da285-f23e-4b56-8b53-3ef5f9f6de66", "extension_management", "ExtensionManagement", "InstalledExtensionsByName",
             "_apis/{area}/{resource}/{publisherName}/{extensionName}/{version}", "extmgmt"),
    Location("8572b1fc-2482-47fa-8f74-7e3ed53ee54b", "task_agent", "distributedtask", "environments", P + "/{environmentId}"),
    Location("900fa995-c559-4923-aae7-f8424fe4fbea", "task_agent", "distributedtask", "queues", P + "/{queueId}"),
    Location("e298ef32-5878-4cab-993c-043836571f42", "task_agent", "distributedtask", "agents", "_apis/{area}/pools/{poolId}/{resource}/{agentId}"),
    Location("28010c54-d0c0-4c89-a5b0-1c9e188b9fb7", "identity", "IMS", "identities", "_apis/{resource}/{identityId}", "vssps"),
    Location("d8f96f24-8ea7-4cb6-baab-2df8fc515665", "release", "Release", "definitions", P + "/{definitionId}", "vsrm"),
)  # fmt: skip
CONFIDENTIAL = ("password", "sessionToken", "externalId")
NOTHING = "0" * 40


# --- what the package would send ------------------------------------------------------------------------------------------


@cache
def sent_by_the_package(module: str) -> dict[tuple[str, str], tuple[set[str], set[str]]]:
    """Method and id of a location -> the API versions, and the models of its bodies."""
    package = import_module(f"azure.devops.v7_1.{module}")
    names = [f"{module}_client", "git_client_base"] if module == "git" else [f"{module}_client"]
    source = "".join(inspect.getsource(import_module(f"{package.__name__}.{name}")) for name in names)
    known: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for function in re.split(r"\n    def ", source):
        if sends := re.search(r"http_method='(\w+)',\s+location_id='([\w-]+)',\s+version='([\w.-]+)'", function):
            versions, models = known.setdefault((sends[1], sends[2]), (set(), set()))
            versions.add(sends[3])
            models |= set(re.findall(r"_serialize\.body\(\w+, '([\w\[\]{}]+)'\)", function))
    return known


class Refused(Exception):
    def __init__(self, status: int, key: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, JSON, json.dumps({"message": message, "typeKey": key}).encode())


class Denied(Exception):
    """A web page, as the real one answers to a token that it does not take."""

    answer = Answer(401, {"Content-Type": "text/html", "WWW-Authenticate": "Basic"}, b"<html>Access Denied</html>")


def check_model(module: str, kind: str, value: Any, where: str = "body") -> None:
    """A body is of the package's model, to the last field. (The real checks have settings, which its model lacks.)"""
    if value is None or kind in {"object", "iso-8601"}:
        return
    if kind[0] in "[{":
        entries = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else None
        if entries is None or isinstance(value, list) != (kind[0] == "["):
            raise Refused(400, "VssPropertyValidationException", f"{where} is no {kind}.")
        for entry in entries:
            check_model(module, kind[1:-1], entry, where)
        return
    simple = {"str": str, "int": int, "long": int, "bool": bool, "float": (int, float)}
    if kind in simple:
        if not isinstance(value, simple[kind]) or (kind != "bool" and isinstance(value, bool)):
            raise Refused(400, "VssPropertyValidationException", f"{where} is {value!r}, which is no {kind}.")
        return
    model = getattr(import_module(f"azure.devops.v7_1.{module}.models"), kind)
    keys = {told["key"]: told["type"] for told in model._attribute_map.values()}
    keys |= {"settings": "object"} if kind == "CheckConfiguration" else {}
    for key, entry in value.items():
        if key not in keys:
            raise Refused(400, "VssPropertyValidationException", f"{where}.{key}: {kind} has no such field.")
        check_model(module, keys[key], entry, f"{where}.{key}")


# --- the organisation -----------------------------------------------------------------------------------------------------


@dataclass
class Repository:
    name: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    files: dict[str, str] = field(default_factory=dict)
    """On its main branch."""
    tip: str = NOTHING


class Organization:
    """What there is in it. `written` are the requests that changed something, as "POST endpoints"."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.id = str(uuid.uuid4())
        self.token = TOKEN
        self.project_id = str(uuid.uuid4())
        self.projects = set[str]()
        """Ids of others."""
        self.marketplace = {EXTENSION}
        self.installed: dict[str, Json] = {}
        self.endpoints: dict[str, Json] = {}
        self.definitions: dict[int, Json] = {}
        self.environments: dict[int, Json] = {}
        self.checks: dict[int, Json] = {}
        self.releases: dict[int, Json] = {}
        self.permissions: dict[tuple[str, str], Json] = {}
        self.queues = {
            7: {"id": 7, "name": "Azure Pipelines", "pool": {"id": 9, "isHosted": True}, "projectId": self.project_id}
        }
        self.agents: dict[int, list[Json]] = {9: []}
        self.people = {"alice@example.com": "Alice", "bob@example.com": "Bob", "[Shop]\\Release": "[Shop]\\Release"}
        self.repositories = [Repository(PROJECT)]
        self.knows_type = True
        self.newer_fields = set[str]()
        """Of a connection, as a newer version of the extension has them."""
        self.may_not: set[str] = set()
        self.written: list[str] = []
        self.before: list[str] = []
        """What the requests were, whether they changed something or not."""
        self._number = 0

    @property
    def url(self) -> str:
        return f"{self.root}/{ORGANIZATION}"

    def install(self) -> None:
        self.installed[EXTENSION] = {
            "extensionId": "ropeway",
            "publisherId": "ropeway",
            "version": "1.0.0",
            "installState": {"flags": "none"},
        }

    def __call__(self, request: Request) -> Answer:
        try:
            return self._answered(request)
        except (Refused, Denied) as refused:
            return refused.answer

    # --- the door ---------------------------------------------------------------------------------------------------------

    def _answered(self, request: Request) -> Answer:
        self._authorize(request)
        address = urlsplit(request.target)
        found = re.fullmatch(rf"/(?:(\w+)/)?{ORGANIZATION}(?:/(.*))?", unquote(address.path), re.IGNORECASE)
        if not found:
            raise Refused(404, "", "Page not found.")
        host, path = found[1] or "", (found[2] or "").strip("/")
        if request.method == "OPTIONS" and path == "_apis":
            return _listed([one.told() for one in LOCATIONS if one.host == host])
        location, route = self._located(host, path)
        self._check_version(request, location)
        body = json.loads(request.body) if request.body else None
        if body is not None:
            self._check_body(request, location, body)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        what = f"{request.method} {location.resource}"
        self.before.append(what)
        if what in self.may_not:
            raise Refused(403, "AccessDeniedException", f"Access denied: tester needs the permission to {what}.")
        told = getattr(self, f"_{request.method.lower()}_{location.resource.lower()}")(route, query, body)
        if request.method != "GET":
            self.written.append(what)
        return _listed(told) if isinstance(told, list) else Answer(200, JSON, json.dumps(told).encode())

    def _authorize(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        basic = "Basic " + base64.b64encode(f":{self.token}".encode()).decode()
        bearer = self.token.count(".") == 2 and given == f"Bearer {self.token}"
        if given == basic or bearer:
            return
        if request.headers.get("x-tfs-fedauthredirect") != "Suppress":
            raise Refused(302, "", "https://spsprodweu1.vssps.visualstudio.com/_signin")
        raise Denied

    def _located(self, host: str, path: str) -> tuple[Location, dict[str, str]]:
        for location in LOCATIONS:
            if location.host == host and (found := _pattern(location).fullmatch(path)):
                route = {name: value for name, value in found.groupdict().items() if value}
                self._check_project(route)
                return location, route
        raise Refused(
            404, "PathNotFound", f"The controller for path '/{path}' was not found or does not implement IController."
        )

    def _check_project(self, route: Json) -> None:
        if (project := route.get("project")) and project.casefold() not in {PROJECT.casefold(), self.project_id}:
            raise Refused(
                404,
                "ProjectDoesNotExistWithNameException",
                f"TF200016: The following project does not exist: {project}.",
            )

    def _check_version(self, request: Request, location: Location) -> None:
        known = sent_by_the_package(location.module)
        if (request.method, location.id) not in known:
            raise Refused(405, "", f"The requested resource does not support http method '{request.method}'.")
        version = re.search(r"api-version=([\w.-]+)", request.headers.get("accept", ""))
        if not version or version[1] not in known[request.method, location.id][0]:
            raise Refused(
                400, "VssVersionNotSpecifiedException", "No api-version was supplied, or one that is not known."
            )

    @staticmethod
    def _check_body(request: Request, location: Location, body: Any) -> None:
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "UnsupportedMediaType", "The body must be JSON.")
        wrongs = []
        for model in sent_by_the_package(location.module)[request.method, location.id][1]:
            try:
                check_model(location.module, model, body)
            except Refused as refused:
                wrongs.append(refused)
            except (AttributeError, TypeError):
                wrongs.append(Refused(400, "VssPropertyValidationException", f"The body is no {model}."))
            else:
                return
        raise wrongs[0] if wrongs else Refused(400, "VssPropertyValidationException", "There is no body here.")

    def _new(self) -> int:
        self._number += 1
        return self._number

    # --- where things are -------------------------------------------------------------------------------------------------

    def _get_resourceareas(self, _: Json, __: Json, ___: Any) -> Any:
        areas = {}
        for location in LOCATIONS:
            client = import_module(
                f"azure.devops.v7_1.{location.module}.{'git_client_base' if location.module == 'git' else location.module + '_client'}"
            )
            for name, kind in vars(client).items():
                if inspect.isclass(kind) and getattr(kind, "resource_area_identifier", None) and name != "Client":
                    areas[kind.resource_area_identifier] = (
                        f"{self.root}/{location.host + '/' if location.host else ''}{ORGANIZATION}/"
                    )
        return [{"id": id, "name": id, "locationUrl": url} for id, url in areas.items()]

    def _get_connectiondata(self, _: Json, __: Json, ___: Any) -> Any:
        return {"instanceId": self.id, "authenticatedUser": {"id": str(uuid.uuid4()), "providerDisplayName": "tester"}}

    def _get_projectcollections(self, route: Json, _: Json, __: Any) -> Any:
        if route["collectionId"] != self.id:
            raise Refused(404, "CollectionDoesNotExistException", "TF246017: There is no such collection.")
        return {"id": self.id, "name": ORGANIZATION, "state": "started"}

    def _get_projects(self, route: Json, _: Json, __: Any) -> Any:
        self._check_project({"project": route["projectId"]})
        return {"id": self.project_id, "name": PROJECT, "state": "wellFormed"}

    # --- extensions -------------------------------------------------------------------------------------------------------

    def _get_installedextensionsbyname(self, route: Json, _: Json, __: Any) -> Any:
        name = f"{route['publisherName']}.{route['extensionName']}"
        if name not in self.installed:
            raise Refused(
                404, "InstalledExtensionNotFoundException", f"TF1590010: The extension {name} is not installed."
            )
        return self.installed[name]

    def _post_installedextensionsbyname(self, route: Json, _: Json, __: Any) -> Any:
        name = f"{route['publisherName']}.{route['extensionName']}"
        if name not in self.marketplace:
            raise Refused(
                404,
                "ExtensionDoesNotExistException",
                f"The extension {name} does not exist, or is not shared with this organization.",
            )
        if name in self.installed:
            raise Refused(
                409, "ExtensionAlreadyInstalledException", f"TF1590010: Extension {name} is already installed."
            )
        self.install()
        return self.installed[name]

    def _works(self) -> bool:
        return self.knows_type and "disabled" not in str(
            self.installed.get(EXTENSION, {"installState": {"flags": "disabled"}})["installState"]["flags"]
        )

    # --- service connections ----------------------------------------------------------------------------------------------

    def _get_types(self, _: Json, query: Json, __: Any) -> Any:
        known = ["RopewayAWS"] if self._works() else []
        return [
            {"name": name, "displayName": name} for name in [*known, "Generic"] if query.get("type") in {None, name}
        ]

    def _get_endpoints(self, route: Json, query: Json, _: Any) -> Any:
        if id := route.get("endpointId"):
            return _blanked(self.endpoints[id]) if id in self.endpoints else None
        names = (
            query["endpointNames"].split(",")
            if "endpointNames" in query
            else [one["name"] for one in self.endpoints.values()]
        )
        return [_blanked(one) for one in self.endpoints.values() if any(_same(one["name"], name) for name in names)]

    def _post_endpoints(self, _: Json, __: Json, body: Any) -> Any:
        self._check_endpoint(body)
        if any(_same(one["name"], body["name"]) for one in self.endpoints.values()):
            raise Refused(
                409,
                "DuplicateServiceConnectionException",
                f"Service connection with name {body['name']} already exists.",
            )
        id = str(uuid.uuid4())
        self.endpoints[id] = {**body, "id": id, "isReady": True}
        return _blanked(self.endpoints[id])

    def _put_endpoints(self, route: Json, _: Json, body: Any) -> Any:
        """The whole is replaced: a secret that is not sent is gone."""
        if route["endpointId"] not in self.endpoints or body.get("id") != route["endpointId"]:
            raise Refused(
                404, "EndpointNotFoundException", f"The service connection {route['endpointId']} was not found."
            )
        self._check_endpoint(body)
        self.endpoints[body["id"]] = {**body, "isReady": True}
        return _blanked(self.endpoints[body["id"]])

    def _check_endpoint(self, body: Json) -> None:
        for name in ("name", "type", "url", "authorization", "serviceEndpointProjectReferences"):
            if not body.get(name):
                raise Refused(400, "ArgumentNullException", f"Value cannot be null. Parameter name: {name}")
        for reference in body["serviceEndpointProjectReferences"]:
            id = reference.get("projectReference", {}).get("id")
            if id not in {self.project_id, *self.projects} or not reference.get("name"):
                raise Refused(400, "ArgumentException", f"The project {id} was not found.")
        scheme = body["authorization"].get("scheme")
        if not (self._works() and body["type"] == "RopewayAWS" and scheme == "UsernamePassword"):
            kind = f"'{body['type']}' using authentication scheme '{scheme}'"
            raise Refused(400, "ServiceEndpointException", f"Unable to find service connection type {kind}.")
        data, parameters = _descriptors()
        data = data | {name: {} for name in self.newer_fields}
        for given, known in (
            (body.get("data") or {}, data),
            (body["authorization"].get("parameters") or {}, parameters),
        ):
            for name, value in given.items():
                if name not in known:
                    raise Refused(
                        400,
                        "ServiceEndpointException",
                        f"Following fields in the service connection are not expected: {name}.",
                    )
                if not re.search(known[name].get("pattern", ""), value or ""):
                    raise Refused(400, "ServiceEndpointException", f"The field {name} is not valid.")

    # --- who may use what ---------------------------------------------------------------------------------------------------

    def _get_pipelinepermissions(self, route: Json, _: Json, __: Any) -> Any:
        return self._permission(route)

    def _patch_pipelinepermissions(self, route: Json, _: Json, body: Any) -> Any:
        held = self._permission(route)
        if everybody := body.get("allPipelines"):
            held["allPipelines"] = everybody
        for one in body.get("pipelines") or []:
            if one["id"] not in self.definitions:
                raise Refused(404, "DefinitionNotFoundException", f"The pipeline {one['id']} was not found.")
            held["pipelines"] = [other for other in held["pipelines"] if other["id"] != one["id"]] + [one]
        self.permissions[route["resourceType"], route["resourceId"]] = held
        return held

    def _permission(self, route: Json) -> Json:
        kind, id = route["resourceType"], route["resourceId"]
        things = {
            "endpoint": self.endpoints,
            "environment": {str(one): one for one in self.environments},
            "queue": {str(one): one for one in self.queues},
        }
        if id not in things[kind]:
            raise Refused(404, "ResourceNotFoundException", f"The {kind} {id} was not found.")
        return self.permissions.get((kind, id), {"resource": {"type": kind, "id": id}, "pipelines": []})

    def lets(self, pipeline: int, kind: str, id: str) -> bool:
        """Whether a run of the pipeline gets it, or waits for somebody who permits it."""
        held = self._permission({"resourceType": kind, "resourceId": id})
        everybody = bool(held.get("allPipelines", {}).get("authorized"))
        return everybody or any(one["id"] == pipeline and one["authorized"] for one in held["pipelines"])

    # --- pipelines --------------------------------------------------------------------------------------------------------

    def _get_definitions(self, route: Json, query: Json, _: Any) -> Any:
        store = self.releases if "isExactNameMatch" in query or route["area"].lower() == "release" else self.definitions
        if id := route.get("definitionId"):
            return store[int(id)]
        name = query.get("name") or query.get("searchText")
        return [
            {"id": one["id"], "name": one["name"]} for one in store.values() if not name or _same(name, one["name"])
        ]

    def _post_definitions(self, route: Json, _: Json, body: Any) -> Any:
        return self._post_release(body) if route["area"].lower() == "release" else self._post_build(body)

    def _post_build(self, body: Json) -> Any:
        for name in ("name", "process", "repository", "queue"):
            if not body.get(name):
                raise Refused(400, "ArgumentNullException", f"Value cannot be null. Parameter name: definition.{name}")
        if body["process"].get("type") != 2 or not body["process"].get("yamlFilename"):
            raise Refused(400, "InvalidDefinitionException", "The definition has no YAML file.")
        if not any(
            one.id == body["repository"]["id"] and body["repository"]["type"] == "TfsGit" for one in self.repositories
        ):
            raise Refused(400, "InvalidRepositoryException", "The repository was not found.")
        return self._add(
            self.definitions, {**body, "queueStatus": "enabled", "revision": 1}, "DefinitionExistsException"
        )

    def _post_release(self, body: Json) -> Any:
        self._check_release(body)
        return self._add(self.releases, {**body, "revision": 1}, "ReleaseDefinitionAlreadyExistsException")

    def _put_definitions(self, _: Json, __: Json, body: Any) -> Any:
        self._check_release(body)
        if body.get("revision") != self.releases[body["id"]]["revision"]:
            raise Refused(
                409, "InvalidRequestException", "VS402886: You are using an old copy of the release pipeline."
            )
        self.releases[body["id"]] = {**body, "revision": body["revision"] + 1}
        return self.releases[body["id"]]

    @staticmethod
    def _check_release(body: Json) -> None:
        for stage in body.get("environments") or []:
            if not stage.get("retentionPolicy"):
                raise Refused(
                    400,
                    "InvalidRequestException",
                    f"VS402982: A retention policy is not set for the stage '{stage['name']}'.",
                )
            for approvals in ("preDeployApprovals", "postDeployApprovals"):
                if not (stage.get(approvals) or {}).get("approvals"):
                    raise Refused(
                        400, "InvalidRequestException", f"VS402877: No approvers in the stage '{stage['name']}'."
                    )
            for phase in stage.get("deployPhases") or [{}]:
                if phase.get("phaseType") != "agentBasedDeployment" or not phase.get("deploymentInput", {}).get(
                    "queueId"
                ):
                    raise Refused(
                        400, "InvalidRequestException", f"VS402866: The stage '{stage['name']}' has no agent queue."
                    )
        if not body.get("environments"):
            raise Refused(400, "InvalidRequestException", "VS402906: A release pipeline needs at least one stage.")

    def _add(self, store: dict[int, Json], body: Json, exists: str) -> Json:
        if any(_same(one["name"], body["name"]) for one in store.values()):
            raise Refused(409, exists, f"{body['name']} already exists.")
        number = self._new()
        store[number] = {**body, "id": number}
        return store[number]

    # --- environments and what is waited for there --------------------------------------------------------------------------

    def _get_environments(self, _: Json, query: Json, __: Any) -> Any:
        return [one for one in self.environments.values() if query.get("name", "").casefold() in one["name"].casefold()]

    def _post_environments(self, _: Json, __: Json, body: Any) -> Any:
        return self._add(self.environments, body, "EnvironmentExistsException")

    def _get_queues(self, _: Json, query: Json, __: Any) -> Any:
        return [one for one in self.queues.values() if query.get("queueName", "").casefold() in one["name"].casefold()]

    def _get_agents(self, route: Json, _: Json, __: Any) -> Any:
        return self.agents[int(route["poolId"])]

    def _get_configurations(self, _: Json, query: Json, __: Any) -> Any:
        """Without `$expand=settings` none are told, as the real one does."""
        found = [
            one
            for one in self.checks.values()
            if one["resource"] == {**one["resource"], "type": query["resourceType"], "id": query["resourceId"]}
        ]
        full = query.get("$expand") == "settings"
        return [one if full else {name: value for name, value in one.items() if name != "settings"} for one in found]

    def _post_configurations(self, _: Json, __: Json, body: Any) -> Any:
        self._check_check(body)
        number = self._new()
        self.checks[number] = {**body, "id": number}
        return self.checks[number]

    def _patch_configurations(self, route: Json, _: Json, body: Any) -> Any:
        self._check_check(body)
        self.checks[int(route["id"])] = {**body, "id": int(route["id"])}
        return self.checks[int(route["id"])]

    def _check_check(self, body: Json) -> None:
        if "settings" not in body or int(body["resource"]["id"]) not in self.environments:
            raise Refused(400, "InvalidCheckConfigurationException", "The check has no settings, or no resource.")
        known = {self._id_of(who) for who in self.people}
        if (
            body["type"]["name"] == "Approval"
            and not {one["id"] for one in body["settings"].get("approvers", ())} & known
        ):
            raise Refused(400, "InvalidCheckConfigurationException", "The approval has no approvers.")

    # --- people -----------------------------------------------------------------------------------------------------------

    @staticmethod
    def _id_of(who: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, who))

    def _get_identities(self, _: Json, query: Json, __: Any) -> Any:
        asked = query["filterValue"]
        assert query["searchFilter"] == "General"
        return [
            {"id": self._id_of(mail), "providerDisplayName": name}
            for mail, name in self.people.items()
            if asked in {mail, name}
        ]

    # --- git --------------------------------------------------------------------------------------------------------------

    def _repository(self, route: Json) -> Repository:
        for one in self.repositories:
            if route["repositoryId"] in {one.id, one.name}:
                return one
        raise Refused(
            404,
            "GitRepositoryNotFoundException",
            f"TF401019: The Git repository with name or identifier {route['repositoryId']} does not exist.",
        )

    def _get_repositories(self, route: Json, _: Json, __: Any) -> Any:
        one = self._repository(route)
        return {"id": one.id, "name": one.name, "defaultBranch": "refs/heads/main"}

    def _get_refs(self, route: Json, query: Json, _: Any) -> Any:
        one = self._repository(route)
        return (
            [{"name": "refs/heads/main", "objectId": one.tip}]
            if one.tip != NOTHING and "heads/main".startswith(query.get("filter", ""))
            else []
        )

    def _get_items(self, route: Json, query: Json, _: Any) -> Any:
        one, path = self._repository(route), query["path"]
        assert query["versionDescriptor.version"] == "main"
        if path not in one.files:
            raise Refused(
                404,
                "GitItemNotFoundException",
                f"TF401174: The item '{path}' could not be found in the repository '{one.name}'.",
            )
        return {
            "path": path,
            "objectId": NOTHING,
            "content": one.files[path] if query.get("includeContent") == "true" else None,
        }

    def _post_pushes(self, route: Json, _: Json, body: Any) -> Any:
        one = self._repository(route)
        [update], [commit] = body["refUpdates"], body["commits"]
        if update["oldObjectId"] != one.tip or update["name"] != "refs/heads/main":
            raise Refused(
                409, "GitReferenceStaleException", "TF401028: The reference has already been updated by another client."
            )
        for change in commit["changes"]:
            path = change["item"]["path"]
            if change["changeType"] == "add" and path in one.files:
                raise Refused(400, "GitPathExistsException", f"TF401173: The path '{path}' exists.")
            one.files[path] = change["newContent"]["content"]
        one.tip = uuid.uuid4().hex + "0" * 8
        return {"pushId": self._new(), "commits": [], "refUpdates": []}


def _pattern(location: Location) -> re.Pattern[str]:
    """The route, in which what stands at its end may be left out."""
    text = location.template.replace("{area}", f"(?P<area>{location.area})").replace("{resource}", location.resource)
    for name in re.findall(r"\{\*?(\w+)\}", text):
        last = text.endswith((f"/{{{name}}}", f"/{{*{name}}}"))
        text = re.sub(
            rf"(/?)\{{\*?{name}\}}",
            lambda found, last=last, name=name: f"(?:{found[1]}(?P<{name}>[^/]+)){'?' if last else ''}",
            text,
        )
    return re.compile(text, re.IGNORECASE)


def _same(one: str, other: str) -> bool:
    """Names of things differ in more than their case."""
    return one.casefold() == other.casefold()


def _listed(entries: list[Any]) -> Answer:
    return Answer(200, JSON, json.dumps({"count": len(entries), "value": entries}).encode())


def _blanked(endpoint: Json) -> Json:
    """As it is given back: confidential parameters are null."""
    parameters = dict(endpoint["authorization"].get("parameters") or {})
    shown = {name: None if name in CONFIDENTIAL else value for name, value in parameters.items()}
    return {**endpoint, "authorization": {**endpoint["authorization"], "parameters": shown}}


@cache
def _descriptors() -> tuple[Json, Json]:
    """The fields of our type of connections, and the parameters of its scheme: their ids and what they must look like."""
    manifest = json.loads((ROOT / "vss-extension.json").read_text())
    [contribution] = [one["properties"] for one in manifest["contributions"] if one["id"] == "aws-connection"]
    [scheme] = contribution["authenticationSchemes"]
    told = [{one["id"]: one["validation"] for one in kind["inputDescriptors"]} for kind in (contribution, scheme)]
    assert {one["id"] for one in scheme["inputDescriptors"] if one["isConfidential"]} == {*CONFIDENTIAL}
    return told[0], told[1]
