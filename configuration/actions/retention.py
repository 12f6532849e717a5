"""Change how long a node keeps events."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from configuration.actions.changing import changing
from configuration.actions.nodes import lock_node
from configuration.domain.retention import effective_months
from configuration.models import EventTypeSettings, Node


def set_node_retention(
    workspace_id: UUID,
    node: Node,
    *,
    months: Mapping[str, int] | None = None,
    enabled: bool | None = None,
    expected_version: int | None,
) -> Node:
    """Set a node's months by type of event, or enable or disable its purge.

    None changes nothing. Neither do months that are equal, for all types, to those in force, as a
    client sends them back: types that follow the workspace go on doing so. Raises Stale.
    """
    with changing(workspace_id, expected_version):
        node = lock_node(node)
        if months is not None and months != _held_months(node):
            node.retention_months = dict(months)
        if enabled is not None:
            node.retention_enabled = enabled
        node.save(update_fields=["retention_months", "retention_enabled"])
    return node


def _held_months(node: Node) -> dict[str, int]:
    """Return the months in force by type: the node's, else the workspace's."""
    of_workspace = EventTypeSettings.objects.retention_months(node.workspace_id)
    return effective_months(of_workspace, node.retention_months)
