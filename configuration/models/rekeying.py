"""The state of a node's change to another matching policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from configuration.models.node import Node
from contacthub_project.db.keys import (
    TenantForeignKeyConstraint,
    TenantModel,
    TenantOneToOneField,
    TenantPrimaryKey,
)

if TYPE_CHECKING:
    from uuid import UUID


class RekeyingState(models.TextChoices):
    """The steps of `configuration.actions.rekeying`.

    DONE: the change is in force. COLLIDED: it was given up and nothing has changed.
    """

    COMPUTING = "COMPUTING"
    CHECKING = "CHECKING"
    WRITING = "WRITING"
    APPLYING = "APPLYING"
    DONE = "DONE"
    COLLIDED = "COLLIDED"


ENDED = (RekeyingState.DONE, RekeyingState.COLLIDED)


class RekeyingQuerySet(models.QuerySet["Rekeying"]):
    def under_way(self) -> RekeyingQuerySet:
        """Return those that are neither in force nor given up."""
        return self.exclude(state__in=ENDED)

    def unfinished(self) -> RekeyingQuerySet:
        """Return those with work left for a task, the oldest first."""
        to_do = ~Q(state__in=ENDED) | Q(has_keys=True)
        return self.filter(to_do, node__removed_at=None).order_by("started_at")

    def in_workspace(self, workspace_id: UUID) -> RekeyingQuerySet:
        return self.filter(workspace_id=workspace_id)


class Rekeying(TenantModel):
    """The latest re-keying of a node.

    `change` holds all values that the request sets, by model field. `position` is the last customer
    processed in the present state, `done` how many of `total`. `collisions` are groups of ids of
    customers that would be one person. `has_keys`: computed keys are still stored.
    """

    workspace_id = models.UUIDField()
    node = TenantOneToOneField(
        Node, on_delete=models.DO_NOTHING, primary_key=True, related_name="rekeying"
    )
    state = models.CharField(
        max_length=16, choices=RekeyingState.choices, default=RekeyingState.COMPUTING
    )
    change = models.JSONField()
    position = models.UUIDField(null=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    collisions = models.JSONField(default=list)
    has_keys = models.BooleanField(default=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = RekeyingQuerySet.as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="rekeying_key"),
            TenantForeignKeyConstraint(
                field="node_id", to="configuration.Node", name="rekeying_node_of_workspace"
            ),
            models.CheckConstraint(
                condition=Q(state__in=RekeyingState.values), name="rekeying_state_known"
            ),
            models.CheckConstraint(
                condition=Q(done__gte=0, total__gte=0), name="rekeying_counts_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.node_id}: {self.state}"

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED
