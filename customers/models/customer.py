"""A person as one node knows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models
from django.db.models import F, Func, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Collate

from configuration.models import Node, Workspace
from contacthub_project.db.gathering import Gatherer, gathering_connections
from contacthub_project.db.querysets import TenantQuerySet
from contacthub_project.db.sql import fetch_one, record_of, records_of, row_as_json


class CustomerRow(NamedTuple):
    """The columns of a customer that documents and answers are made of.

    Ids and moments are text when the row was read as JSON.
    """

    id: str
    int_id: int
    external_id: str | None
    node_id: str
    base: dict[str, Any]
    consents: dict[str, Any]
    extended: dict[str, Any]
    extra: str | None
    tags: dict[str, Any]
    enabled: bool
    registered_at: str | datetime
    updated_at: str | datetime
    version: int
    deleted: int
    registered_by: str | None
    updated_by: str | None


class Folded(Func):
    """Text without regard to case and space around it (see customers/sql/case_folding.sql)."""

    function = "customers_folded"
    output_field = models.TextField()


class NextIntId(Func):
    """The sequence all workspaces draw their customers' integer ids from."""

    function = "nextval"
    template = "%(function)s('customers_customer_int_id_seq')"


class DeletedState(models.IntegerChoices):
    """The values of `deleted`; personal data is kept until FORGOTTEN."""

    FORGOTTEN = -1
    LIVE = 0
    DELETED = 1


class CustomerQuerySet(TenantQuerySet["Customer"]):
    """Customers; single ones are read as records by statements that are written out."""

    def live(self) -> CustomerQuerySet:
        """Neither deleted nor forgotten."""
        return self.filter(deleted=DeletedState.LIVE)

    def in_node(self, workspace_id: UUID, node_id: UUID) -> CustomerQuerySet:
        """The live customers of a node."""
        return self.filter(workspace_id=workspace_id, node_id=node_id).live()

    def live_row(self, workspace_id: UUID, customer_id: UUID) -> CustomerRow | None:
        """One live customer as a plain tuple, None when there is none.

        Written out in SQL: building the query by the ORM costs ten times what running it does.
        Outside of a transaction it is read with what others read of the workspace at the moment.
        """
        if connection.in_atomic_block:
            return _read_alone(workspace_id, customer_id)
        return _reads.submit(workspace_id, customer_id)

    def live_rows(self, workspace_id: UUID, ids: list[UUID]) -> list[CustomerRow]:
        """The live customers among `ids`, in the order of their ids."""
        (rows,) = fetch_one(LIVE_ROWS, (ids, workspace_id))
        return records_of(CustomerRow, rows)

    def lock_live_row(
        self, workspace_id: UUID, customer_id: UUID, *, to_delete: bool = False
    ) -> CustomerRow | None:
        """One live customer, locked until the transaction ends.

        Others may still refer to it, unless it is `to_delete`.
        """
        lock = " FOR UPDATE" if to_delete else " FOR NO KEY UPDATE"
        return record_of(CustomerRow, fetch_one(LIVE_ROW + lock, (customer_id, workspace_id)))

    def lock_known_row(self, workspace_id: UUID, customer_id: UUID) -> CustomerRow | None:
        """One customer who is not forgotten, deleted or not, locked to be forgotten."""
        return record_of(CustomerRow, fetch_one(LOCKED_KNOWN_ROW, (customer_id, workspace_id)))

    def lock_same_person(
        self, workspace_id: UUID, node_id: UUID, match_key: bytes | None
    ) -> CustomerRow | None:
        """The live customer of a node with this key, locked until the transaction ends."""
        return record_of(
            CustomerRow, fetch_one(LOCKED_SAME_PERSON, (node_id, match_key, workspace_id))
        )


class Customer(models.Model):
    """`base`, `consents`, `extended` and `tags` hold only what has a value: no nulls.

    `match_key` is the hash of the values by which the node recognises a person; `registered_by` and
    `updated_by` name the source or person that wrote.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    int_id = models.BigIntegerField(db_default=NextIntId(), editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    # The database holds the pair (workspace, node) to the node it names; see the migration.
    node = models.ForeignKey(Node, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    external_id = models.TextField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    deleted = models.SmallIntegerField(choices=DeletedState.choices, default=DeletedState.LIVE)
    registered_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    match_key = models.BinaryField(max_length=32, null=True, editable=False)
    base = models.JSONField(default=dict)
    consents = models.JSONField(default=dict)
    extended = models.JSONField(default=dict)
    tags = models.JSONField(default=dict)
    extra = models.TextField(null=True, blank=True)
    registered_by = models.CharField(max_length=64, null=True)
    updated_by = models.CharField(max_length=64, null=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["node", "match_key"], condition=Q(deleted=0), name="customer_once_in_node"
            ),
            models.CheckConstraint(
                condition=Q(deleted__in=DeletedState.values), name="customer_deleted_known"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="customer_version_positive"),
            models.CheckConstraint(
                condition=Q(match_key=None) | Q(deleted=0), name="customer_gone_releases_key"
            ),
        ]
        indexes = [
            # The list of a node's customers in its default order.
            models.Index(
                F("workspace"), F("node"), F("updated_at").desc(), F("id").desc(),
                condition=Q(deleted=0), name="customer_newest_in_node",
            ),
            # Look-up by the client's own id; attaching of events that were brought back by it.
            models.Index(
                fields=["node", "external_id"],
                condition=Q(external_id__isnull=False) & Q(deleted=0),
                name="customer_external_id",
            ),
            # The same where the node's policy takes no regard to case.
            models.Index(
                F("node"), Collate(Folded("external_id"), "C"),
                condition=Q(external_id__isnull=False) & Q(deleted=0),
                name="customer_folded_external_id",
            ),
            # Searches by e-mail and by name, sorted by name too: `customers.queries.search`.
            *(
                models.Index(
                    F("node"), Collate(Folded(KT(lookup)), "C"), F("id"),
                    condition=Q(deleted=0), name=f"customer_{name}",
                )
                for lookup, name in (
                    ("base__contacts__email", "email"),
                    ("base__lastName", "last_name"),
                    ("base__firstName", "first_name"),
                )
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.id)


# What `customers.queries.documents` reads, as one value.
ROW_AS_JSON = row_as_json(CustomerRow._fields, moments={"registered_at", "updated_at"})
LIVE_ROW = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE id = %s AND workspace_id = %s AND deleted = 0
"""
LOCKED_KNOWN_ROW = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE id = %s AND workspace_id = %s AND deleted <> -1
FOR UPDATE
"""
LIVE_ROWS = f"""
SELECT json_agg({ROW_AS_JSON}::json ORDER BY id)::text FROM customers_customer
WHERE id = ANY (%s::uuid[]) AND workspace_id = %s AND deleted = 0
"""
LOCKED_SAME_PERSON = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE node_id = %s AND match_key = %s AND workspace_id = %s AND deleted = 0
FOR NO KEY UPDATE
"""


def _read_together(workspace_id: UUID, ids: Sequence[UUID]) -> list[CustomerRow | None]:
    with gathering_connections.connection() as raw:
        if len(ids) == 1:
            one = raw.execute(LIVE_ROW, (ids[0], workspace_id)).fetchone()
            return [record_of(CustomerRow, one)]
        row = raw.execute(LIVE_ROWS, (list(set(ids)), workspace_id)).fetchone()
    found = {each.id: each for each in records_of(CustomerRow, row and row[0])}
    return [found.get(str(customer_id)) for customer_id in ids]


def _read_alone(workspace_id: UUID, customer_id: UUID) -> CustomerRow | None:
    return record_of(CustomerRow, fetch_one(LIVE_ROW, (customer_id, workspace_id)))


_reads = Gatherer(_read_together, alone=_read_alone, repeats=True, lanes_of_group=2)
