"""What a client has sent before under a key of its own."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class IdempotencyKey(models.Model):
    """The first answer to a request, given again when the request comes again.

    Key and body may name a person (`order of anna@example.com`): of both only a hash is kept, which
    nobody without the installation's key can try values on. `events` are those of the answer; the
    record goes with the last of their customers (`events/sql/delete_events_of_customer.sql`).
    """

    workspace_id = models.UUIDField()
    author = models.CharField(max_length=64)
    key_hash = models.BinaryField(max_length=32)
    body_hash = models.BinaryField(max_length=32)
    answer = models.JSONField(null=True)
    events = ArrayField(models.UUIDField(), default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "author", "key_hash"], name="idempotency_key_once"
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="idempotency_key_age"),
            # Those of a customer that goes, by its events.
            GinIndex(fields=["events"], name="idempotency_key_of_event"),
        ]

    def __str__(self) -> str:
        return f"key of {self.author}"
