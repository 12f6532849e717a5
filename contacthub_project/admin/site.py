"""What all pages share: the visitor, the workspace, rendering, failures."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse

from configuration.domain.permissions import reaches_all_workspaces
from configuration.models import User
from contacthub_project.admin.api_client import Api, Reply
from contacthub_project.admin.sign_in.reauthentication import hold_back
from contacthub_project.api.query import QueryParameters
from contacthub_project.core.identifiers import as_uuid

WHAT_TO_DO = {
    403: "Your role or your permissions in this node do not include this. An administrator can"
    " change that under Settings, Users.",
    404: "It may have been deleted by somebody else. Go back to the list and look again.",
    409: "Somebody or something else has changed it meanwhile. Look at it again, then repeat.",
    412: "Somebody else has changed it while you were looking at it. Open it again and repeat.",
    423: "The node is being reorganised. This takes minutes; try again then.",
    429: "The workspace's limit of requests is used up. Try again in a minute.",
}
View = Callable[..., HttpResponseBase]
LONGEST_LIST = 50
NOTHING: Mapping[str, str] = MappingProxyType({})


class Refused(Exception):
    """Raised when the API does not answer what a page needs."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


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
    def is_operator(self) -> bool:
        return reaches_all_workspaces(self.api.principal.roles)

    @property
    def page_number(self) -> int:
        """The number of the requested page of a list, 0 by default."""
        return QueryParameters(self.request).whole_number("page", default=0)

    @property
    def kept(self) -> str:
        """The query without the page, for links to other pages."""
        asked = self.request.GET.copy()
        asked.pop("page", None)
        return asked.urlencode()

    def has_typed(self, name: str) -> bool:
        """Return whether the person has typed the name to delete; show a message if not."""
        fits = self.request.POST.get("typed", "").strip() == name
        if not fits:
            messages.error(self.request, "The name does not fit. Nothing has been done.")
        return fits

    def done(self, reply: Reply, said: str) -> bool:
        """Show a message of success or failure; return whether the call succeeded."""
        if reply.is_good:
            messages.success(self.request, said)
            return True
        details = "; ".join(f"{place} {what}".strip() for place, what in reply.faults.items())
        advice = WHAT_TO_DO.get(reply.status, "")
        messages.error(self.request, " ".join(filter(None, [reply.message, details, advice])))
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
        asked = self.request.GET.get("node")
        return next((each for each in self.nodes if each["id"] == asked), None) or next(
            iter(self.nodes), None
        )

    def node_name(self, node_id: str) -> str:
        return next((each["name"] for each in self.nodes if each["id"] == node_id), node_id)

    def may(self, method: str, template: str) -> bool:
        return self.api.may(method, "/workspaces/{workspaceId}" + template)

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
    """Return the context of the signed-in person."""
    assert isinstance(request.user, User), "the site has let nobody else in"
    api = Api(request.user)
    return StaffContext(request, api, api.get("/me").json)


def workspace_context(visit: StaffContext, workspace_id: Any) -> WorkspaceContext | None:
    """Return the context in a workspace, None when the person does not work there."""
    for workspace in visit.workspaces:
        if workspace["id"] == str(workspace_id):
            return WorkspaceContext(visit.request, visit.api, visit.me, workspace)
    return None


def page(
    address: str, name: str, *, sensitive: Mapping[str, str] = NOTHING
) -> Callable[[View], Any]:
    """Register a page of a workspace, for signed-in people who work there.

    `sensitive` names values of the forms' `act` that need a recent authentication. A page whose
    only form is sensitive calls `require_proof` instead.
    """

    def made(view: View) -> Any:
        @functools.wraps(view)
        def guarded(request: HttpRequest, workspace_id: Any, **parts: Any) -> HttpResponseBase:
            visit = staff_context(request)
            office = workspace_context(visit, workspace_id)
            if office is None:
                return not_found_page(visit)
            if request.session.get("workspace") != str(workspace_id):
                request.session["workspace"] = str(workspace_id)
            held_back = hold_back(request, sensitive)
            if held_back is not None:
                return held_back
            return _answered(view, office, **parts)

        return path(f"<uuid:workspace_id>/{address}", admin.site.admin_view(guarded), name=name)

    return made


def page_of_all(
    address: str, name: str, *, sensitive: Mapping[str, str] = NOTHING
) -> Callable[[View], Any]:
    """Register a page outside of workspaces, for signed-in people; `sensitive` as in `page`."""

    def made(view: View) -> Any:
        @functools.wraps(view)
        def guarded(request: HttpRequest, **parts: Any) -> HttpResponseBase:
            held_back = hold_back(request, sensitive)
            if held_back is not None:
                return held_back
            return _answered(view, staff_context(request), **parts)

        return path(address, admin.site.admin_view(guarded), name=name)

    return made


def _answered(view: View, visit: StaffContext, **parts: Any) -> HttpResponseBase:
    try:
        return view(visit, **parts)
    except Refused as refused:
        return visit.show(
            "refused",
            "This did not work",
            status=refused.reply.status,
            message=refused.reply.message,
            faults=refused.reply.faults,
            advice=WHAT_TO_DO.get(refused.reply.status, "Go back and try something else."),
        )


def not_found_page(visit: StaffContext) -> HttpResponseBase:
    """The page for an unknown workspace, or one in which the person does not work."""
    return visit.show(
        "refused",
        "There is no such workspace",
        status=404,
        message="There is no such workspace, or you do not work in it.",
        advice="Choose one of yours.",
    )


def home(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the dashboard of the workspace that was used last, or the first.

    Without any workspace operators are redirected to the page that creates one.
    """
    visit = staff_context(request)
    known = [each["id"] for each in visit.workspaces]
    last = request.session.get("workspace")
    chosen = last if last in known else next(iter(known), None)
    if chosen is None and visit.is_operator:
        return HttpResponseRedirect(reverse("office:workspaces"))
    if chosen is None:
        return visit.show(
            "refused",
            "Welcome",
            message="You do not work in any workspace yet.",
            advice="An operator can let you into one, under Settings, Users.",
        )
    return HttpResponseRedirect(reverse("office:dashboard", kwargs={"workspace_id": chosen}))
