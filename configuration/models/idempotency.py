"""Stored responses to requests with an Idempotency-Key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from contacthub_project.db.querysets import TenantQuerySet


class IdempotencyKeyQuerySet(TenantQuerySet["IdempotencyKey"]):
    """Keys that clients have sent."""

    def naming(self, workspace_id: UUID, entities: Sequence[UUID]) -> Self:
        """Return the records of requests whose path or answer names one of the entities."""
        return self.in_workspace(workspace_id).filter(entities__overlap=list(entities))


class IdempotencyKey(models.Model):
    """The response to the first request with a key.

    Key and request may name a person (`order of anna@example.com`): of both only a hash is kept,
    which nobody without the installation's key can try values on. `answer` is encrypted, and null
    while the request is under way, in whose transaction the row is written. `entities` are the ids
    that path and answer name, by which the record goes with a person
    (`configuration.actions.idempotency.forget_answers`, `events/sql/records_of_requests.sql`).
    """

    pk = models.CompositePrimaryKey("workspace_id", "author", "key_hash")
    workspace_id = models.UUIDField()
    author = models.CharField(max_length=64)
    key_hash = models.BinaryField(max_length=32)
    request_hash = models.BinaryField(max_length=32)
    answer = models.BinaryField(null=True)
    entities = ArrayField(models.UUIDField(), default=list)
    created_at = models.DateTimeField()

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "created_at"], name="idempotency_keys_by_age"),
            # Those that name a customer or an event that goes.
            GinIndex(fields=["entities"], name="idempotency_key_entities"),
        ]

    def __str__(self) -> str:
        return f"key of {self.author}"
