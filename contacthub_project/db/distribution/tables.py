"""Which tables are distributed, and which stay on the node that programs connect to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import models

from contacthub_project.db.keys import WORKSPACE, TenantForeignKeyConstraint

ANCHOR = "customers_customer"
"""The table that all others are placed with."""

REFERENCE = ("configuration_workspace",)
"""Tables that every node has a copy of, because triggers read them."""

LOCAL = {
    "configuration_source": "found by a token's digest, before the workspace is known",
    "configuration_sourcenode": "read with the source that a token names",
    "configuration_sendsource": "found by customer group and user database",
    "configuration_membership": "the workspaces that a person's token reaches",
    "configuration_nodegrant": "the nodes that a person's token reaches",
    "configuration_eventtypesettings": "part of the snapshot of a workspace's rules",
    "configuration_staffchange": "tells also of changes that belong to no workspace",
}
"""Tables with a workspace that belong to all workspaces, and why. Each is small."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key between two tenant tables."""

    name: str
    table: str
    column: str
    to: str
    key: str


def tenant_tables() -> list[str]:
    """Return the names of all tables that are distributed by workspace, the anchor first."""
    found = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if any(field.column == WORKSPACE for field in model._meta.concrete_fields)
    }
    return [ANCHOR, *sorted(found - set(LOCAL) - {ANCHOR})]


def references() -> Iterator[Reference]:
    """Yield the foreign keys between tenant tables, which models name."""
    tenant = set(tenant_tables())
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if isinstance(constraint, TenantForeignKeyConstraint):
                target = apps.get_model(constraint.to)._meta
                if model._meta.db_table in tenant:
                    yield Reference(
                        constraint.name,
                        model._meta.db_table,
                        constraint.field,
                        target.db_table,
                        _column(target.pk),
                    )


def _column(key: models.Field[object, object] | None) -> str:
    assert key is not None
    assert key.column is not None
    return key.column
