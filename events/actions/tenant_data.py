"""Removes the events of nodes and workspaces, before their customers."""

from __future__ import annotations

from uuid import UUID

from contacthub_project.db.querysets import json_value_at
from contacthub_project.db.sql import fetch_value, load
from contacthub_project.db.tenant_data import TenantDataOwner
from events.models import DeletedEvent, Event, MergedEvent, Product

DELETE_IN_NODE = load("events/sql/delete_events_of_node")


class EventDataOwner(TenantDataOwner):
    """Registered with `contacthub_project.db.tenant_data`."""

    order = 10
    holds_events = True

    def erase_node_batch(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Delete events of the node, with changes in the feed."""
        parameters = {"workspace_id": workspace_id, "node_id": node_id, "limit": limit}
        deleted: int = fetch_value(DELETE_IN_NODE, parameters)
        if deleted:
            return deleted
        merged = MergedEvent.objects.filter(workspace_id=workspace_id, node_id=node_id)
        merged_ids = list(merged.values_list("event_id", flat=True)[:limit])
        if merged_ids:
            return merged.filter(event_id__in=merged_ids).delete()[0]
        hidden = DeletedEvent.objects.filter(workspace_id=workspace_id, node_id=node_id)
        ids = list(hidden.values_list("id", flat=True)[:limit])
        return hidden.filter(id__in=ids).delete()[0] if ids else 0

    def has_values(self, *, workspace_id: UUID, section: str, name: str) -> bool:
        """Return whether an event or product has a value of an extended property."""
        if section == "customers":
            return False
        if section == "products":
            products = Product.objects.filter(workspace_id=workspace_id)
            value = json_value_at("extended", *name.split("."))
            return products.alias(value=value).filter(value__isnull=False).exists()
        events = Event.objects.in_workspace(workspace_id).filter(type=section)
        value = json_value_at("properties", "extended", *name.split("."))
        return events.alias(value=value).filter(value__isnull=False).exists()

    def count_up_to(self, *, workspace_id: UUID, node_id: UUID, most: int) -> int:
        """Return the number of events of the node."""
        return Event.objects.filter(workspace_id=workspace_id, node_id=node_id).count_up_to(most)
