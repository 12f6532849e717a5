"""The holder of a token, as every part of the product knows it."""

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

    `workspaces` and `nodes` say what it reaches; None means all (of its workspaces, for nodes).
    A node's permission is "R", "W" or "RW". `wide_roles` are those of its roles that reach all
    nodes, `granted_nodes` what it reaches without them. `date_format` is how its answers write
    moments.
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

    is_authenticated = True

    @property
    def author(self) -> str:
        """What records name as the one who wrote them: the source's id, or the person's."""
        return str(self.source_id or self.user_id)

    @property
    def may_read_profiles(self) -> bool:
        """An untrusted application writes profiles and does not read them back."""
        return not self.is_untrusted

    @property
    def is_untrusted(self) -> bool:
        """Whether it is a browser's source, whose token is no secret."""
        return self.roles == {UNTRUSTED}

    def acting_as(self, roles: frozenset[str]) -> Principal:
        """The principal with those of its roles that are among `roles`, and with their reach only.

        A role that reaches all nodes lends this to the operations that name it, and to no other.
        """
        acting = self.roles & roles
        if acting == self.roles:
            return self
        narrower = self.wide_roles and not acting & self.wide_roles
        nodes = self.granted_nodes if narrower else self.nodes
        return replace(self, roles=acting, nodes=nodes)

    def reaches(self, workspace_id: UUID) -> bool:
        return self.workspaces is None or workspace_id in self.workspaces

    def may(self, permission: str, node_id: UUID) -> bool:
        """Whether it may read ("R") or write ("W") in a node of a workspace that it reaches."""
        if self.nodes is None:
            return True
        return permission in self.nodes.get(node_id, "")

    def may_read_profiles_in(self, node_id: UUID) -> bool:
        """Whether an answer about a customer of the node may tell more than the caller has sent."""
        return self.may_read_profiles and self.may(READ, node_id)
