"""The base of view sets of customers and of resources below one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.queries.rules import NodeRules
from contacthub_project.api.addresses import absolute_address
from contacthub_project.api.query import id_or_unknown
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Conflict, NotFound
from contacthub_project.runtime.blocking import in_thread_if_blocking, run_blocking
from customers.domain.passwords import may_read_passwords
from customers.models import Customer
from customers.models.customer_row import CustomerRow
from customers.queries.documents import (
    CustomerResponse,
    customer_moments,
    customer_response,
    untrusted_customer_response,
)
from customers.queries.live_rows import alive_row
from customers.queries.merges import merged_into


class CustomerScopedViewSet(WorkspaceScopedViewSet):
    """Finds a customer of the workspace, and serializes it for each kind of caller."""

    def serialized(
        self, row: CustomerRow, *, written: Mapping[str, Any] | None = None
    ) -> CustomerResponse:
        """Return the customer; to callers that may not read profiles only `written`."""
        schema = self.workspace.customer_schema
        if self.caller.may_read_profiles_in(id_or_unknown(str(row.node_id))):
            return customer_response(row, schema, shows_password=may_read_passwords(self.caller))
        own = None if written is None else schema.coerced(dict(written))
        return untrusted_customer_response(row, schema, written=own)

    def moments(self) -> Positions:
        """Return the positions of timestamps in a customer, and in a page of them."""
        customer = customer_moments(self.workspace.customer_schema)
        return {**customer, "elements": (customer,)}

    def readable_customer(self, customer_id: str) -> UUID:
        """Return the id of a live customer in a readable node; raises NotFound, Forbidden."""
        return UUID(self.readable_row(customer_id).id)

    def exact_row(self, customer_id: str) -> CustomerRow:
        """As `awritable_row`, but never another customer than the one that is named."""
        row = run_blocking(self.alive_row(customer_id))
        self.writable_node(row.node_id)
        return row

    def readable_row(self, customer_id: str) -> CustomerRow:
        """Return a live customer in a readable node; raises NotFound, Forbidden."""
        return run_blocking(self.areadable_row(customer_id))

    async def areadable_row(self, customer_id: str) -> CustomerRow:
        """Do the same as `readable_row` in the event loop."""
        row = await self.alive_row(customer_id)
        self.readable_node(row.node_id)
        return row

    async def awritable_row(self, customer_id: str) -> tuple[CustomerRow, NodeRules]:
        """Return a live customer and its node, which is writable; raises NotFound, Forbidden.

        Of one who was merged away, the survivor, unless the workspace does not follow.
        """
        row = await self.alive_row(customer_id, follow=self.workspace.follows_merged_ids)
        return row, self.writable_node(row.node_id)

    async def alive_row(self, customer_id: str, *, follow: bool = False) -> CustomerRow:
        """A live customer of the workspace, whoever asks; raises NotFound.

        With `follow`, of one who was merged away, the survivor.
        """
        row = await alive_row(self.workspace.id, id_or_unknown(customer_id))
        if row is not None:
            node = await in_thread_if_blocking(partial(self.node_rules, row.node_id))
            if node is not None:
                return row
        return await in_thread_if_blocking(
            partial(self._row_of_survivor, customer_id, follow=follow)
        )

    def _row_of_survivor(self, customer_id: str, *, follow: bool) -> CustomerRow:
        """Who has the data of a customer who is gone; raises NotFound unless it is followed."""
        survivor = self._survivor_of(customer_id) if follow else None
        if survivor is None:
            raise self.gone(customer_id)
        return survivor

    def conflict_for_caller(self, conflict: Conflict, node_id: UUID) -> Conflict:
        """The conflict with the other customer's address, if the caller may read customers."""
        if conflict.data is None:
            return conflict
        if not self.caller.may_read_profiles_in(node_id):
            return Conflict("Conflict with existing customer")
        other = conflict.data["customer"]["id"]
        href = absolute_address(self.request, f"/workspaces/{self.workspace.id}/customers/{other}")
        return Conflict(conflict.message, data={"customer": {"id": other, "href": href}})

    def gone(self, customer_id: str) -> NotFound:
        """Return NotFound for a customer; it names the one that it was merged into, to readers."""
        survivor, data = self._survivor_of(customer_id), None
        if survivor is not None and self.caller.may_read_profiles_in(UUID(survivor.node_id)):
            data = {"mergedInto": survivor.id}
        return NotFound(f"customer not found {customer_id}", data=data)

    def _survivor_of(self, customer_id: str) -> CustomerRow | None:
        survivor = merged_into(self.workspace.id, id_or_unknown(customer_id))
        row = None if survivor is None else Customer.objects.live_row(self.workspace.id, survivor)
        return None if row is None or self.node_rules(row.node_id) is None else row
