"""Events of customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import models
from django.db.models import F, Q

from configuration.models import Node
from contacthub_project.db.keys import (
    TenantForeignKey,
    TenantForeignKeyConstraint,
    TenantModel,
    TenantPrimaryKey,
)
from contacthub_project.db.querysets import TenantQuerySet
from contacthub_project.db.sql import fetch_all, fetch_one, load, record_of, records_of, row_as_json
from customers.domain.identities import EXTERNAL_ID, SESSION_ID
from customers.models.database_functions import Folded
from events.domain.draft import LONGEST_EXTERNAL_ID, LONGEST_VALUE


class EventRow(NamedTuple):
    """The columns of an event that its response is made of.

    They are read as JSON: ids and moments are text.
    """

    id: str
    external_id: str | None
    customer_id: str | None
    node_id: str
    bring_back_type: str | None
    bring_back_value: str | None
    type: str
    properties: dict[str, Any]
    context: str
    context_info: dict[str, Any]
    date: str
    origin: str
    tracking: dict[str, Any] | None
    registered_at: str
    updated_at: str
    version: int


# The client's identification of an event: node, external id and type.
ExternalKey = tuple[UUID, str, str]


class Origin(models.TextChoices):
    """NATIVE: in its own node. DUPLICATE: in an aggregate node, of a member's event."""

    NATIVE = "NATIVE"
    DUPLICATE = "DUPLICATE"


class BringBackType(models.TextChoices):
    """The kind of identity that attaches an event without customerId."""

    SESSION_ID = SESSION_ID
    EXTERNAL_ID = EXTERNAL_ID


class RepeatableEvent(NamedTuple):
    """An event with an external id, and the digest of its first body where that is known."""

    row: EventRow
    digest: bytes | None


class EventQuerySet(TenantQuerySet["Event"]):
    """Events; they are read as records by hand-written statements."""

    def one_row(self, workspace_id: UUID, event_id: UUID) -> EventRow | None:
        """Return one event as a record, None when there is none."""
        return record_of(EventRow, fetch_one(ONE_ROW, (event_id, workspace_id)))

    def rows_of(self, workspace_id: UUID, ids: Sequence[UUID]) -> list[EventRow]:
        """Return those of the events that exist."""
        (rows,) = fetch_one(ROWS, (list(ids), workspace_id))
        return records_of(EventRow, rows)

    def lock_row(self, workspace_id: UUID, event_id: UUID) -> EventRow | None:
        """Return one event, locked until the transaction ends."""
        return record_of(EventRow, fetch_one(ONE_ROW + " FOR UPDATE", (event_id, workspace_id)))

    def is_registered_by(self, workspace_id: UUID, event_id: UUID, author: str) -> bool:
        """Return whether the source or person `author` has sent the event."""
        events = self.filter(workspace_id=workspace_id, id=event_id, registered_by=author)
        return events.exists()

    def with_external_ids(
        self, workspace_id: UUID, keys: Sequence[ExternalKey]
    ) -> dict[ExternalKey, RepeatableEvent]:
        """Return those of the events that exist."""
        nodes, external_ids, types = zip(*keys, strict=True)
        parameters = {
            "workspace_id": workspace_id,
            "nodes": list(nodes),
            "external_ids": list(external_ids),
            "types": list(types),
        }
        return {
            (node_id, external_id, event_type): RepeatableEvent(
                EventRow(*orjson.loads(row)), digest
            )
            for node_id, external_id, event_type, digest, row in fetch_all(
                WITH_EXTERNAL_IDS, parameters, prepare=False
            )
        }

    def customers_active_since(
        self, workspace_id: UUID, customer_ids: Sequence[UUID], moment: datetime
    ) -> set[UUID]:
        """Return those of the customers with an event dated or received since a moment."""
        events = self.filter(workspace_id=workspace_id, customer_id__in=list(customer_ids))
        recent = events.filter(Q(date__gte=moment) | Q(registered_at__gte=moment))
        found = recent.order_by().values_list("customer_id", flat=True).distinct()
        return {customer_id for customer_id in found if customer_id is not None}

    def neighbours(
        self, workspace_id: UUID, event_id: UUID, customers: Sequence[UUID]
    ) -> tuple[str | None, str | None]:
        """Return the ids of the customers' events before and after an event, by date and id.

        The customers are the event's: one, or an aggregate customer and its members.
        """
        parameters = {"id": event_id, "workspace_id": workspace_id, "customers": list(customers)}
        before, after = fetch_one(NEIGHBOURS, parameters, prepare=False)
        return before, after


class Event(TenantModel):
    """An event of a customer, or one that waits for its customer: then `customer_id` is null.

    `bring_back_type` and `bring_back_value` are the identity by which it was or will be attached.
    `external_id` is the client's id of the event, unique in its node and type; `body_digest` is of
    its first body (see `events.domain.deduplication`).
    """

    id = models.UUIDField(primary_key=True, editable=False)
    workspace_id = models.UUIDField()
    node = TenantForeignKey(Node, on_delete=models.DO_NOTHING, db_index=False)
    external_id = models.CharField(max_length=LONGEST_EXTERNAL_ID, null=True)
    body_digest = models.BinaryField(max_length=32, null=True)
    # No foreign key: inserts lock the customer's row, deletions of a customer delete
    # its events, and a check for each of a million rows would cost as much as the rows.
    customer_id = models.UUIDField(null=True)
    bring_back_type = models.CharField(max_length=16, choices=BringBackType.choices, null=True)
    bring_back_value = models.CharField(max_length=LONGEST_VALUE, null=True)
    type = models.CharField(max_length=32)
    context = models.CharField(max_length=20)
    properties = models.JSONField(default=dict)
    context_info = models.JSONField(default=dict)
    tracking = models.JSONField(null=True)
    date = models.DateTimeField()
    origin = models.CharField(max_length=9, choices=Origin.choices, default=Origin.NATIVE)
    version = models.IntegerField(default=1)
    registered_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    registered_by = models.CharField(max_length=64, null=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="event_key"),
            TenantForeignKeyConstraint(
                field="node_id", to="configuration.Node", name="event_node_of_workspace"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=Origin.values), name="event_origin_known"
            ),
            models.CheckConstraint(
                condition=Q(bring_back_type__isnull=True, bring_back_value__isnull=True)
                | Q(bring_back_type__in=BringBackType.values, bring_back_value__isnull=False),
                name="event_bring_back_whole",
            ),
            models.CheckConstraint(
                condition=Q(customer_id__isnull=False) | Q(bring_back_type__isnull=False),
                name="event_is_somebodys",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="event_version_positive"),
            models.CheckConstraint(
                condition=~Q(external_id=""), name="event_external_id_not_empty"
            ),
            # Also finds the events of a node by external id alone.
            models.UniqueConstraint(
                fields=["workspace_id", "node", "external_id", "type"],
                condition=Q(external_id__isnull=False),
                name="event_external_id_once",
            ),
        ]
        indexes = [
            # A customer's events by date.
            models.Index(
                F("customer_id"), F("date").desc(), F("id").desc(),
                condition=Q(customer_id__isnull=False), name="event_of_customer",
            ),
            # The events of a node, the newest first.
            models.Index(
                F("workspace_id"), F("node"), F("date").desc(), F("id").desc(),
                name="event_in_node",
            ),
            # The events of a type in a node; for the purge, from the oldest on.
            models.Index(fields=["node", "type", "date"], name="event_of_type_in_node"),
            # Waiting events.
            models.Index(
                F("node"), Folded("bring_back_value"), F("bring_back_type"),
                condition=Q(customer_id__isnull=True), name="event_waiting",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


# The columns that `events.queries.documents` needs, as one value.
ROW_AS_JSON = row_as_json(EventRow._fields, moments={"date", "registered_at", "updated_at"})
ONE_ROW = f"SELECT {ROW_AS_JSON} FROM events_event WHERE id = %s AND workspace_id = %s"
ROWS = f"""
SELECT json_agg({ROW_AS_JSON}::json)::text FROM events_event
WHERE id = ANY (%s::uuid[]) AND workspace_id = %s
"""
WITH_EXTERNAL_IDS = load("events/sql/events_with_external_ids", row_as_json=ROW_AS_JSON)
NEIGHBOURS = load("events/sql/neighbours_of_event")
