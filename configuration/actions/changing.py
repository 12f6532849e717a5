"""Locking and versioning of a workspace's configuration.

Lock order: every change of the configuration, nodes and sources included, locks the workspace's row
first, then nodes by id, then sources. A check against the configuration, such as whether a property
is known or in use, therefore still holds at commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.retention import effective_months
from configuration.models import EventTypeSettings, Node, Workspace
from configuration.queries.rules import configuration_changed
from contacthub_project.core.errors import NotFound, Stale

# Fields of a workspace that others raise meanwhile.
NO_CONFIGURATION = frozenset({"suppressions_version"})


@contextmanager
def changing(workspace_id: UUID, expected_version: int | None) -> Iterator[Workspace]:
    """Open a transaction that locks the workspace and raises its configuration version.

    The version stays when the configuration is equal to what it was. `expected_version` is the
    version that the caller has read, None for any. Raises Stale when it is not the present one.
    """
    with transaction.atomic():
        workspace = lock_workspace(workspace_id)
        if expected_version is not None and expected_version != workspace.configuration_version:
            raise Stale
        before = _configuration(workspace)
        yield workspace
        if _configuration(workspace) != before:
            configuration_changed(workspace_id)


def _configuration(workspace: Workspace) -> tuple[Any, ...]:
    """Return the configuration of a locked workspace, defaults filled in, for comparison."""
    types = EventTypeSettings.objects.by_type(workspace.id)
    months = {
        name: settings.retention_months
        for name, settings in types.items()
        if settings.retention_months is not None
    }
    nodes = Node.objects.in_workspace(workspace.id).order_by("id")
    return (
        {
            field.attname: getattr(workspace, field.attname)
            for field in Workspace._meta.fields
            if field.attname not in NO_CONFIGURATION
        },
        [
            (each.enabled, each.max_bytes, each.consents, each.does_update_products, each.extended)
            for each in types.values()
        ],
        effective_months(months),
        list(nodes.values_list("id", "retention_months", "retention_enabled")),
    )


def lock_workspace(workspace_id: UUID) -> Workspace:
    """Lock a workspace against other configuration changes and return it; raises NotFound.

    Does not block writers of customers and events.
    """
    workspace = lock_workspace_row(workspace_id)
    if workspace is None or workspace.removed_at is not None:
        raise NotFound(f"workspace not found: {workspace_id}")
    return workspace


def lock_workspace_row(workspace_id: UUID) -> Workspace | None:
    """Lock a workspace that may be in deletion, for tasks."""
    return Workspace.objects.select_for_update(no_key=True).filter(id=workspace_id).first()


def customer_schema_of(workspace: Workspace) -> CustomerSchema:
    """Return the schema of the customers of a locked workspace."""
    return CustomerSchema(workspace.disabled_base_properties, workspace.customer_extended)
