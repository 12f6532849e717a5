"""Connections of nodes to user databases of Contactsend, and the registry of those."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import models

from configuration.models.node import Node
from configuration.models.source import Source
from contacthub_project.db.keys import TenantForeignKeyConstraint, TenantOneToOneField

LARGEST_DIGITS = 18


class SendSourceQuerySet(models.QuerySet["SendSource"]):
    def present(self) -> SendSourceQuerySet:
        """Return those whose node and workspace are not being deleted, by user database."""
        return self.filter(node__removed_at=None, node__workspace__removed_at=None).order_by(
            "group_pk", "userdb_id"
        )

    def of_group(self, group_pk: str) -> SendSourceQuerySet:
        """Return those of a customer group; none when the text is no number of a group."""
        is_number = group_pk.isascii() and group_pk.isdigit() and len(group_pk) <= LARGEST_DIGITS
        return self.filter(group_pk=int(group_pk)) if is_number else self.none()

    def of_nodes(self, workspace_id: UUID, node_ids: Collection[UUID]) -> SendSourceQuerySet:
        """Return those of nodes of a workspace."""
        return self.filter(
            workspace_id=workspace_id, node__workspace_id=workspace_id, node_id__in=node_ids
        )

    def with_source(self) -> SendSourceQuerySet:
        """Fetch source, its nodes, node and workspace in two statements."""
        return self.select_related("source", "node__workspace").prefetch_related("source__nodes")


class SendSource(models.Model):
    """Connects one source, one node and one user database; the rest is in `Source.properties`."""

    source = models.OneToOneField(
        Source, on_delete=models.CASCADE, primary_key=True, related_name="send"
    )
    workspace_id = models.UUIDField()
    node = TenantOneToOneField(Node, on_delete=models.DO_NOTHING, related_name="send")
    group_pk = models.BigIntegerField()
    userdb_id = models.CharField(max_length=255)
    api_key = models.BinaryField(editable=False)  # encrypted, see contacthub_project.db.encryption

    objects = SendSourceQuerySet.as_manager()

    class Meta:
        constraints = [
            TenantForeignKeyConstraint(
                field="node_id", to="configuration.Node", name="send_source_node_of_workspace"
            ),
            models.UniqueConstraint(
                fields=["group_pk", "userdb_id"], name="send_source_user_database_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group_pk}/{self.userdb_id}"


class SendUserDatabase(models.Model):
    """A user database of Contactsend, registered by staff.

    `fields` and `subscriptions` are lists of objects, which are answered unchanged.
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
