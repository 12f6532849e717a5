"""The base of view sets that answer customers, or what belongs to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.queries.rules import NodeRules
from contacthub_project.api.query import id_or_unknown
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import NotFound
from customers.models import Customer
from customers.models.customer import CustomerRow
from customers.queries.documents import (
    customer_moments,
    customer_response,
    untrusted_customer_response,
)


class CustomerScopedViewSet(WorkspaceScopedViewSet):
    """Finds a customer of the workspace, and answers to each caller what it may know of one."""

    def serialized(
        self, row: CustomerRow, *, written: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The customer; to one that may not read profiles, only what it has just `written`."""
        schema = self.workspace.customer_schema
        if self.caller.may_read_profiles_in(UUID(str(row.node_id))):
            return customer_response(row, schema)
        own = None if written is None else schema.coerced(dict(written))
        return untrusted_customer_response(row, schema, written=own)

    def moments(self) -> Positions:
        """Where moments stand in a customer, and in a page of them."""
        customer = customer_moments(self.workspace.customer_schema)
        return {**customer, "elements": (customer,)}

    def readable_customer(self, customer_id: str) -> UUID:
        """The id of a live customer in a node the caller may read; raises NotFound, Forbidden."""
        return UUID(self.readable_row(customer_id).id)

    def writable_customer(self, customer_id: str) -> UUID:
        """The id of a live customer in a node the caller may write; raises NotFound, Forbidden."""
        row, _ = self.writable_row(customer_id)
        return UUID(row.id)

    def readable_row(self, customer_id: str) -> CustomerRow:
        """A live customer in a node the caller may read; raises NotFound, Forbidden."""
        row = self.live_row(customer_id)
        self.readable_node(row.node_id)
        return row

    def writable_row(self, customer_id: str) -> tuple[CustomerRow, NodeRules]:
        """A live customer, and its node, which the caller may write; raises NotFound, Forbidden."""
        row = self.live_row(customer_id)
        return row, self.writable_node(row.node_id)

    def live_row(self, customer_id: str) -> CustomerRow:
        """A live customer of the workspace, whoever asks; raises NotFound."""
        row = Customer.objects.live_row(self.workspace.id, id_or_unknown(customer_id))
        if row is None or self.node_rules(row.node_id) is None:
            raise NotFound(f"customer not found {customer_id}")
        return row
