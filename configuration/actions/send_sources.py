"""Connect a source to a user database of Contactsend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from configuration.actions.changing import customer_schema_of
from configuration.domain.send_source import SECRET, send_property_faults
from configuration.models import Node, NodeType, SendSource, Source, Workspace
from contacthub_project.core.errors import Conflict, FieldError, Invalid
from contacthub_project.db.encryption import encrypt, reencrypt


def check_send_properties(
    source: Source, properties: dict[str, Any], nodes: Sequence[Node]
) -> None:
    """Raise Invalid unless the properties connect one node to one user database."""
    if len(nodes) != 1:
        raise Invalid(errors=[FieldError("/nodes", "must be exactly one node", "maxItems")])
    workspace = Workspace.objects.get(id=source.workspace_id)
    faults = send_property_faults(
        properties,
        customer_schema_of(workspace),
        has_secret=SendSource.objects.filter(source_id=source.id).exists(),
        is_aggregate=nodes[0].type == NodeType.AGGREGATE,
    )
    if faults:
        raise Invalid(errors=faults)


def without_secret(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties without the API key, as they are stored and answered."""
    return {name: value for name, value in properties.items() if name != SECRET}


def connect(source: Source, properties: dict[str, Any], node: Node) -> None:
    """Connect a source's node and user database, within the source's transaction.

    Without an API key the stored one stays. Raises Conflict when the node or the user database has
    another source.
    """
    group = properties.get("groupPk")
    values = {
        "workspace_id": node.workspace_id,
        "node": node,
        "userdb_id": properties["userdbId"],
        "group_pk": source.workspace.group_pk if group is None else group,
    }
    if properties.get(SECRET):
        values["api_key"] = encrypt(properties[SECRET])
    try:
        with transaction.atomic():
            SendSource.objects.update_or_create(source=source, defaults=values)
    except IntegrityError:
        raise Conflict("The node or the user database has a send source already") from None


def reencrypt_api_keys() -> int:
    """Store all API keys under the first of ENCRYPTION_KEYS; returns how many there are."""
    connected = 0
    for source_id in SendSource.objects.values_list("pk", flat=True):
        with transaction.atomic():
            sources = SendSource.objects.filter(pk=source_id)
            locked = sources.select_for_update().first()
            if locked is not None:
                connected += sources.update(api_key=reencrypt(bytes(locked.api_key)))
    return connected
