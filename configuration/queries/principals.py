"""Look-up of principals by token."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import Coalesce, JSONObject
from oauth2_provider.models import get_access_token_model

from configuration.domain.permissions import (
    ROLES_OF_ONE_PURPOSE,
    reaches_all_workspaces,
    role_of_source,
    roles_of_all_nodes,
)
from configuration.domain.tokens import SOURCE_PREFIX
from configuration.models import Membership, NodeGrant, Source, User
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.ip_addresses import as_network
from contacthub_project.core.principal import Principal


def find_principal(token: str, digest: bytes) -> Principal | None:
    """Return the holder of a token, by one indexed query; None if the token is not valid.

    `digest` is the token's SHA-256. A token is not valid when it is unknown, expired or revoked, or
    its source or person is disabled.
    """
    if token.startswith(SOURCE_PREFIX):
        return _source_by_token(digest)
    return _person_by_token(digest)


def principal_of_user(user: User) -> Principal:
    """Return the principal of a signed-in person, by the same rules as for a token."""
    row = _with_reach(User.objects.filter(pk=user.pk), person=F("pk")).values(
        "person", "roles", "member_of", "granted"
    )
    return _person(row.get())


def principal_of_staff(user: User) -> Principal:
    """Return the principal of a signed-in person, with the roles that hold in every operation.

    A role for one purpose opens all nodes only to the operations that name it.
    """
    return principal_of_user(user).acting_as(frozenset(user.roles) - ROLES_OF_ONE_PURPOSE)


def _source_by_token(digest: bytes) -> Principal | None:
    source = (
        Source.objects.filter(token_hash=digest, enabled=True, workspace__removed_at=None)
        .annotate(node_ids=ArrayAgg("source_nodes__node_id", default=[]))
        .first()
    )
    if source is None or not hmac.compare_digest(bytes(source.token_hash), digest):
        return None
    return Principal(
        roles=frozenset({role_of_source(trusted=source.trusted)}),
        workspaces=frozenset({source.workspace_id}),
        nodes=dict.fromkeys(source.node_ids, "RW"),
        source_id=source.id,
        allowed_networks=tuple(
            as_network(text) for text in source.properties.get("allowedIPs") or ()
        ),
        allowed_urls=tuple(source.properties.get("allowedURLs") or ()),
        date_format=DateFormat(source.date_format),
    )


def _person_by_token(digest: bytes) -> Principal | None:
    tokens = get_access_token_model().objects.filter(
        token_checksum=digest.hex(), expires__gt=datetime.now(UTC)
    )
    # Tokens by client credentials act for the person who registered the client.
    person = Coalesce("user_id", "application__user_id")
    rows = _with_reach(tokens, person=person).annotate(
        roles=Coalesce("user__roles", "application__user__roles"),
        active=Coalesce("user__is_active", "application__user__is_active"),
        date_format=F("application__answers__date_format"),
    )
    row = rows.values(
        "person", "roles", "active", "expires", "date_format", "member_of", "granted"
    ).first()
    if row is None or not row.pop("active"):
        return None
    return _person(row)


def _with_reach(rows: QuerySet[Any], *, person: Any) -> QuerySet[Any]:
    members = Membership.objects.filter(user_id=OuterRef("person"))
    grants = NodeGrant.objects.filter(user_id=OuterRef("person"))
    reaching: QuerySet[Any] = rows.annotate(person=person).annotate(
        member_of=ArraySubquery(members.values("workspace_id")),
        granted=ArraySubquery(
            grants.values(grant=JSONObject(node="node_id", permission="permission"))
        ),
    )
    return reaching


def _person(row: dict[str, Any]) -> Principal:
    roles = frozenset(row["roles"])
    everywhere = reaches_all_workspaces(roles)
    wide = roles_of_all_nodes(roles)
    granted = {UUID(grant["node"]): grant["permission"] for grant in row["granted"]}
    return Principal(
        roles=roles,
        workspaces=None if everywhere else frozenset(row["member_of"]),
        nodes=None if wide else granted,
        wide_roles=wide,
        granted_nodes=granted,
        user_id=row["person"],
        expires_at=row.get("expires"),
        # Most clients have no settings; signed-in people have no client.
        date_format=DateFormat(row.get("date_format") or DateFormat.ZULU),
    )
