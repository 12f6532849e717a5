"""Changes that are not yet folded into the counters."""

from __future__ import annotations

from django.db import models

from analytics.models.exact_number import ExactNumber


class Subject(models.TextChoices):
    """The subject of a delta.

    CUSTOMER: a live customer. RECORD: the record of a deleted or forgotten one. EVENT: an event.
    DELETION: the deletion of one of them, which `name` names.
    """

    CUSTOMER = "CUSTOMER"
    RECORD = "RECORD"
    EVENT = "EVENT"
    DELETION = "DELETION"


class Delta(models.Model):
    """A row that was added (`weight` 1) or removed (-1), reduced to what is counted.

    Equal rows that are added or removed together are one delta, with their number as weight.

    Triggers of the database write it in the transaction of the change; see the migration. An event
    of a member of an aggregate customer also has a delta in the aggregate node.
    """

    pk = models.CompositePrimaryKey("workspace_id", "id")
    workspace_id = models.UUIDField()
    id = models.BigIntegerField()
    node_id = models.UUIDField()
    weight = models.IntegerField()
    subject = models.CharField(max_length=8, choices=Subject.choices)
    name = models.CharField(max_length=32)
    context = models.CharField(max_length=20, null=True)
    happened_at = models.DateTimeField(null=True)
    registered_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    person = models.UUIDField(null=True)
    session = models.UUIDField(null=True)
    order_type = models.CharField(max_length=16, null=True)
    total = ExactNumber(null=True)
    revenue = ExactNumber(null=True)
    items = ExactNumber(null=True)

    def __str__(self) -> str:
        return f"{self.weight} {self.subject} {self.name}"
