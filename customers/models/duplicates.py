"""Pairs of customers that may be the same person, and the blocking keys that find them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet


class BlockingKey(models.Model):
    """A customer's membership in a block: only customers of the same block are compared.

    `key` is a hash of a kind, a value and the node (`customers.domain.duplicates`).
    """

    pk = models.CompositePrimaryKey("workspace_id", "customer_id", "key")
    workspace_id = models.UUIDField()
    customer_id = models.UUIDField()
    key = models.BigIntegerField()

    objects = TenantQuerySet["BlockingKey"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "key", "customer_id"], name="blocking_key_block")
        ]

    def __str__(self) -> str:
        return str(self.customer_id)


class DuplicateState(models.TextChoices):
    """The state of a pair."""

    OPEN = "OPEN"
    DISMISSED = "DISMISSED"


class DuplicatePair(TenantModel):
    """Two customers of a node that may be the same person; `first_id` is the lower id.

    A dismissed pair stays dismissed, also when the customers change.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    first_id = models.UUIDField()
    second_id = models.UUIDField()
    score = models.FloatField()
    reasons = models.JSONField(default=list)
    found_at = models.DateTimeField()
    state = models.CharField(
        max_length=9, choices=DuplicateState.choices, default=DuplicateState.OPEN
    )
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.CharField(max_length=64, null=True)

    objects = TenantQuerySet["DuplicatePair"].as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="duplicate_pair_key"),
            models.UniqueConstraint(
                fields=["workspace_id", "first_id", "second_id"], name="duplicate_pair_once"
            ),
            models.CheckConstraint(
                condition=Q(first_id__lt=F("second_id")), name="duplicate_pair_in_order"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DuplicateState.values), name="duplicate_state_known"
            ),
            models.CheckConstraint(
                condition=Q(score__gte=0, score__lte=1), name="duplicate_score_is_a_share"
            ),
        ]
        indexes = [
            # The work list of a node, the most probable first.
            models.Index(
                F("workspace_id"), F("node_id"), F("state"), F("score").desc(), F("id"),
                name="duplicate_pairs_of_node",
            ),
            models.Index(fields=["workspace_id", "second_id"], name="duplicate_pairs_second"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"


class DuplicateSearch(models.Model):
    """The progress of the search in a workspace.

    First all customers are checked, in the order of their ids: up to `position`, null when all are
    done. Then the changes of the feed, up to `feed_offset`.
    """

    workspace_id = models.UUIDField(primary_key=True)
    is_building = models.BooleanField(default=True)
    position = models.UUIDField(null=True)
    feed_offset = models.BigIntegerField()
    customers = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()

    objects = TenantQuerySet["DuplicateSearch"].as_manager()

    def __str__(self) -> str:
        return str(self.workspace_id)
