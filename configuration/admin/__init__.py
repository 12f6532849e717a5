from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin

from configuration.models import SendUserDatabase


@admin.register(SendUserDatabase)
class SendUserDatabaseAdmin(ModelAdmin):
    """The registry of user databases: what `GET /models/send-sources/...` answers."""

    list_display = ("name", "group_pk", "userdb_id")
    list_filter = ("group_pk",)
    search_fields = ("name", "userdb_id")
