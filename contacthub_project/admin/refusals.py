"""What a refusal of the API means for staff: which access is missing, what collided, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy

from configuration.domain.permissions import ROLES_OF_ALL_NODES
from configuration.models import Role, User
from contacthub_project.admin.api_client import Reply
from contacthub_project.api.operations import contract

ROLES = {
    Role.ADMIN: gettext_lazy("Administrator: everything in the workspaces they work in"),
    Role.USER: gettext_lazy("User: customers and events of the nodes granted below"),
    Role.GUEST: gettext_lazy("Guest: reads what is granted below"),
    Role.DPO: gettext_lazy("Privacy officer: exports and forgets people"),
    Role.PLATFORM_UPDATES: gettext_lazy("Update reader: follows the change feed"),
    Role.CLAB_OPERATOR: gettext_lazy("Operator: everything, in all workspaces"),
}
WHAT_TO_DO = {
    403: gettext_lazy("Your role or your permissions in this node do not include this."),
    404: gettext_lazy(
        "It may have been deleted by somebody else. Go back to the list and look again."
    ),
    409: gettext_lazy(
        "Somebody or something else has changed it meanwhile. Look at it again, then repeat."
    ),
    412: gettext_lazy(
        "Somebody else has changed it while you were looking at it. Open it again and repeat."
    ),
    423: gettext_lazy("The node is being reorganised. This takes minutes; try again then."),
    429: gettext_lazy("The workspace's limit of requests is used up. Try again in a minute."),
}
PERMISSIONS = {"R": gettext_lazy("read"), "W": gettext_lazy("write")}
GRANTS = ("PUT", "/workspaces/{workspaceId}/configuration/users/{id}")
MOST_NAMED = 5


class Visitor(Protocol):
    """Whom advice is for: the person, and the workspace of the page, if it is in one."""

    @property
    def user(self) -> User: ...

    @property
    def workspace_id_or_none(self) -> UUID | None: ...

    def node_name(self, node_id: str) -> str: ...


def role_name(role: str) -> str:
    """Return the name of a role, as people read it."""
    return ROLES[Role(role)].partition(":")[0] if role in Role.values else role


def refusal_text(visitor: Visitor, reply: Reply) -> SafeString:
    """Return message, faults and advice of a refusal as one text, with links."""
    faults = "; ".join(f"{place} {what}".strip() for place, what in reply.faults.items())
    parts = [part for part in (reply.message, faults, advice(visitor, reply)) if part]
    return format_html_join(" ", "{}", ((part,) for part in parts))


def advice(visitor: Visitor, reply: Reply, otherwise: str = "") -> SafeString | str:
    """Return what can be done about a refusal."""
    data = reply.json.get("data") or {}
    if reply.status == 409 and (found := collided(visitor, data)):
        return found
    if reply.status == 403 and (missing := missing_access(visitor, data)):
        return missing
    return str(WHAT_TO_DO.get(reply.status, otherwise))


def collided(visitor: Visitor, data: Mapping[str, Any]) -> SafeString | None:
    """Return links to what a conflict is with; None if the API does not name it."""
    links = [
        format_html('<a href="{}">{}</a>', address, text) for text, address in _named(visitor, data)
    ]
    if not links:
        return None
    return format_html(gettext("It collides with: {}."), mark_safe(", ".join(links)))  # noqa: S308 - links


def _named(visitor: Visitor, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    workspace = visitor.workspace_id_or_none
    if workspace is None:
        return
    groups = [group for group in data.get("collisions") or () if isinstance(group, list)]
    customers = [each for group in groups for each in group][:MOST_NAMED]
    if "customer" in data:
        customers.append(data["customer"]["id"])
    for key, name, ids in (
        ("customer", gettext("customer"), customers),
        ("event", gettext("event"), [data["event"]["id"]] if "event" in data else []),
    ):
        for each in ids:
            parts = {"workspace_id": workspace, f"{key}_id": each}
            yield f"{name} {each}", reverse(f"office:{key}", kwargs=parts)


def missing_access(visitor: Visitor, data: Mapping[str, Any]) -> SafeString | None:
    """Return which role or permission is missing and who can give it; None if it is not known.

    `data` is that of the API's error: `roles` of an operation, or `nodeId` and `permission`.
    """
    workspace = visitor.workspace_id_or_none
    if "roles" in data:
        needed = [role_name(each) for each in data["roles"] if each in Role.values]
        if not needed:
            return None
        own_roles = [role_name(each) for each in visitor.user.roles]
        says = gettext("This needs the role {any_of}. {yours}").format(
            any_of=_any_of(needed), yours=_joined_roles(own_roles)
        )
        return _with_grantors(says, workspace, [Role.CLAB_OPERATOR])
    if "permission" in data:
        node = visitor.node_name(data["nodeId"])
        says = gettext("This needs the permission to {permission} in the node {node}.").format(
            permission=PERMISSIONS[data["permission"]], node=node
        )
        method, template = GRANTS
        return _with_grantors(says, workspace, contract()[template][method].roles)
    return None


def _with_grantors(says: str, workspace_id: UUID | None, roles: Iterable[str]) -> SafeString:
    """Add who can give what is missing: people with one of the roles, who reach the workspace."""
    reach = Q(roles__contains=[Role.CLAB_OPERATOR])
    if workspace_id is not None:
        reach |= Q(memberships__workspace_id=workspace_id)
    grantors = User.objects.filter(
        reach, roles__overlap=list(set(roles) & {*ROLES_OF_ALL_NODES}), is_active=True
    )
    people = list(grantors.distinct().order_by("username")[:MOST_NAMED])
    names = ", ".join(f"{each.name} {each.surname}".strip() or each.username for each in people)
    return format_html(
        gettext("{} {} can give it, under Settings, Users."), says, names or gettext("An operator")
    )


def _any_of(names: list[str]) -> str:
    return (
        names[0]
        if len(names) == 1
        else gettext("{join} or {names}").format(join=", ".join(names[:-1]), names=names[-1])
    )


def _joined_roles(names: list[str]) -> str:
    return (
        gettext("You have {join}.").format(join=gettext(" and ").join(names))
        if names
        else gettext("You have none.")
    )
