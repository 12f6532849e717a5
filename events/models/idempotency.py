"""What a client has sent before under a key of its own."""

from __future__ import annotations

from django.db import models


class IdempotencyKey(models.Model):
    """The first answer to a request, given again when the request comes again."""

    workspace_id = models.UUIDField()
    author = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    body_hash = models.BinaryField(max_length=32)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "author", "key"], name="idempotency_key_once"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return f"key of {self.author}"
