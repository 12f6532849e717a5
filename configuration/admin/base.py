"""The base of read-only model admins for rows of workspaces."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from configuration.domain.permissions import reaches_all_workspaces
from configuration.models import Node, User, Workspace


class WorkspaceReadOnlyAdmin(ModelAdmin):
    """Shows rows of the workspaces of the signed-in person; nothing can be changed."""

    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Only rows of workspaces, or of nodes where rows have one, that the person may read."""
        rows: QuerySet[Any] = super().get_queryset(request)
        assert isinstance(request.user, User), "nobody else gets in"
        if reaches_all_workspaces(request.user.roles):
            return rows
        if "node_id" in {field.attname for field in self.model._meta.fields}:
            return rows.filter(node_id__in=Node.objects.read_by(request.user).values("id"))
        return rows.filter(workspace_id__in=self._read_as_a_whole(request.user).values("id"))

    def _read_as_a_whole(self, user: User) -> QuerySet[Workspace]:
        """Workspaces of the person without a node that is closed to them."""
        closed = Node.objects.filter(workspace_id=OuterRef("id"), removed_at=None).exclude(
            id__in=Node.objects.read_by(user).values("id")
        )
        return user.workspaces.exclude(Exists(closed))

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
