"""A workspace's settings of the built-in event types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from configuration.domain.vocabulary import EVENT_TYPES, PRODUCT_EVENT_TYPES
from configuration.models.workspace import Workspace
from contacthub_project.db.querysets import TenantQuerySet

if TYPE_CHECKING:
    from uuid import UUID

DEFAULT_BYTES = 65536
SMALLEST_LIMIT, LARGEST_LIMIT = 65535, 380928


class EventTypeSettingsQuerySet(TenantQuerySet["EventTypeSettings"]):
    def by_type(self, workspace_id: UUID) -> dict[str, EventTypeSettings]:
        """Return the settings of all types; unsaved defaults where there is no row."""
        known = {settings.type: settings for settings in self.in_workspace(workspace_id)}
        return {
            name: known.get(name) or EventTypeSettings(workspace_id=workspace_id, type=name)
            for name in EVENT_TYPES
        }

    def retention_months(self, workspace_id: UUID) -> dict[str, int]:
        """Return the months that the workspace has set, by type."""
        return {
            each.type: each.retention_months
            for each in self.in_workspace(workspace_id)
            if each.retention_months is not None
        }


class EventTypeSettings(models.Model):
    """Settings of one type; `retention_months` and `updates_products` NULL mean the default."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="event_types")
    type = models.CharField(max_length=32, choices=[(name, name) for name in EVENT_TYPES])
    enabled = models.BooleanField(default=True)
    max_bytes = models.IntegerField(default=DEFAULT_BYTES)
    consents = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    updates_products = models.BooleanField(null=True)
    retention_months = models.IntegerField(null=True)
    extended = models.JSONField(default=dict, blank=True)

    objects = EventTypeSettingsQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "type"], name="event_type_once"),
            models.CheckConstraint(
                condition=Q(max_bytes__range=(SMALLEST_LIMIT, LARGEST_LIMIT)),
                name="event_type_bytes_in_range",
            ),
            models.CheckConstraint(
                condition=Q(retention_months=None) | Q(retention_months__gte=0),
                name="event_type_retention_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.type

    @property
    def does_update_products(self) -> bool:
        """Whether events of this type update the registry of products."""
        if self.updates_products is None:
            return self.type in PRODUCT_EVENT_TYPES
        return self.updates_products
