from __future__ import annotations

from django.contrib import admin
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

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
        "started_at", "finished_at", "looked_at", "deleted", "displayed_rate",
    )  # fmt: skip
    ordering = ("-started_at",)

    @display(description=_("Deleted per second"))
    def displayed_rate(self, run: PurgeRun) -> str:
        return number_format(run.rows_per_second, decimal_pos=0, force_grouping=True)
