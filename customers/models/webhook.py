"""Webhooks: addresses that changes are delivered to, and the log of deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import READ, Principal
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.leases import LeasedQuerySet
from contacthub_project.db.querysets import TenantQuerySet
from customers.domain.webhooks import MOST_IN_FLIGHT
from customers.models.change import ChangeEntity, ChangeOperation

if TYPE_CHECKING:
    from uuid import UUID


class WebhookState(models.TextChoices):
    """Whether changes are delivered."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


PAUSED_BY_HAND = "Paused by hand"


class WebhookQuerySet(LeasedQuerySet["Webhook"]):
    """Webhooks."""

    lease_column = "claimed_until"

    def readable_by(self, principal: Principal) -> Self:
        """Return those that deliver only changes of nodes that the principal may read."""
        nodes = principal.nodes_with(READ)
        if nodes is None:
            return self
        return self.filter(node_ids__contained_by=nodes, node_ids__len__gt=0)

    def given_up(self) -> Self:
        """Return those that were paused because of their receiver or condition, not by somebody."""
        paused = self.filter(state=WebhookState.PAUSED, paused_reason__isnull=False)
        return paused.exclude(paused_reason=PAUSED_BY_HAND)


class Webhook(TenantModel):
    """An address, and the selection of a workspace's changes to deliver, from an offset on.

    `entities`, `operations`, `node_ids`, `event_types` and `segment_ids` select changes; empty
    selects all, of entities customers and events.
    `condition` is a query of the query language that customers must match, `event_conditions` are
    such as its `did`: events of their types must match one of them. `field_paths` are the
    properties to send, empty for all.

    The change feed is delivered up to `delivered_offset`. `batch_end` is the last offset of the
    current batch, so that a repeated attempt sends the same changes with the same message id;
    `replays` is part of that id. Up to `max_in_flight` messages are sent at the same time;
    of the current batch the receiver has taken `accepted_offsets`, while others failed.
    `claim` is the token of the worker that delivers, its lease ends at `claimed_until`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    name = models.CharField(max_length=255)
    url = models.CharField(max_length=2000)
    entities = ArrayField(models.CharField(max_length=8), default=list)
    operations = ArrayField(models.CharField(max_length=8), default=list)
    node_ids = ArrayField(models.UUIDField(), default=list)
    event_types = ArrayField(models.CharField(max_length=64), default=list)
    segment_ids = ArrayField(models.UUIDField(), default=list)
    condition = models.JSONField(null=True)
    event_conditions = models.JSONField(default=list)
    field_paths = ArrayField(models.CharField(max_length=255), default=list)
    state = models.CharField(
        max_length=6, choices=WebhookState.choices, default=WebhookState.ACTIVE.value
    )
    paused_reason = models.TextField(null=True)
    secret = models.BinaryField()  # encrypted (contacthub_project.db.encryption)
    previous_secret = models.BinaryField(null=True)
    previous_secret_until = models.DateTimeField(null=True)
    delivered_offset = models.BigIntegerField(default=0)
    batch_end = models.BigIntegerField(null=True)
    max_in_flight = models.PositiveSmallIntegerField(default=1)
    accepted_offsets = ArrayField(models.BigIntegerField(), default=list)
    replays = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            TenantPrimaryKey(name="webhook_key"),
            models.CheckConstraint(
                condition=Q(state__in=WebhookState.values), name="webhook_state_known"
            ),
            models.CheckConstraint(
                condition=Q(entities__contained_by=ChangeEntity.values),
                name="webhook_entities_known",
            ),
            models.CheckConstraint(
                condition=Q(operations__contained_by=ChangeOperation.values),
                name="webhook_operations_known",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="webhook_named"),
            models.CheckConstraint(
                condition=Q(max_in_flight__range=(1, MOST_IN_FLIGHT)),
                name="webhook_in_flight_bounded",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace_id", "name", "id"], name="webhooks_of_workspace"),
            # Active webhooks of all workspaces, by the time of the next attempt.
            models.Index(
                fields=["workspace_id", "next_attempt_at"],
                condition=Q(state="ACTIVE"),
                name="webhooks_to_deliver",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookAttemptQuerySet(TenantQuerySet["WebhookAttempt"]):
    """Attempts to deliver."""

    def of_webhook(self, workspace_id: UUID, webhook_id: UUID) -> WebhookAttemptQuerySet:
        """Return the attempts of a webhook, the latest first."""
        attempts = self.in_workspace(workspace_id).filter(webhook_id=webhook_id)
        return attempts.order_by("-id")


class WebhookAttempt(TenantModel):
    """One attempt to deliver a batch: the changes from `first_offset` to `last_offset`.

    `status` is the receiver's HTTP status, None without a response; `error` is the reason of a
    failure. `answer` is the beginning of the response.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    webhook_id = models.UUIDField()
    message_id = models.CharField(max_length=100)
    first_offset = models.BigIntegerField()
    last_offset = models.BigIntegerField()
    updates = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=500, null=True)
    answer = models.CharField(max_length=500, default="", blank=True)
    milliseconds = models.PositiveIntegerField()
    attempted_at = models.DateTimeField(default=timezone.now)

    objects = WebhookAttemptQuerySet.as_manager()

    class Meta:
        constraints = [TenantPrimaryKey(name="webhook_attempt_key")]
        indexes = [
            models.Index(fields=["workspace_id", "webhook_id", "-id"], name="attempts_of_webhook"),
            models.Index(fields=["workspace_id", "attempted_at"], name="attempts_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.status or self.error}"
