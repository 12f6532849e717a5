"""The history of a customer's values, and its identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from contacthub_project.api.fields import StrictInteger
from contacthub_project.api.parameters import flag_parameter, text_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.request_headers import expected_version
from contacthub_project.api.serializers import StrictSerializer
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Conflict
from customers.actions.undoing_changes import preview_undoing, undo_change
from customers.api.identity_schema import CUSTOMER_HISTORY, CUSTOMER_IDENTITIES, UNDONE_CHANGE
from customers.api.scoping import CustomerScopedViewSet
from customers.domain.paths import value_at
from customers.domain.record_merge import document_of_leaves
from customers.models.customer_row import CustomerRow
from customers.queries.documents import customer_moments, moments_at
from customers.queries.history import PropertyHistory, history_of
from customers.queries.identities import identities_of

LONGEST_PATH = 300
DRY_RUN = flag_parameter("dryRun", "Whether to tell only what would be done.")


class UndoChangeInput(StrictSerializer):
    """The change to undo."""

    version = StrictInteger(
        min_value=2, help_text="The version of the customer that the change has made."
    )


class HistoryViewSet(CustomerScopedViewSet):
    """The history and the identities of a customer."""

    @extend_schema(
        parameters=[
            text_parameter(
                "property",
                "Only this property, such as `base.contacts.email`, and what is below it.",
                longest=LONGEST_PATH,
            )
        ],
        responses={200: CUSTOMER_HISTORY},
    )
    def history(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """Return the properties of a customer with their changes, the latest first."""
        parameters = QueryParameters(request)
        prefix = parameters.text("property", longest=LONGEST_PATH)
        parameters.raise_faults()
        row = self.readable_row(customer_id)
        history = history_of(self.workspace, row, prefix)
        visible = self._visible(history.properties)
        return JsonResponse(
            {
                "customerId": row.id,
                "isKept": self.workspace.keeps_history,
                "isComplete": history.is_complete,
                "properties": [
                    self._property(each, row)
                    for each in history.properties
                    if value_at(visible, each.path) is not None
                ],
            }
        )

    @extend_schema(responses={200: CUSTOMER_IDENTITIES})
    def identities(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """Return the identities of a customer."""
        row = self.readable_row(customer_id)
        return JsonResponse(identities_of(self.workspace, row))

    @extend_schema(parameters=[DRY_RUN], request=UndoChangeInput, responses={200: UNDONE_CHANGE})
    def undo(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """Undo one change of a customer, or return a preview."""
        parameters = QueryParameters(request)
        dry_run = parameters.flag("dryRun", default=False)
        parameters.raise_faults()
        row = self.exact_row(customer_id)
        version = UndoChangeInput.read(self.body())["version"]
        try:
            act = preview_undoing if dry_run else undo_change
            undone = act(
                self.workspace,
                UUID(row.id),
                version,
                expected_version=expected_version(request),
                by=self.caller,
            )
        except Conflict as conflict:
            raise self.conflict_for_caller(conflict, UUID(row.node_id)) from None
        return JsonResponse(
            {
                "dryRun": dry_run,
                "customer": self.serialized(undone.row),
                "restored": undone.restored,
                "kept": undone.kept,
                "stricterConsents": undone.stricter,
            }
        )

    def moments(self) -> Positions:
        """Return the positions of timestamps that are text in answers."""
        since = ({"since": True},)
        schema = self.workspace.customer_schema

        def of_property(history: Mapping[str, Any]) -> Positions:
            value = moments_at(schema, history["property"])
            changes = ({"before": value, "after": value},)
            return {"since": True, "value": value, "changes": changes}

        return {
            "customer": customer_moments(schema),
            "externalIds": since,
            "sessions": since,
            "merged": ({"mergedAt": True},),
            "properties": (of_property,),
        }

    def _visible(self, properties: Sequence[PropertyHistory]) -> dict[str, Any]:
        """Return a document with a value at each enabled property."""
        values = {each.path: _any_value(each) for each in properties}
        document = document_of_leaves(
            {path: each for path, each in values.items() if each is not None}
        )
        return self.workspace.customer_schema.without_disabled({**document})

    def _property(self, history: PropertyHistory, row: CustomerRow) -> dict[str, Any]:
        latest = history.changes[0] if history.changes else None
        return {
            "property": history.path,
            "value": _masked(history.path, history.value),
            "since": row.registered_at if latest is None else latest.at,
            "author": row.registered_by if latest is None else latest.author,
            "cause": None if latest is None else latest.cause,
            "rule": history.rule,
            "customerId": history.customer_id,
            "changes": [
                {
                    "version": each.version,
                    "at": each.at,
                    "author": each.author,
                    "cause": each.cause,
                    "mergeId": each.merge_id,
                    "before": _masked(history.path, each.before),
                    "after": _masked(history.path, each.after),
                }
                for each in history.changes
            ],
        }


def _any_value(history: PropertyHistory) -> Any:
    """Return a value that the property has or had, None without one."""
    values = [history.value]
    values += [value for each in history.changes for value in (each.before, each.after)]
    return next((value for value in values if value is not None), None)


def _masked(path: str, value: Any) -> Any:
    """Return the value without a password."""
    if path == "base.credential" and isinstance(value, dict):
        return {name: each for name, each in value.items() if name != "password"}
    return value
