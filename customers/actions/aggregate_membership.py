"""Which entry customers are members of an aggregate node, and under which matching key."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from configuration.domain.condition_parser import parse_condition
from configuration.domain.conditions import AnyOf
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.db.sql import fetch_all, load
from customers.domain.matching import match_key
from customers.domain.query_compiler import compile_expression
from customers.models import AggregatePin
from customers.models.customer_row import CustomerRow
from customers.queries.attributes import CustomerAttributes, clock_of
from customers.queries.documents import document_of, system_properties

EXCLUDED = """
SELECT customer.id FROM customers_customer AS customer
WHERE customer.workspace_id = %s AND customer.id = ANY (%s::uuid[]) AND ({condition})
"""
MEMBERSHIPS = """
SELECT entry_id, match_key FROM customers_aggregatemember
WHERE workspace_id = %s AND aggregate_node_id = %s AND entry_id = ANY (%s::uuid[])
"""
LEAVE = """
DELETE FROM customers_aggregatemember
WHERE workspace_id = %s AND aggregate_node_id = %s AND entry_id = ANY (%s::uuid[])
RETURNING entry_id
"""
JOIN = load("customers/sql/join_aggregate_node")


class MembershipChange:
    """What changes in the memberships of some entry customers in one aggregate node.

    `rows` are those of `entries` that exist. Memberships are read when it is made; `write` stores
    the new ones.
    """

    def __init__(
        self,
        workspace: WorkspaceRules,
        node: NodeRules,
        rows: Sequence[CustomerRow],
        entries: list[UUID],
    ) -> None:
        self._workspace = workspace
        self._node = node
        self._after = self._keys_of(rows)
        self._changed_ats = {UUID(row.id): system_properties(row)["updatedAt"] for row in rows}
        parameters = [workspace.id, node.id, entries]
        self._before = {
            entry: bytes(key) for entry, key in fetch_all(MEMBERSHIPS, parameters, prepare=False)
        }

    @property
    def keys(self) -> set[bytes]:
        """The matching keys of the persons concerned, before and after the change."""
        return {*self._before.values(), *self._after.values()}

    @property
    def moving(self) -> set[UUID]:
        """Entry customers that join or leave the node, or become another person in it."""
        joining = {entry for entry, key in self._after.items() if self._before.get(entry) != key}
        return {*self._leaving, *joining}

    @property
    def _leaving(self) -> list[UUID]:
        return [entry for entry in self._before if entry not in self._after]

    def write(self) -> None:
        """Store the memberships; the moving customers are locked."""
        if self._leaving:
            leaving = [self._workspace.id, self._node.id, self._leaving]
            fetch_all(LEAVE, leaving, prepare=False)
        if self._after:
            entries = list(self._after)
            parameters = {
                "workspace_id": self._workspace.id,
                "node_id": self._node.id,
                "entries": entries,
                "keys": list(self._after.values()),
                "changed_ats": [self._changed_ats[each] for each in entries],
            }
            fetch_all(JOIN, parameters, prepare=False)

    def _keys_of(self, rows: Sequence[CustomerRow]) -> dict[UUID, bytes]:
        """Return the matching keys of the customers that belong to this node."""
        found = {}
        pins = AggregatePin.objects.in_workspace(self._workspace.id).filter(
            node_id=self._node.id, customer_id__in=[row.id for row in rows]
        )
        pinned = {
            customer_id: bytes(key)
            for customer_id, key in pins.values_list("customer_id", "match_key")
        }
        for row in rows:
            system = system_properties(row)
            if system["deleted"] == 0 and UUID(system["nodeId"]) in self._node.entry_nodes:
                key = pinned.get(UUID(row.id)) or match_key(self._node.matching, document_of(row))
                if key is not None:
                    found[UUID(row.id)] = key
        for excluded in self._excluded(list(found)):
            del found[excluded]
        return found

    def _excluded(self, ids: list[UUID]) -> list[UUID]:
        """Return the customers that an exclusion filter of the node matches."""
        if not ids or not self._node.exclusion_filters:
            return []
        attributes = CustomerAttributes.of(self._workspace, self._node)
        schema = self._workspace.customer_schema
        filters = [
            parsed
            for each in self._node.exclusion_filters
            if (parsed := parse_condition(each, schema, at="")[0]) is not None
        ]
        if not filters:
            return []
        clock = clock_of(self._workspace)
        condition = compile_expression(AnyOf(tuple(filters)), attributes, clock)
        parameters = (self._workspace.id, ids, *condition.parameters)
        return [
            entry_id
            for (entry_id,) in fetch_all(EXCLUDED.format(condition=condition.sql), parameters)
        ]
