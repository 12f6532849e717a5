"""Merges of customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from contacthub_project.api import pagination
from contacthub_project.api.components import page_component
from contacthub_project.api.fields import StrictList, StrictText, StrictUuid
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.parameters import flag_parameter
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.request_headers import expected_version
from contacthub_project.api.serializers import StrictSerializer
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Conflict, FieldError, Invalid, NotFound, pointer
from contacthub_project.core.identifiers import as_uuid
from customers.actions.merging import (
    MOST_MERGED,
    Merged,
    MergeRequest,
    merge_customers,
    preview_merge,
)
from customers.actions.unmerging import Unmerged, preview_undo, undo_merge
from customers.api.filters.identity import RecordMergeFilterSet
from customers.api.identity_schema import MERGE_RESULT, RECORD_MERGE, UNDO_RESULT
from customers.api.scoping import CustomerScopedViewSet
from customers.domain.paths import value_at
from customers.models import MergedCustomer, RecordMerge
from customers.queries.documents import customer_moments, moments_at

PAGE = page_component("CustomerMergePage", RECORD_MERGE, "merges")
MOST_CHOICES = 500
LONGEST_PATH = 300
DRY_RUN = flag_parameter("dryRun", "Whether to tell only what would be done.")


class MergeInput(StrictSerializer):
    """The customers to merge, and those whose values win over the survivor's."""

    customers = StrictList(
        child=StrictUuid(),
        min_length=1,
        max_length=MOST_MERGED,
        help_text="Ids of the customers that go into the one of the path; of the same node.",
    )
    values = serializers.DictField(
        child=StrictText(),
        required=False,
        help_text=(
            "By the dotted path of a property, such as `base.contacts.email`, the id of the"
            " customer whose value wins."
        ),
    )


class MergeViewSet(CustomerScopedViewSet):
    """Merges customers of a node, and separates them again."""

    filterset_class = RecordMergeFilterSet
    page_rules = pagination.ENTITIES

    @extend_schema(parameters=[DRY_RUN], request=MergeInput, responses={200: MERGE_RESULT})
    def merge(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """Merge customers, or return a preview."""
        dry_run = _dry_run(request)
        survivor = self.exact_row(customer_id)
        given = self._request(UUID(survivor.id))
        try:
            act = preview_merge if dry_run else merge_customers
            merged = act(self.workspace, UUID(survivor.id), given, by=self.caller)
        except Conflict as conflict:
            raise self.conflict_for_caller(conflict, UUID(survivor.node_id)) from None
        return JsonResponse(self._merged(merged))

    @extend_schema(responses={200: PAGE})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return a page of merges, the latest first."""
        filters = RecordMergeFilterSet(request.GET)
        page = self.requested_page(filters)
        everything = RecordMerge.objects.in_workspace(self.workspace.id)
        readable = everything.filter(node_id__in=list(self.workspace.nodes))
        merges = filters.filter_queryset(readable.readable_by(self.caller))
        found = list(page.slice(merges))
        customers = _customers_of(self.workspace.id, found)
        return JsonResponse(
            page.of(
                [merge_response(each, customers[each.id]) for each in found],
                total=merges.count_up_to(LARGEST_MATCH),
            )
        )

    @extend_schema(responses={200: RECORD_MERGE})
    def retrieve(self, request: HttpRequest, workspace_id: str, merge_id: str) -> JsonResponse:
        """Return one merge."""
        merge = self._merge(merge_id)
        self.readable_node(merge.node_id)
        return JsonResponse(
            merge_response(merge, _customers_of(self.workspace.id, [merge])[merge.id])
        )

    @extend_schema(parameters=[DRY_RUN], request=None, responses={200: UNDO_RESULT})
    def undo(self, request: HttpRequest, workspace_id: str, merge_id: str) -> JsonResponse:
        """Undo a merge, or return a preview."""
        dry_run = _dry_run(request)
        merge = self._merge(merge_id)
        self.writable_node(merge.node_id)
        try:
            act = preview_undo if dry_run else undo_merge
            unmerged = act(self.workspace, merge.id, by=self.caller)
        except Conflict as conflict:
            raise self.conflict_for_caller(conflict, merge.node_id) from None
        return JsonResponse(self._unmerged(unmerged, dry_run=dry_run))

    def moments(self) -> Positions:
        """Return the positions of timestamps in merges and their previews."""
        schema = self.workspace.customer_schema
        customer = customer_moments(schema)

        def of_value(merged: Mapping[str, Any]) -> Positions:
            value = moments_at(schema, merged["path"])
            return {"value": value, "others": ({"value": value},)}

        return {
            "customer": customer,
            "survivor": customer,
            "customers": (customer,),
            "values": (of_value,),
        }

    def _request(self, survivor: UUID) -> MergeRequest:
        """Read the body; raises Invalid with every fault."""
        given = MergeInput.read(self.body())
        customers, choices = given["customers"], given.get("values", {})
        faults = [
            FieldError(f"/customers/{index}", message, code)
            for index, each in enumerate(customers)
            for message, code in _faults_of(each, survivor, customers[:index])
        ]
        if len(choices) > MOST_CHOICES:
            faults.append(
                FieldError("/values", f"must not have more than {MOST_CHOICES} paths", "maxItems")
            )
        values = {}
        for path, customer_id in choices.items():
            found = as_uuid(customer_id)
            if len(path) > LONGEST_PATH:
                faults.append(FieldError("/values", "has a path that is too long", "maxLength"))
            elif found is None:
                faults.append(FieldError(pointer("values", path), "must be an id", "format"))
            else:
                values[path] = str(found)
        if faults:
            raise Invalid(errors=faults)
        return MergeRequest(customers, values, expected_version(self.request))

    def _merge(self, merge_id: str) -> RecordMerge:
        merges = RecordMerge.objects.in_workspace(self.workspace.id)
        merge = merges.filter(id=id_or_unknown(merge_id)).first()
        if merge is None or self.node_rules(merge.node_id) is None:
            raise NotFound(f"merge not found {merge_id}")
        return merge

    def _merged(self, merged: Merged) -> dict[str, Any]:
        customer = self.serialized(merged.row)
        documents = {key: self.serialized(row) for key, row in merged.rows.items()}
        return {
            "id": merged.id,
            "dryRun": merged.id is None,
            "customer": customer,
            "mergedCustomers": list(merged.customers),
            "values": [
                {
                    "path": each.path,
                    "value": value_at(customer, each.path),
                    "customerId": each.customer_id,
                    "rule": each.rule,
                    "others": [
                        {"customerId": other, "value": value_at(documents[other], each.path)}
                        for other in each.others
                    ],
                }
                for each in merged.origins
            ],
            "moved": _counts(merged.counts),
        }

    def _unmerged(self, unmerged: Unmerged, *, dry_run: bool) -> dict[str, Any]:
        return {
            "id": unmerged.merge.id,
            "dryRun": dry_run,
            "survivor": self.serialized(unmerged.survivor),
            "customers": [self.serialized(row) for row in unmerged.customers],
            "given": [
                {
                    "customerId": row.id,
                    **{
                        kind: unmerged.counts.get(kind, {}).get(UUID(row.id), 0)
                        for kind in ("events", "laterEvents", "sessions")
                    },
                    "stricterConsents": list(unmerged.stricter.get(UUID(row.id), ())),
                }
                for row in unmerged.customers
            ],
        }


def _dry_run(request: HttpRequest) -> bool:
    parameters = QueryParameters(request)
    dry_run = parameters.flag("dryRun", default=False)
    parameters.raise_faults()
    return dry_run


def _faults_of(customer: UUID, survivor: UUID, before: Any) -> Any:
    if customer == survivor:
        yield "is the customer itself", "exclusive"
    if customer in before:
        yield "stands there twice", "uniqueItems"


def _counts(counts: Any) -> dict[str, int]:
    return {kind: counts.get(kind, 0) for kind in ("events", "sessions", "subscriptions")}


def _customers_of(workspace_id: UUID, merges: Any) -> dict[UUID, Any]:
    """Return the ids of the merged customers, by merge."""
    customers: dict[UUID, Any] = defaultdict(list)
    merged = MergedCustomer.objects.in_workspace(workspace_id)
    rows = merged.filter(merge_id__in=[each.id for each in merges]).order_by("customer_id")
    for merge_id, customer_id in rows.values_list("merge_id", "customer_id"):
        customers[merge_id].append(customer_id)
    return customers


class MergedValueResponse(TypedDict):
    """The origin of a merged value: a customer, None for several, and the rule."""

    path: str
    customerId: str | None
    rule: str


class MergeResponse(TypedDict):
    """A merge in the form of responses."""

    id: UUID
    nodeId: UUID
    survivorId: UUID
    mergedCustomers: Sequence[UUID]
    mergedAt: datetime
    mergedBy: str | None
    moved: dict[str, Any]
    values: list[MergedValueResponse]
    undoneAt: datetime | None
    undoneBy: str | None
    canBeUndone: bool


def merge_response(merge: RecordMerge, customers: Sequence[UUID]) -> MergeResponse:
    return {
        "id": merge.id,
        "nodeId": merge.node_id,
        "survivorId": merge.survivor_id,
        "mergedCustomers": customers,
        "mergedAt": merge.merged_at,
        "mergedBy": merge.author,
        "moved": _counts(merge.counts),
        "values": [
            {"path": each["path"], "customerId": each["customer_id"], "rule": each["rule"]}
            for each in merge.origins or ()
        ],
        "undoneAt": merge.undone_at,
        "undoneBy": merge.undone_by,
        "canBeUndone": merge.undone_at is None and merge.before is not None,
    }
