"""Changing how long events are kept."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from configuration.actions.changing import changing
from configuration.actions.nodes import lock_node
from configuration.models import Node


def set_node_retention(
    workspace_id: UUID,
    node: Node,
    *,
    months: Mapping[str, int] | None = None,
    enabled: bool | None = None,
    expected_version: int | None,
) -> Node:
    """Set a node's own months by type of event, or switch its purge; None leaves as it is."""
    with changing(workspace_id, expected_version):
        node = lock_node(node)
        if months is not None:
            node.retention_months = dict(months)
        if enabled is not None:
            node.retention_enabled = enabled
        node.save(update_fields=["retention_months", "retention_enabled"])
    return node
