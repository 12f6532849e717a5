"""Connections to Contactsend: which node goes with which user database, and what those hold."""

from __future__ import annotations

from django.db import models

from configuration.models.node import Node
from configuration.models.source import Source


class SendSource(models.Model):
    """One source, one node, one user database; the rest stands in the source's `properties`."""

    source = models.OneToOneField(
        Source, on_delete=models.CASCADE, primary_key=True, related_name="send"
    )
    node = models.OneToOneField(Node, on_delete=models.CASCADE, related_name="send")
    group_pk = models.BigIntegerField()
    userdb_id = models.CharField(max_length=255)
    api_key = models.BinaryField(editable=False)  # encrypted, see contacthub_project.db.encryption

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group_pk", "userdb_id"], name="send_source_user_database_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group_pk}/{self.userdb_id}"


class SendUserDatabase(models.Model):
    """A user database of Contactsend as staff have registered it.

    `fields` and `subscriptions` are lists of objects, answered as they are.
    """

    group_pk = models.BigIntegerField()
    userdb_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    fields = models.JSONField(default=list, blank=True)
    subscriptions = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["group_pk", "userdb_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["group_pk", "userdb_id"], name="send_user_database_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
