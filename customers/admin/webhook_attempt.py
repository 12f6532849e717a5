"""The log of deliveries to webhooks in the back-office."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from contacthub_project.admin.model_admin import WorkspaceModelAdmin
from customers.admin.webhook import WEBHOOK
from customers.models import (
    Webhook,
    WebhookAttempt,
)


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(WorkspaceModelAdmin):
    """The log of all webhooks: messages and responses of the receivers."""

    operations = {"view": ("GET", WEBHOOK + "/attempts")}
    list_display = (
        "attempted_at", "displayed_webhook", "updates", "first_offset", "last_offset", "status",
        "error", "milliseconds",
    )  # fmt: skip
    list_filter = (("attempted_at", RangeDateTimeFilter),)
    list_filter_submit = True
    search_fields = ("=webhook_id",)
    search_help_text = _("Id of a webhook")
    ordering = ("-id",)
    sortable_by = ()
    fields = (*list_display, "message_id", "answer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookAttempt]:
        """Return the attempts of webhooks that the person may see."""
        attempts: QuerySet[WebhookAttempt] = super().get_queryset(request)
        seen = admin.site._registry[Webhook].get_queryset(request)
        attempts = attempts.filter(webhook_id__in=list(seen.values_list("id", flat=True)))
        same = seen.filter(workspace_id=OuterRef("workspace_id"), id=OuterRef("webhook_id"))
        return attempts.annotate(webhook_name=Subquery(same.order_by().values("name")[:1]))

    @display(description=_("Webhook"))
    def displayed_webhook(self, attempt: WebhookAttempt) -> str:
        name: str = attempt.webhook_name  # type: ignore[attr-defined]
        return name
