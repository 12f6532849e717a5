from __future__ import annotations

from django.contrib import admin

from contacthub_project.admin.model_admin import WorkspaceReadOnlyAdmin
from customers.admin.consent_log import ConsentLogEntryAdmin
from customers.admin.data_subject_request import DataSubjectRequestAdmin
from customers.admin.deleted_customer import DeletedCustomerAdmin
from customers.admin.erasure_receipt import ErasureReceiptAdmin
from customers.admin.quarantine import QuarantinedRequestAdmin
from customers.admin.suppressed_value import SuppressedValueAdmin
from customers.admin.webhook import WebhookAdmin
from customers.admin.webhook_attempt import WebhookAttemptAdmin
from customers.models import AggregateBuild

__all__ = [
    "AggregateBuildAdmin",
    "ConsentLogEntryAdmin",
    "DataSubjectRequestAdmin",
    "DeletedCustomerAdmin",
    "ErasureReceiptAdmin",
    "QuarantinedRequestAdmin",
    "SuppressedValueAdmin",
    "WebhookAdmin",
    "WebhookAttemptAdmin",
]


@admin.register(AggregateBuild)
class AggregateBuildAdmin(WorkspaceReadOnlyAdmin):
    """Aggregate nodes that are being built, and how far they are."""

    list_display = ("node_id", "done", "total", "started_at")
    ordering = ("started_at",)
