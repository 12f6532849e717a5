from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)
from unfold.admin import ModelAdmin

from configuration.admin.api_client import ApiClientAdmin
from configuration.admin.node import NodeAdmin
from configuration.admin.source import SourceAdmin
from configuration.admin.staff_change import StaffChangeAdmin
from configuration.admin.user import UserAdmin
from configuration.admin.workspace import WorkspaceAdmin
from configuration.models import SendUserDatabase

__all__ = [
    "ApiClientAdmin",
    "NodeAdmin",
    "SendUserDatabaseAdmin",
    "SourceAdmin",
    "StaffChangeAdmin",
    "UserAdmin",
    "WorkspaceAdmin",
]

# Groups have no permissions: these follow from roles. Clients are made by each person for
# themselves (`ApiClientAdmin`), tokens by signing in. Second factors are
# their holder's; e-mail addresses stand in User.
for model in (
    Authenticator,
    EmailAddress,
    Group,
    get_access_token_model(),
    get_application_model(),
    get_grant_model(),
    get_id_token_model(),
    get_refresh_token_model(),
):
    admin.site.unregister(model)


@admin.register(SendUserDatabase)
class SendUserDatabaseAdmin(ModelAdmin):
    """The registry of user databases: what `GET /models/send-sources/...` answers."""

    list_display = ("name", "group_pk", "userdb_id")
    list_filter = ("group_pk",)
    search_fields = ("name", "userdb_id")
