"""The description of the caller, for `GET /me`."""

from __future__ import annotations

from itertools import groupby
from typing import TypedDict
from uuid import UUID

from django.conf import settings

from configuration.domain.permissions import ROLES_OF_ONE_PURPOSE
from configuration.models import Node, NodePermission, Source, User, Workspace
from contacthub_project.core.principal import Principal

MOST_WORKSPACES = 1000  # operators reach all workspaces


class ReachedNode(TypedDict):
    """A node and the caller's permission in it."""

    id: UUID
    name: str
    type: str
    permission: str


class ReachedWorkspace(TypedDict):
    """A workspace in which the caller works, with the nodes that it reaches there."""

    id: UUID
    name: str
    status: str
    nodes: list[ReachedNode]


class ReachedGroup(TypedDict):
    """A customer group by its number, with its workspaces."""

    id: int
    workspaces: list[ReachedWorkspace]


class Identity(TypedDict):
    """Who the caller is; `mc` is whether the back-office is open to it."""

    id: int | None
    name: str
    surname: str | None
    lang: str
    email: str | None
    mc: bool


class CurrentUser(Identity):
    """The answer to `GET /me`."""

    groups: list[ReachedGroup]
    roles: list[str]


def describe_current_user(principal: Principal) -> CurrentUser:
    """Return name, roles, workspaces and nodes of a principal, in the shape of `GET /me`.

    Groups hold workspaces, these their nodes with the permission. Roles such as DPO reach more
    nodes in the operations that name them, which is not shown.
    """
    return {
        **_identity(principal),
        "groups": _groups(principal.acting_as(principal.roles - ROLES_OF_ONE_PURPOSE)),
        "roles": sorted(principal.roles),
    }


def _identity(principal: Principal) -> Identity:
    if principal.user_id is not None:
        user = User.objects.get(id=principal.user_id)
        return {
            "id": user.id,
            "name": user.name,
            "surname": user.surname,
            "lang": user.lang or settings.LANGUAGE_CODE,
            "email": user.email or None,
            "mc": user.is_staff,
        }
    assert principal.source_id is not None
    source = Source.objects.get(id=principal.source_id)
    return {
        "id": None,
        "name": source.name,
        "surname": None,
        "lang": "en",
        "email": None,
        "mc": False,
    }


def _groups(principal: Principal) -> list[ReachedGroup]:
    workspaces = Workspace.objects.present().reached_by(principal)
    listed = list(workspaces.order_by("group_pk", "name", "id")[:MOST_WORKSPACES])
    nodes: dict[UUID, list[Node]] = {}
    for node in Node.objects.filter(
        workspace__in=[workspace.id for workspace in listed], removed_at=None
    ).reached_by(principal):
        nodes.setdefault(node.workspace_id, []).append(node)
    return [
        {
            "id": group,
            "workspaces": [
                {
                    "id": workspace.id,
                    "name": workspace.name,
                    "status": workspace.status,
                    "nodes": [_node(node, principal) for node in nodes.get(workspace.id, ())],
                }
                for workspace in members
            ],
        }
        for group, members in groupby(listed, key=lambda workspace: workspace.group_pk)
    ]


def _node(node: Node, principal: Principal) -> ReachedNode:
    permission = NodePermission.READ_WRITE if principal.nodes is None else principal.nodes[node.id]
    return {"id": node.id, "name": node.name, "type": node.type, "permission": permission}
