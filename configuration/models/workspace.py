"""Workspaces, the tenants of the installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from configuration.domain.permissions import reaches_all_workspaces
from contacthub_project.core.identifiers import new_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from contacthub_project.core.principal import Principal


class WorkspaceStatus(models.TextChoices):
    """SUSPENDED workspaces are read-only, DISABLED ones refuse every request."""

    ENABLED = "ENABLED"
    SUSPENDED = "SUSPENDED"
    DISABLED = "DISABLED"


class Suppression(models.TextChoices):
    """What happens when the values of somebody who was forgotten come back (docs/privacy.md)."""

    IMPORTS = "IMPORTS"
    ALLOW_WITH_CONSENT = "ALLOW_WITH_CONSENT"
    REFUSE = "REFUSE"
    OFF = "OFF"


def default_deleted_days() -> int:
    """Return the installation's DELETED_DAYS."""
    days: int = settings.DELETED_DAYS
    return days


def default_history_days() -> int:
    """Return the installation's HISTORY_DAYS."""
    days: int = settings.HISTORY_DAYS
    return days


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def present(self) -> WorkspaceQuerySet:
        """Return those that are not being deleted."""
        return self.filter(removed_at=None)

    def removed(self) -> WorkspaceQuerySet:
        """Return the deleted ones whose data is not removed yet."""
        return self.exclude(removed_at=None)

    def reached_by(self, principal: Principal) -> WorkspaceQuerySet:
        """Return those in which the principal works."""
        if principal.workspaces is None:
            return self
        return self.filter(id__in=principal.workspaces)

    def demanding_second_factor_of(self, user_id: int, roles: Collection[str]) -> WorkspaceQuerySet:
        """Return those that require a second factor of a person with these roles."""
        demanding = self.present().filter(demands_second_factor=True)
        if reaches_all_workspaces(roles):
            return demanding
        works_there, may_there = Q(memberships__user=user_id), Q(nodes__grants__user=user_id)
        return demanding.filter(works_there | may_there).distinct()


class Workspace(models.Model):
    """A tenant; `group_pk` is its customer group, `shard` the placement of its data."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=255)
    slug = models.SlugField(max_length=255)
    group_pk = models.BigIntegerField()
    shard = models.CharField(max_length=64)
    status = models.CharField(
        max_length=16, choices=WorkspaceStatus.choices, default=WorkspaceStatus.ENABLED
    )
    industry = models.CharField(max_length=32, default="NotDefined")
    logo = models.CharField(max_length=1000, null=True, blank=True)
    timezone = models.CharField(max_length=64, default="Europe/Rome")
    currency = models.CharField(max_length=3, default="EUR")
    # ISO 3166-1 alpha-2: of telephone numbers without a prefix. Null: such numbers are of nowhere.
    country = models.CharField(max_length=2, null=True, blank=True)
    tier = models.CharField(max_length=64, null=True, blank=True)
    max_requests_per_minute = models.IntegerField(default=0)  # 0: as many as they like
    disabled_base_properties = ArrayField(
        models.CharField(max_length=100), default=list, blank=True
    )
    customer_extended = models.JSONField(default=dict, blank=True)
    product_extended = models.JSONField(default=dict, blank=True)
    # The workspace's own placeholders (configuration.domain.placeholders).
    placeholder_values = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    # People who work here must have a second factor.
    demands_second_factor = models.BooleanField(default=False)
    # Days after which what is kept of deleted customers is erased; 0: at once.
    deleted_days = models.PositiveSmallIntegerField(default=default_deleted_days)
    # Customers without an event or change for so many months are deleted; 0: never.
    customer_months = models.PositiveSmallIntegerField(default=0)
    # Days that replaced values of customers are kept; 0: not at all.
    history_days = models.PositiveSmallIntegerField(default=default_history_days)
    # Whether writes that name a customer who was merged away reach the survivor.
    follows_merged_ids = models.BooleanField(default=True)
    # Whether customers that may be one person are looked for.
    finds_duplicates = models.BooleanField(default=False)
    suppression = models.CharField(
        max_length=24, choices=Suppression.choices, default=Suppression.IMPORTS
    )
    # Whether examples of refused customers and events are kept.
    quarantine = models.BooleanField(default=True)
    # Raised when values are suppressed or lifted; 0: none ever was. Not part of the configuration.
    suppressions_version = models.BigIntegerField(default=0)
    # Raised by every change of the workspace's configuration: readers see when theirs is old.
    configuration_version = models.BigIntegerField(default=1)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=now, editable=False)
    # Set when it is deleted; a task then removes the data in batches, and the row last.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"], condition=Q(removed_at=None), name="workspace_slug_unique"
            ),
            models.CheckConstraint(
                condition=Q(status__in=WorkspaceStatus.values), name="workspace_status_known"
            ),
            models.CheckConstraint(
                condition=Q(suppression__in=Suppression.values),
                name="workspace_suppression_known",
            ),
            models.CheckConstraint(condition=Q(group_pk__gte=0), name="workspace_group_positive"),
            models.CheckConstraint(condition=~Q(name=""), name="workspace_named"),
            models.CheckConstraint(
                condition=Q(max_requests_per_minute__gte=0), name="workspace_throttle_positive"
            ),
        ]
        indexes = [
            # The list of workspaces of a customer group.
            models.Index(fields=["group_pk"], name="workspace_group"),
            # Whether any workspace requires a second factor, for operators.
            models.Index(
                fields=["id"],
                condition=Q(demands_second_factor=True),
                name="workspace_second_factor",
            ),
        ]

    def __str__(self) -> str:
        return self.name
