"""Keys by which customers of nodes with several matching rules are recognised."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from contacthub_project.db.querysets import TenantQuerySet


class MatchingKey(models.Model):
    """A live customer's key by a rule after the first, whose key is `Customer.match_key`.

    `rule` is the number of the rule, the second is 1. Of customers with the same key the first to
    have it `holds` it, and is the one that is recognised; when it goes, the earliest of the others.
    """

    pk = models.CompositePrimaryKey("workspace_id", "customer_id", "key")
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    customer_id = models.UUIDField()
    rule = models.SmallIntegerField()
    key = models.BinaryField(max_length=32)
    holds = models.BooleanField()
    claimed_at = models.DateTimeField()

    objects = TenantQuerySet["MatchingKey"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "node_id", "key"],
                condition=Q(holds=True),
                name="matching_key_held_once",
            ),
            models.CheckConstraint(condition=Q(rule__gte=1), name="matching_key_of_further_rule"),
        ]
        indexes = [
            # Whom a key is of.
            models.Index(
                fields=["workspace_id", "node_id", "key", "claimed_at"], name="matching_keys_by_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} by rule {self.rule}"
