"""What has been written and is not yet folded into the counters."""

from __future__ import annotations

from django.db import models

from analytics.models.exact_number import ExactNumber


class Subject(models.TextChoices):
    """What a delta is about.

    CUSTOMER: a live customer. RECORD: the record that is kept of a deleted or forgotten one. EVENT:
    an event. DELETION: that one of them went, `name` saying which.
    """

    CUSTOMER = "CUSTOMER"
    RECORD = "RECORD"
    EVENT = "EVENT"
    DELETION = "DELETION"


class Delta(models.Model):
    """A row that came (`weight` 1) or went (-1), as far as anything about it is counted.

    Rows alike that come or go together are one delta with as much weight as they are.

    Triggers of the database write it in the transaction of the change; see the migration. An event
    of a member of an aggregate customer has a delta in the aggregate node too.
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
