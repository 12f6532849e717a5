"""Customers of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import orjson
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.fields.json import KT, KeyTransform
from django.db.models.functions import Collate
from django.utils.translation import gettext_lazy as _

from configuration.models import Node, Workspace
from contacthub_project.db.keys import (
    TenantForeignKey,
    TenantForeignKeyConstraint,
    TenantModel,
    TenantPrimaryKey,
)
from contacthub_project.db.querysets import TenantQuerySet
from contacthub_project.db.sql import fetch_all, fetch_one, fetch_value, record_of, records_of
from customers.models.customer_row import (
    KNOWN_ROWS,
    LIVE_ROW,
    LIVE_ROWS,
    LOCKED_HEIR,
    LOCKED_KNOWN_ROWS,
    LOCKED_LIVE_ROWS,
    LOCKED_ROWS,
    LOCKED_SAME_PERSON,
    CustomerRow,
)
from customers.models.database_functions import DialledBackwards, Folded, NextIntId, Unaccented
from customers.models.other_contacts import HAS_OTHER_CONTACTS, OtherContactKeys, email_keys

# The telephone numbers by which people are found, and their indexes.
PHONES = {"mobilePhone": "mobile_phone", "phone": "phone"}


class DeletedState(models.IntegerChoices):
    """The values of `deleted`; personal data is kept until FORGOTTEN."""

    FORGOTTEN = -1
    LIVE = 0
    DELETED = 1


class CustomerQuerySet(TenantQuerySet["Customer"]):
    """Customers; single ones are read as records by hand-written statements."""

    def live(self) -> CustomerQuerySet:
        """Return those neither deleted nor forgotten."""
        return self.filter(deleted=DeletedState.LIVE)

    def in_node(self, workspace_id: UUID, node_id: UUID) -> CustomerQuerySet:
        """Return the live customers of a node."""
        return self.filter(workspace_id=workspace_id, node_id=node_id).live()

    def with_keys(self, workspace_id: UUID, node_id: UUID) -> CustomerQuerySet:
        """Return the live and the deleted customers of a node, not erased ones."""
        states = (DeletedState.LIVE, DeletedState.DELETED)
        return self.filter(workspace_id=workspace_id, node_id=node_id, deleted__in=states)

    def deleted_in(self, workspace_id: UUID, node_ids: Sequence[UUID]) -> CustomerQuerySet:
        """Return deleted customers of nodes that are not erased yet."""
        return self.filter(
            workspace_id=workspace_id, node_id__in=node_ids, deleted=DeletedState.DELETED
        )

    def with_email(self, email: str) -> CustomerQuerySet:
        """Return those with an e-mail address, ignoring case."""
        address = Folded(KT("base__contacts__email"))
        return self.alias(address=Collate(address, "C")).filter(
            address=Collate(Folded(Value(email)), "C")
        )

    def with_other_email(self, email: str) -> CustomerQuerySet:
        """Return those with an e-mail address among their other contacts, ignoring case."""
        return self.with_other_contact(email_keys(email))

    def with_any_email(self, email: str) -> CustomerQuerySet:
        """Return those with an e-mail address in either place, ignoring case."""
        return self.with_email(email) | self.with_other_email(email)

    def with_other_contact(self, keys: Sequence[str]) -> CustomerQuerySet:
        """Return those whose other contacts have one of the keys."""
        contacts = OtherContactKeys(KeyTransform("contacts", "base"))
        return self.filter(HAS_OTHER_CONTACTS).alias(keys=contacts).filter(keys__overlap=list(keys))

    def with_external_id(self, external_id: str) -> CustomerQuerySet:
        """Return those with an external id, ignoring case."""
        return self.alias(folded_id=Collate(Folded("external_id"), "C")).filter(
            external_id__isnull=False, folded_id=Collate(Folded(Value(external_id)), "C")
        )

    def live_row(self, workspace_id: UUID, customer_id: UUID) -> CustomerRow | None:
        """Return one live customer as a record, None when there is none.

        Hand-written SQL: building the query by the ORM costs ten times as much as running it.
        """
        return record_of(CustomerRow, fetch_one(LIVE_ROW, (customer_id, workspace_id)))

    def live_rows(self, workspace_id: UUID, ids: list[UUID]) -> list[CustomerRow]:
        """Return the live customers among `ids`, in the order of their ids."""
        return records_of(CustomerRow, fetch_value(LIVE_ROWS, (ids, workspace_id)))

    def lock_live_row(
        self, workspace_id: UUID, customer_id: UUID, *, to_delete: bool = False
    ) -> CustomerRow | None:
        """Return one live customer, locked until the transaction ends.

        Other rows may still refer to it, unless it is `to_delete`.
        """
        lock = " FOR UPDATE" if to_delete else " FOR NO KEY UPDATE"
        return record_of(CustomerRow, fetch_one(LIVE_ROW + lock, (customer_id, workspace_id)))

    def known_row(self, workspace_id: UUID, customer_id: UUID) -> CustomerRow | None:
        """Return one customer that is not forgotten, deleted or not."""
        return next(iter(self.known_rows(workspace_id, [customer_id])), None)

    def known_rows(self, workspace_id: UUID, ids: Sequence[UUID]) -> list[CustomerRow]:
        """Return those of the customers that are not forgotten, deleted or not, by their ids."""
        rows = fetch_value(KNOWN_ROWS, (list(ids), workspace_id), prepare=False)
        return records_of(CustomerRow, rows)

    def lock_known_rows(self, workspace_id: UUID, ids: Sequence[UUID]) -> list[CustomerRow]:
        """Return the same, locked in the order of their ids, to be forgotten."""
        return _locked(LOCKED_KNOWN_ROWS, workspace_id, ids)

    def lock_live_rows(self, workspace_id: UUID, ids: Sequence[UUID]) -> list[CustomerRow]:
        """Return the live customers among `ids`, locked in the order of their ids."""
        return _locked(LOCKED_LIVE_ROWS, workspace_id, ids)

    def lock_rows(self, workspace_id: UUID, ids: Sequence[UUID]) -> list[CustomerRow]:
        """Return the customers among `ids` in any state, locked in the order of their ids."""
        return _locked(LOCKED_ROWS, workspace_id, ids)

    def lock_same_person(
        self, workspace_id: UUID, node_id: UUID, match_key: bytes | None
    ) -> CustomerRow | None:
        """Return the live customer of a node with this key, locked until the transaction ends."""
        return record_of(
            CustomerRow, fetch_one(LOCKED_SAME_PERSON, (node_id, match_key, workspace_id))
        )

    def lock_heir(
        self, workspace_id: UUID, node_id: UUID, match_key: bytes | None
    ) -> CustomerRow | None:
        """Return the live customer that has this key by a merge, locked until the end."""
        return record_of(CustomerRow, fetch_one(LOCKED_HEIR, (node_id, match_key, workspace_id)))


class Customer(TenantModel):
    """A customer; `base`, `consents`, `extended` and `tags` hold no nulls and no empty values.

    `match_key` is the hash of the values of the node's matching policy, `former_key` that of a
    deleted customer, `former_keys` those by the policy's further rules; `registered_by`
    and `updated_by` are the ids of the source or person that wrote.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    int_id = models.BigIntegerField(db_default=NextIntId(), editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    node = TenantForeignKey(Node, on_delete=models.DO_NOTHING, db_index=False)
    external_id = models.TextField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    deleted = models.SmallIntegerField(choices=DeletedState.choices, default=DeletedState.LIVE)
    registered_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    match_key = models.BinaryField(max_length=32, null=True, editable=False)
    former_key = models.BinaryField(max_length=32, null=True, editable=False)
    former_keys = ArrayField(models.BinaryField(max_length=32), null=True, editable=False)
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
            TenantPrimaryKey(name="customer_key"),
            TenantForeignKeyConstraint(
                field="node_id", to="configuration.Node", name="customer_node_of_workspace"
            ),
            models.UniqueConstraint(
                fields=["workspace", "node", "match_key"],
                condition=Q(deleted=0),
                name="customer_once_in_node",
            ),
            models.CheckConstraint(
                condition=Q(deleted__in=DeletedState.values), name="customer_deleted_known"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="customer_version_positive"),
            models.CheckConstraint(
                condition=Q(match_key=None) | Q(deleted=0), name="customer_gone_releases_key"
            ),
            models.CheckConstraint(
                condition=Q(former_key=None) | Q(deleted=1), name="customer_deleted_had_key"
            ),
            models.CheckConstraint(
                condition=Q(former_keys=None) | Q(deleted=1), name="customer_deleted_had_keys"
            ),
        ]
        indexes = [
            # The list of a node's customers in its default order.
            models.Index(
                F("workspace"), F("node"), F("updated_at").desc(), F("id").desc(),
                condition=Q(deleted=0), name="customer_newest_in_node",
            ),
            # Look-up by external id; attaching of events that wait for it.
            models.Index(
                fields=["node", "external_id"],
                condition=Q(external_id__isnull=False) & Q(deleted=0),
                name="customer_external_id",
            ),
            # The same where the node's policy ignores case.
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
            # Look-ups by the beginning of a name in any spelling: `customers.queries.look_up`.
            *(
                models.Index(
                    F("node"), Collate(Unaccented(KT(f"base__{lookup}")), "C"),
                    condition=Q(deleted=0), name=f"customer_{name}_unaccented",
                )
                for lookup, name in (("lastName", "last_name"), ("firstName", "first_name"))
            ),
            # Look-ups by telephone number, of deleted customers too.
            *(
                models.Index(
                    F("node"), Collate(DialledBackwards(KT(f"base__contacts__{name}")), "C"),
                    condition=Q(base__contacts__has_key=name), name=f"customer_{index}",
                )
                for name, index in PHONES.items()
            ),
            # The same by other e-mail addresses and numbers.
            GinIndex(
                OtherContactKeys(KeyTransform("contacts", "base")),
                condition=HAS_OTHER_CONTACTS, name="customer_other_contacts",
            ),
            # Deleted customers: the list of a workspace, those to be erased, and the
            # look-ups by their identifiers.
            models.Index(
                F("workspace"), F("updated_at").desc(), F("id").desc(),
                condition=Q(deleted=1), name="customer_deleted_newest",
            ),
            models.Index(
                fields=["node", "former_key"],
                condition=Q(former_key__isnull=False) & Q(deleted=1), name="customer_former_key",
            ),
            GinIndex(
                fields=["former_keys"], fastupdate=False,
                condition=Q(former_keys__isnull=False) & Q(deleted=1), name="customer_former_keys",
            ),
            models.Index(
                F("node"), Collate(Folded("external_id"), "C"),
                condition=Q(external_id__isnull=False) & Q(deleted=1),
                name="customer_deleted_external_id",
            ),
            models.Index(
                F("node"), Collate(Folded(KT("base__contacts__email")), "C"),
                condition=Q(deleted=1), name="customer_deleted_email",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.id)


class DeletedCustomer(Customer):
    """A customer who is deleted, and can be restored until the erasure."""

    class Meta:
        proxy = True
        verbose_name = _("deleted customer")
        verbose_name_plural = _("deleted customers")


def _locked(statement: str, workspace_id: UUID, ids: Sequence[UUID]) -> list[CustomerRow]:
    rows = fetch_all(statement, (list(ids), workspace_id), prepare=False)
    return [CustomerRow(*orjson.loads(text)) for (text,) in rows]
