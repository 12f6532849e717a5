"""Maps attributes of customers to columns and JSON paths, for searches and orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.extended_properties import indexed_paths
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.api.query import SortKey
from contacthub_project.core.date_spans import Clock
from customers.domain.attribute_places import Place, TextComparison, compared_text
from customers.queries.keyset import Order, OrderKey

COLUMNS = {
    "intId": "customer.int_id",
    "externalId": "customer.external_id",
    "extra": "customer.extra",
    "enabled": "customer.enabled",
    "registeredAt": "customer.registered_at",
    "updatedAt": "customer.updated_at",
    "version": "customer.version",
    "sourceInfo.registeredBy": "customer.registered_by",
    "sourceInfo.updatedBy": "customer.updated_by",
}
UUID_COLUMNS = {"id": "customer.id", "nodeId": "customer.node_id"}
# Indexes of a node's customers by a value, ignoring case (see Customer.Meta).
FOLDED_INDEXES = frozenset({"base.contacts.email", "base.firstName", "base.lastName"})
ALWAYS_THERE = frozenset({"updatedAt", "registeredAt", "id", "intId", "version", "nodeId"})
COLUMN_TYPES = {
    "intId": "bigint", "version": "integer", "enabled": "boolean",
    "registeredAt": "timestamptz", "updatedAt": "timestamptz",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CustomerAttributes:
    """The attributes of a node's customers, and their places."""

    schema: CustomerSchema
    recognised: frozenset[str] = frozenset()
    ignoring_case: frozenset[str] = frozenset()
    indexed: frozenset[tuple[str, ...]] = frozenset()

    @classmethod
    def of(cls, workspace: WorkspaceRules, node: NodeRules) -> CustomerAttributes:
        """Return the attributes; matching properties are compared as the node compares them."""
        matching = node.matching
        return cls(
            schema=workspace.customer_schema,
            recognised=frozenset(matching.identifying),
            ignoring_case=frozenset(filter(matching.ignores_case_of, matching.identifying)),
            indexed=frozenset(indexed_paths(workspace.customer_extended)),
        )

    def place_of(self, path: str) -> Place:
        """Return the place of an attribute of the schema."""
        comparison = TextComparison.EXACT
        if path in self.recognised:
            ignores_case = path in self.ignoring_case
            comparison = TextComparison.FOLDED if ignores_case else TextComparison.TRIMMED
        if path in UUID_COLUMNS:
            column = UUID_COLUMNS[path]
            return Place(f"{column}::text", uuid_column=column)
        if path in COLUMNS:
            return Place(COLUMNS[path], comparing=comparison)
        section, *keys = path.split(".")
        return Place(
            f"customer.{section}",
            tuple(keys),
            comparing=comparison,
            has_folded_index=path in FOLDED_INDEXES,
            has_json_index=section == "extended" and tuple(keys) in self.indexed,
        )


def clock_of(workspace: WorkspaceRules) -> Clock:
    """Return the present moment, and the time zone of the workspace's days."""
    return Clock(datetime.now(UTC), workspace.zone)


def order_of(sort: Sequence[SortKey], attributes: CustomerAttributes) -> Order:
    """Return an order: text ignoring case, absent values last, ties by id."""
    keys = [_order_key(key, attributes) for key in sort]
    return Order((*keys, OrderKey("customer.id", "uuid", descending=sort[-1].descending)))


def _order_key(key: SortKey, attributes: CustomerAttributes) -> OrderKey:
    place, kind = attributes.place_of(key.field), attributes.schema.kind_of(key.field)
    if place.uuid_column is not None:
        expression, value_type = place.uuid_column, "uuid"
    elif kind == "text":
        text = compared_text(TextComparison.FOLDED, place.text)
        expression, value_type = f'{text} COLLATE "C"', "text"
    elif place.keys is None:
        expression, value_type = place.column, COLUMN_TYPES.get(key.field, "text")
    elif kind in {"moment", "date"}:
        expression, value_type = f'{place.text} COLLATE "C"', "text"
    else:
        expression, value_type = place.json, "jsonb"
    return OrderKey(
        expression, value_type, descending=key.descending, nullable=key.field not in ALWAYS_THERE
    )
