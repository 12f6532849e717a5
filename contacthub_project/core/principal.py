"""The authenticated caller: its roles, workspaces and nodes."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from contacthub_project.core.date_format import DateFormat

READ = "R"
WRITE = "W"
UNTRUSTED = "UNTRUSTED_APPLICATION"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a token: a person, or an application through its source.

    `workspaces` and `nodes` are what it may access; None means all, for nodes all of its
    workspaces. A node's permission is "R", "W" or "RW". `wide_roles` are those of its roles that
    give access to all nodes, `granted_nodes` the nodes it may access without them. `date_format` is
    the format of timestamps in its responses. `in_back_office` marks a person using pages, which
    show no secrets.
    """

    roles: frozenset[str]
    workspaces: frozenset[UUID] | None
    nodes: Mapping[UUID, str] | None
    wide_roles: frozenset[str] = frozenset()
    granted_nodes: Mapping[UUID, str] = field(default_factory=dict)
    user_id: int | None = None
    source_id: UUID | None = None
    allowed_networks: tuple[Network, ...] = ()
    allowed_urls: tuple[str, ...] = ()
    expires_at: datetime | None = None
    date_format: DateFormat = DateFormat.ZULU
    in_back_office: bool = False

    is_authenticated = True

    @property
    def author(self) -> str:
        """The id recorded as the author: the source's, else the person's."""
        return str(self.source_id or self.user_id)

    @property
    def may_read_profiles(self) -> bool:
        """Whether it may read profiles; an untrusted application only writes them."""
        return not self.is_untrusted

    @property
    def is_untrusted(self) -> bool:
        """Whether it is the source of a web page or app, whose token is public."""
        return self.roles == {UNTRUSTED}

    def acting_as(self, roles: frozenset[str]) -> Principal:
        """Return the principal restricted to those of its roles that are in `roles`.

        A role that gives access to all nodes does so only in operations that name the role.
        """
        acting = self.roles & roles
        if acting == self.roles:
            return self
        narrower = self.wide_roles and not acting & self.wide_roles
        nodes = self.granted_nodes if narrower else self.nodes
        return replace(self, roles=acting, nodes=nodes)

    def reaches(self, workspace_id: UUID) -> bool:
        """Return whether it may access the workspace."""
        return self.workspaces is None or workspace_id in self.workspaces

    def may(self, permission: str, node_id: UUID) -> bool:
        """Return whether it may read ("R") or write ("W") in a node of its workspaces."""
        if self.nodes is None:
            return True
        return permission in self.nodes.get(node_id, "")

    def nodes_with(self, permission: str) -> list[UUID] | None:
        """Return the nodes in which it may read ("R") or write ("W"); None for all."""
        if self.nodes is None:
            return None
        return [node_id for node_id in self.nodes if self.may(permission, node_id)]

    def may_read_profiles_in(self, node_id: UUID) -> bool:
        """Return whether responses about the node's customers may hold more than was sent."""
        return self.may_read_profiles and self.may(READ, node_id)
