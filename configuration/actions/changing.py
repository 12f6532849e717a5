"""How a workspace's configuration is changed: one after the other, and seen by everybody.

Whoever changes a workspace's configuration, nodes and sources included, locks its row first, then
nodes in the order of their ids, then sources. So what is checked against the configuration, such as
whether a property is known or used, still holds when the transaction commits.
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


@contextmanager
def changing(workspace_id: UUID, expected_version: int | None) -> Iterator[Workspace]:
    """A transaction that holds the workspace's row and raises its configuration version at the end.

    The version stays when nothing has changed, so that writing what was read disturbs nobody.
    `expected_version` is the configuration version the caller has read, None for any. Raises Stale
    when somebody else has changed the configuration since.
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
    """What a (locked) workspace's configuration says; defaults are what they stand for."""
    types = EventTypeSettings.objects.by_type(workspace.id)
    months = {
        name: settings.retention_months
        for name, settings in types.items()
        if settings.retention_months is not None
    }
    nodes = Node.objects.in_workspace(workspace.id).order_by("id")
    return (
        {field.attname: getattr(workspace, field.attname) for field in Workspace._meta.fields},
        [
            (each.enabled, each.max_bytes, each.consents, each.does_update_products, each.extended)
            for each in types.values()
        ],
        effective_months(months),
        list(nodes.values_list("id", "retention_months", "retention_enabled")),
    )


def lock_workspace(workspace_id: UUID) -> Workspace:
    """The workspace as it is now, kept from other changes until the transaction ends.

    Writers of customers and events are not kept waiting. Raises NotFound.
    """
    workspace = lock_workspace_row(workspace_id)
    if workspace is None or workspace.removed_at is not None:
        raise NotFound(f"workspace not found: {workspace_id}")
    return workspace


def lock_workspace_row(workspace_id: UUID) -> Workspace | None:
    """The same for tasks, which go on in a workspace that is being deleted."""
    return Workspace.objects.select_for_update(no_key=True).filter(id=workspace_id).first()


def customer_schema_of(workspace: Workspace) -> CustomerSchema:
    """What a customer of a (locked) workspace may hold."""
    return CustomerSchema(workspace.disabled_base_properties, workspace.customer_extended)
