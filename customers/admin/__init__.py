from __future__ import annotations

from django.contrib import admin

from configuration.admin.base import WorkspaceReadOnlyAdmin
from customers.models import AggregateBuild


@admin.register(AggregateBuild)
class AggregateBuildAdmin(WorkspaceReadOnlyAdmin):
    """Aggregate nodes that are being built, and how far they are."""

    list_display = ("node_id", "done", "total", "started_at")
    ordering = ("started_at",)
