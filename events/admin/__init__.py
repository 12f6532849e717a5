from __future__ import annotations

from django.contrib import admin

from configuration.admin.base import WorkspaceReadOnlyAdmin
from events.models import Product, PurgeRun


@admin.register(Product)
class ProductAdmin(WorkspaceReadOnlyAdmin):
    """The products that events speak of, the last seen first."""

    list_display = ("product_id", "name", "sku", "price", "last_seen", "workspace")
    list_filter = (("workspace", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("workspace",)
    search_fields = ("product_id", "name", "sku")
    ordering = ("-last_seen",)


@admin.register(PurgeRun)
class PurgeRunAdmin(WorkspaceReadOnlyAdmin):
    """The nightly purges and how far they are."""

    list_display = (
        "workspace", "started_at", "finished_at", "looked_at", "deleted", "rows_per_second",
    )  # fmt: skip
    list_filter = (("workspace", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("workspace",)
    ordering = ("-started_at",)
