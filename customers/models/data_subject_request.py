"""The register of data subject requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet

DUE_DAYS = 30
LONGEST_SUBJECT = 255
LONGEST_NOTE = 2000


class RequestType(models.TextChoices):
    """What somebody wants, by the articles 15 to 21 of the GDPR; RETURN is somebody forgotten who
    has come back by an act of their own.
    """

    ACCESS = "ACCESS", _("Access (article 15)")
    RECTIFICATION = "RECTIFICATION", _("Rectification (16)")
    ERASURE = "ERASURE", _("Erasure (17)")
    RESTRICTION = "RESTRICTION", _("Restriction (18)")
    PORTABILITY = "PORTABILITY", _("Portability (20)")
    OBJECTION = "OBJECTION", _("Objection (21)")
    RETURN = "RETURN", _("Has come back")


class RequestState(models.TextChoices):
    """The state of a request."""

    OPEN = "OPEN", _("Open")
    DONE = "DONE", _("Done")
    REFUSED = "REFUSED", _("Refused")


class DataSubjectRequestQuerySet(TenantQuerySet["DataSubjectRequest"]):
    """Requests of people."""

    def about(self, workspace_id: UUID, customer_ids: Sequence[UUID]) -> DataSubjectRequestQuerySet:
        """Return the requests of customers."""
        return self.in_workspace(workspace_id).filter(customer_id__in=customer_ids)

    def open(self) -> DataSubjectRequestQuerySet:
        """Return those that are not answered yet."""
        return self.filter(state=RequestState.OPEN)

    def overdue(self, today: date) -> DataSubjectRequestQuerySet:
        """Return the open ones that were due before a day."""
        return self.open().filter(due_on__lt=today)

    def with_free_text(self) -> DataSubjectRequestQuerySet:
        """Return those with text about a person."""
        return self.exclude(subject="", note="")


class DataSubjectRequest(TenantModel):
    """A request of a person, and its result.

    `subject` describes the person while no customer is named, `note` is free text; both are removed
    when the customer is forgotten. `received_on` and `due_on` are days in the workspace's time
    zone.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    type = models.CharField(_("What somebody wants"), max_length=16, choices=RequestType.choices)
    state = models.CharField(
        _("State"), max_length=8, choices=RequestState.choices, default=RequestState.OPEN.value
    )
    received_on = models.DateField(_("Received"))
    due_on = models.DateField(_("Due"))
    customer_id = models.UUIDField(null=True)
    subject = models.CharField(_("Who asks"), max_length=LONGEST_SUBJECT, blank=True, default="")
    note = models.TextField(_("Note"), blank=True, default="")
    receipt_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(_("Entered"), default=timezone.now, editable=False)
    created_by = models.BigIntegerField(null=True)
    closed_at = models.DateTimeField(_("Closed"), null=True)
    closed_by = models.BigIntegerField(null=True)
    version = models.IntegerField(default=1)

    objects = DataSubjectRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request of a person")
        verbose_name_plural = _("requests of people")
        constraints = [
            TenantPrimaryKey(name="data_subject_request_key"),
            models.CheckConstraint(
                condition=Q(type__in=RequestType.values), name="data_subject_request_type_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values), name="data_subject_request_state_known"
            ),
            models.CheckConstraint(
                condition=Q(due_on__gte=F("received_on")),
                name="data_subject_request_due_after_receipt",
            ),
            models.CheckConstraint(
                condition=Q(state=RequestState.OPEN, closed_at=None)
                | (~Q(state=RequestState.OPEN) & Q(closed_at__isnull=False)),
                name="data_subject_request_closed_once",
            ),
        ]
        indexes = [
            # The register, and what is due first.
            models.Index(
                F("workspace_id"), F("created_at").desc(), F("id").desc(),
                name="subject_requests_newest",
            ),
            models.Index(
                fields=["workspace_id", "due_on", "id"],
                condition=Q(state="OPEN"),
                name="subject_requests_due",
            ),
            models.Index(
                fields=["workspace_id", "customer_id"],
                condition=Q(customer_id__isnull=False),
                name="subject_requests_of_customer",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_type_display()}, {date_format(self.received_on)}"
