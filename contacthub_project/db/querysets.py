"""Base query sets of all apps."""

from __future__ import annotations

from typing import Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import F, Func, JSONField, Value

from contacthub_project.core.principal import READ, Principal

Row = TypeVar("Row", bound=models.Model)


class BoundedQuerySet(models.QuerySet[Row]):
    """A query set with a bounded count."""

    def count_up_to(self, most: int) -> int:
        """Return the number of rows, reading at most `most` of them."""
        return self.order_by()[:most].count()


class TenantQuerySet(BoundedQuerySet[Row]):
    """A query set of rows of a workspace, most of them of one of its nodes.

    Lists of the API and model admins use the same methods. `node_field` is the field with the id of
    a row's node.
    """

    node_field = "node_id"

    def in_workspace(self, workspace_id: UUID) -> Self:
        """Return the rows of a workspace."""
        return self.filter(workspace_id=workspace_id)

    def in_workspaces_of(self, principal: Principal) -> Self:
        """Return the rows of the workspaces that the principal may access."""
        if principal.workspaces is None:
            return self
        return self.filter(workspace_id__in=principal.workspaces)

    def readable_by(self, principal: Principal) -> Self:
        """Return the rows of the nodes in which the principal may read."""
        nodes = principal.nodes_with(READ)
        return self if nodes is None else self.filter(**{f"{self.node_field}__in": nodes})


def json_value_at(column: str, *path: str) -> Func:
    """Return SQL for the value at a path of a JSON column; it is NULL when there is none."""
    names = [Value(name) for name in path]
    return Func(F(column), *names, function="jsonb_extract_path", output_field=JSONField())
