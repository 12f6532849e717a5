"""What querysets of all apps share."""

from __future__ import annotations

from typing import Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import F, Func, JSONField, Value

from contacthub_project.core.principal import READ, Principal

Row = TypeVar("Row", bound=models.Model)


class BoundedQuerySet(models.QuerySet[Row]):
    """A queryset that can be counted cheaply."""

    def count_up_to(self, most: int) -> int:
        """How many there are, without looking at more than `most` of them."""
        return self.order_by()[:most].count()


class TenantQuerySet(BoundedQuerySet[Row]):
    """A queryset of rows that belong to a workspace, most of them to one of its nodes.

    Lists of the API and model admins restrict what they show by the same methods. `node_field` is
    the field that holds the id of a row's node.
    """

    node_field = "node_id"

    def in_workspace(self, workspace_id: UUID) -> Self:
        """Return the rows of a workspace."""
        return self.filter(workspace_id=workspace_id)

    def in_workspaces_of(self, principal: Principal) -> Self:
        """Return the rows of the workspaces that the principal reaches."""
        if principal.workspaces is None:
            return self
        return self.filter(workspace_id__in=principal.workspaces)

    def readable_by(self, principal: Principal) -> Self:
        """Return the rows of the nodes in which the principal may read."""
        nodes = principal.nodes_with(READ)
        return self if nodes is None else self.filter(**{f"{self.node_field}__in": nodes})


def json_value_at(column: str, *path: str) -> Func:
    """The value in a JSON column at a path, whatever its names; NULL when there is none."""
    names = [Value(name) for name in path]
    return Func(F(column), *names, function="jsonb_extract_path", output_field=JSONField())
