"""The base of read-only model admins for rows of workspaces."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from configuration.models import Node, User
from configuration.queries.principals import principal_of_staff
from contacthub_project.db.querysets import TenantQuerySet


class WorkspaceReadOnlyAdmin(ModelAdmin):
    """Shows rows of the workspaces of the signed-in person; nothing can be changed."""

    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of nodes that the person may read.

        Those that belong to no node are of workspaces without a node that is closed to the person.
        """
        rows = super().get_queryset(request)
        assert isinstance(rows, TenantQuerySet), "the model's manager says whose its rows are"
        assert isinstance(request.user, User), "nobody else gets in"
        principal = principal_of_staff(request.user)
        rows = rows.in_workspaces_of(principal)
        if principal.nodes is None:
            return rows
        if "node_id" in {field.attname for field in self.model._meta.fields}:
            return rows.readable_by(principal)
        nodes = Node.objects.filter(removed_at=None)
        closed = nodes.exclude(id__in=nodes.readable_by(principal).values("id"))
        return rows.exclude(workspace_id__in=closed.values("workspace_id"))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """All staff, each their workspaces' rows."""
        return request.user.is_active and request.user.is_staff  # type: ignore[union-attr]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
