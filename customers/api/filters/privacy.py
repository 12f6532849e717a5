"""Filters of deleted customers, suppressed values, erasure receipts and the request register."""

from __future__ import annotations

from uuid import UUID

from django.http import QueryDict

from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.filters import (
    ChoiceFilter,
    FilterSet,
    IdFilter,
    SortFilter,
    TextFilter,
)
from customers.actions.data_subject_requests import today_in
from customers.models import (
    ErasureCause,
    RequestState,
    RequestType,
    SuppressedKind,
)
from customers.models.customer import CustomerQuerySet
from customers.models.data_subject_request import DataSubjectRequestQuerySet
from customers.models.erasure_receipt import ErasureReceiptQuerySet
from customers.models.suppression import SuppressedValueQuerySet
from customers.queries.suppressions import hashes_of_value

OVERDUE = "OVERDUE"


class DeletedCustomerFilterSet(FilterSet):
    """Filters and order of the deleted customers of a workspace."""

    nodeId = IdFilter("node_id", help_text="Customers of this node.")
    email = TextFilter(
        method="filter_email", help_text="Customers with this e-mail address, in any case."
    )
    externalId = TextFilter(
        method="filter_external_id", help_text="Customers with this external id, in any case."
    )
    sort = SortFilter({"deletedAt": "updated_at"}, default="deletedAt,desc")

    def filter_email(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Return customers with the address."""
        return rows.with_any_email(value)

    def filter_external_id(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Return customers with the external id."""
        return rows.with_external_id(value)


class SuppressionFilterSet(FilterSet):
    """Filters and order of the suppressed values of a workspace."""

    receiptId = IdFilter("receipt_id", help_text="Values of the people of this receipt.")
    state = ChoiceFilter(
        method="filter_state",
        choices=["IN_FORCE", "LIFTED"],
        help_text="Values that are still recognised, or that were lifted.",
    )
    email = TextFilter(method="filter_email", help_text="Hashes of this e-mail address.")
    externalId = TextFilter(
        method="filter_external_id", help_text="Hashes of this external id, in any node."
    )
    sort = SortFilter({"createdAt": "created_at"}, default="createdAt,desc")

    def __init__(self, data: QueryDict, *, workspace: WorkspaceRules) -> None:
        super().__init__(data)
        self.workspace = workspace

    def filter_state(
        self, rows: SuppressedValueQuerySet, name: str, value: str
    ) -> SuppressedValueQuerySet:
        """Return values in force, or lifted ones."""
        return rows.filter(lifted_at__isnull=value == "IN_FORCE")

    def filter_email(
        self, rows: SuppressedValueQuerySet, name: str, value: str
    ) -> SuppressedValueQuerySet:
        """Return hashes of an address."""
        return self._of(rows, SuppressedKind.EMAIL, value)

    def filter_external_id(
        self, rows: SuppressedValueQuerySet, name: str, value: str
    ) -> SuppressedValueQuerySet:
        """Return hashes of an external id."""
        return self._of(rows, SuppressedKind.EXTERNAL_ID, value)

    def _of(
        self, rows: SuppressedValueQuerySet, kind: SuppressedKind, value: str
    ) -> SuppressedValueQuerySet:
        return rows.with_hashes(hashes_of_value(self.workspace, kind, value)).filter(kind=kind)


class ErasureReceiptFilterSet(FilterSet):
    """Filters and order of the receipts of a workspace."""

    customerId = IdFilter(
        method="filter_customer", help_text="Receipts of this customer's erasure."
    )
    cause = ChoiceFilter(
        "cause", choices=ErasureCause.values, help_text="Erasures with this cause."
    )
    sort = SortFilter({"moment": "moment", "number": "number"}, default="moment,desc")

    def filter_customer(
        self, rows: ErasureReceiptQuerySet, name: str, value: UUID
    ) -> ErasureReceiptQuerySet:
        """Return receipts that name the customer."""
        return rows.of_customer(value)


class DataSubjectRequestFilterSet(FilterSet):
    """Filters and order of the register of requests of a workspace."""

    state = ChoiceFilter(
        method="filter_state",
        choices=[*RequestState.values, OVERDUE],
        help_text="Requests this far; `OVERDUE` are open ones that were due before today.",
    )
    type = ChoiceFilter("type", choices=RequestType.values, help_text="Requests of this kind.")
    customerId = IdFilter("customer_id", help_text="Of one customer, one forgotten too.")
    sort = SortFilter(
        {"createdAt": "created_at", "receivedOn": "received_on", "dueOn": "due_on"},
        default="createdAt,desc",
    )

    def __init__(self, data: QueryDict, *, workspace: WorkspaceRules) -> None:
        super().__init__(data)
        self.workspace = workspace

    def filter_state(
        self, rows: DataSubjectRequestQuerySet, name: str, value: str
    ) -> DataSubjectRequestQuerySet:
        """Return requests in a state, or overdue ones."""
        if value == OVERDUE:
            return rows.overdue(today_in(self.workspace))
        return rows.filter(state=value)
