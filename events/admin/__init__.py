from __future__ import annotations

from django.contrib import admin

from contacthub_project.admin.model_admin import WorkspaceReadOnlyAdmin
from events.models import Product, PurgeRun


@admin.register(Product)
class ProductAdmin(WorkspaceReadOnlyAdmin):
    """Products of events, the last seen first."""

    list_display = ("product_id", "name", "sku", "price", "last_seen")
    search_fields = ("product_id", "name", "sku")
    ordering = ("-last_seen",)


@admin.register(PurgeRun)
class PurgeRunAdmin(WorkspaceReadOnlyAdmin):
    """Runs of the retention purge and their progress."""

    list_display = (
        "started_at", "finished_at", "looked_at", "deleted", "rows_per_second",
    )  # fmt: skip
    ordering = ("-started_at",)
