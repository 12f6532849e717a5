"""The consent log in the back-office."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter

from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from customers.models import ConsentLogEntry


@admin.register(ConsentLogEntry)
class ConsentLogEntryAdmin(WorkspaceModelAdmin):
    """Entries of the workspace, latest first; they stay when a person is forgotten."""

    operations = {"view": ("GET", WORKSPACE + "/consent-logs")}
    list_display = ("date", "type", "property", "value", "customer_id", "source_id", "user_id")
    list_display_links = ("date", "type")
    list_filter = (("type", ChoicesDropdownFilter), ("date", RangeDateTimeFilter))
    list_filter_submit = True
    search_fields = ("=customer_id",)
    search_help_text = _("Id of a customer")
    ordering = ("-date", "-id")
    sortable_by = ("date",)
    fields = (*list_display, "node_id")
