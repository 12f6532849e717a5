"""The context of a page: the request, who is signed in, the workspace, and the API for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from configuration.domain.permissions import reaches_all_workspaces
from configuration.models import User
from configuration.queries.rules import rules_of
from contacthub_project.admin.api_client import Api, Reply
from contacthub_project.admin.navigation import may_open
from contacthub_project.admin.refusals import refusal_text
from contacthub_project.api.query import QueryParameters
from contacthub_project.core.identifiers import as_uuid

CONFIGURATION = "/configuration"
LONGEST_LIST = 50


class Refused(Exception):
    """Raised when the API refuses a request that a page needs."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True)
class Offers:
    """Whether a person may open a page, by its name with underscores."""

    user: User

    def __getitem__(self, name: str) -> bool:
        return may_open(name.replace("_", "-"), self.user.roles)


@dataclass(frozen=True)
class StaffContext:
    """A request of a signed-in person."""

    request: HttpRequest
    api: Api
    me: dict[str, Any]

    @property
    def user(self) -> User:
        assert isinstance(self.request.user, User), "the site has let nobody else in"
        return self.request.user

    @property
    def workspaces(self) -> list[dict[str, Any]]:
        """The workspaces in which the person works."""
        return [each for group in self.me["groups"] for each in group["workspaces"]]

    @property
    def last_workspace(self) -> UUID | None:
        """The workspace that was used last; actions outside of workspaces are logged there."""
        return as_uuid(self.request.session.get("workspace", ""))

    @property
    def workspace_id_or_none(self) -> UUID | None:
        """The workspace that the page is of; None outside of workspaces."""
        return None

    def node_name(self, node_id: str) -> str:
        """Return the name of a node of the workspaces in which the person works, else its id."""
        nodes = [node for each in self.workspaces for node in each["nodes"]]
        return next((each["name"] for each in nodes if each["id"] == node_id), node_id)

    @property
    def is_operator(self) -> bool:
        return reaches_all_workspaces(self.api.principal.roles)

    @property
    def offers(self) -> Offers:
        """Which pages the person may open, for templates: `office.offers.new_event`."""
        return Offers(self.user)

    @property
    def page_number(self) -> int:
        """The number of the requested page of a list, 0 by default."""
        return QueryParameters(self.request).whole_number("page", default=0)

    @property
    def kept(self) -> str:
        """The query without the page, for links to other pages."""
        parameters = self.request.GET.copy()
        parameters.pop("page", None)
        return parameters.urlencode()

    def has_typed(self, name: str) -> bool:
        """Return whether the person has typed the name to delete; show a message if not."""
        fits = self.request.POST.get("typed", "").strip() == name
        if not fits:
            messages.error(self.request, gettext("The name does not fit. Nothing has been done."))
        return fits

    def done(self, reply: Reply, text: str) -> bool:
        """Show a message of success or failure; return whether the call succeeded."""
        if reply.is_good:
            messages.success(self.request, text)
            return True
        messages.error(self.request, refusal_text(self, reply))
        return False

    def show(self, template: str, title: str, **context: Any) -> HttpResponseBase:
        context = admin.site.each_context(self.request) | {"title": title, "office": self} | context
        status = context.pop("status", 200)
        return TemplateResponse(self.request, f"office/{template}.html", context, status=status)


@dataclass(frozen=True)
class WorkspaceContext(StaffContext):
    """A request of a signed-in person in a workspace."""

    workspace: dict[str, Any]

    @property
    def workspace_id(self) -> UUID:
        return UUID(self.workspace["id"])

    @property
    def workspace_id_or_none(self) -> UUID | None:
        return self.workspace_id

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the workspace, in which its moments are shown."""
        rules = rules_of(self.workspace_id)
        return rules.zone if rules is not None else ZoneInfo("UTC")

    @property
    def path(self) -> str:
        """The path of the workspace in the API."""
        return f"/workspaces/{self.workspace['id']}"

    @property
    def configuration(self) -> str:
        return f"{self.path}/configuration"

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """The nodes that the person may read, by name."""
        readable = [each for each in self.workspace["nodes"] if "R" in each["permission"]]
        return sorted(readable, key=lambda node: node["name"].lower())

    @property
    def node(self) -> dict[str, Any] | None:
        """The node of `?node=`, else the first."""
        node_id = self.request.GET.get("node")
        return next((each for each in self.nodes if each["id"] == node_id), None) or next(
            iter(self.nodes), None
        )

    def may(self, method: str, template: str) -> bool:
        return self.api.may(method, "/workspaces/{workspaceId}" + template)

    def may_write_in(self, node_id: str) -> bool:
        """Return whether the person has the permission to write in a node."""
        nodes = self.workspace["nodes"]
        return any(each["id"] == node_id and "W" in each["permission"] for each in nodes)

    def url(self, name: str, query: dict[str, Any] | None = None, **parts: Any) -> str:
        """Return the address of a page of this workspace."""
        address = reverse(f"office:{name}", kwargs={"workspace_id": self.workspace["id"], **parts})
        return f"{address}?{urlencode(query, doseq=True)}" if query else address

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """Return the API's answer to a path below the workspace; raises Refused."""
        reply = self.api.get(self.path + path, query)
        if not reply.is_good:
            raise Refused(reply)
        return reply.json

    def file(
        self, path: str, query: Mapping[str, Any] | None = None, *, name: str | None = None
    ) -> HttpResponseBase:
        """Return the API's answer as a download; raises Refused."""
        reply = self.api.get(self.path + path, query)
        if not reply.is_good:
            raise Refused(reply)
        if name is not None:
            reply.response["Content-Disposition"] = f'attachment; filename="{name}"'
        return reply.response

    def everything(self, path: str) -> list[Any]:
        """Return all elements of a list of the configuration."""
        elements: list[Any] = []
        for number in range(LONGEST_LIST):
            page = self.get(path, {"page": number, "size": 50})
            elements += page["elements"]
            if len(elements) >= page["page"]["totalElements"]:
                break
        return elements

    def go(self, name: str, query: dict[str, Any] | None = None, **parts: Any) -> HttpResponseBase:
        return HttpResponseRedirect(self.url(name, query, **parts))


def staff_context(request: HttpRequest) -> StaffContext:
    """Return the context of the signed-in person, the same during a request."""
    assert isinstance(request.user, User), "the site has let nobody else in"
    if not hasattr(request, "staff_context"):
        api = Api(request.user)
        context = StaffContext(request, api, api.get("/me").json)
        request.staff_context = context  # type: ignore[attr-defined]
    found: StaffContext = request.staff_context  # type: ignore[attr-defined]
    return found


def workspace_context(staff: StaffContext, workspace_id: Any) -> WorkspaceContext | None:
    """Return the context in a workspace, None when the person does not work there."""
    for workspace in staff.workspaces:
        if workspace["id"] == str(workspace_id):
            return WorkspaceContext(staff.request, staff.api, staff.me, workspace)
    return None
