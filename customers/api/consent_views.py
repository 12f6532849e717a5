from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from configuration.api.scoping import WorkspaceView
from contacthub_project.api.pagination import LARGEST_MATCH, Page, PageRules
from contacthub_project.api.parameters import (
    UUID,
    choice_parameter,
    id_parameter,
    list_parameter,
    moment_parameter,
    page_parameters,
    sort_parameter,
    text_parameter,
)
from contacthub_project.api.query import QueryParameters, SortKey, id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import page_of
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Invalid, NotFound
from contacthub_project.core.strict_json import parse_json
from customers.domain.matching import match_key
from customers.domain.paths import nested
from customers.models import ConsentLogEntry, ConsentLogType
from customers.models.consent_log import ConsentLogQuerySet
from customers.queries.documents import consent_log_moments, consent_log_response

PAGES = PageRules(default_size=20, largest_size=100, last_page=None)
LONGEST_UNIQUE_KEY = 4096
SORTED_BY = {
    "date": "date", "id": "id", "type": "type", "property": "property",
    "customerId": "customer_id", "sourceId": "source_id", "userId": "user_id",
}  # fmt: skip
NEWEST_FIRST = (SortKey("date", descending=True),)


class ConsentLogOutput(serializers.ModelSerializer):
    """One change of a consent, or one request about a person's data."""

    customerId = serializers.UUIDField(source="customer_id")
    sourceId = serializers.UUIDField(source="source_id", allow_null=True)
    userId = serializers.IntegerField(source="user_id", allow_null=True)

    class Meta:
        model = ConsentLogEntry
        fields = ["id", "customerId", "date", "type", "property", "value", "sourceId", "userId"]


class ConsentLogsView(WorkspaceView):
    """The log of consents, the latest first unless `sort` says otherwise.

    Who may read it reaches all nodes, also those that are no more.
    """

    @extend_schema(
        parameters=[
            *page_parameters(PAGES),
            id_parameter("customerId", "Of one customer, one who was deleted or forgotten too."),
            text_parameter(
                "uniqueKey",
                "Of the person whom nodes recognise by these values: a JSON object such as"
                ' `{"base.contacts.email": "anna@example.com"}`. Finds those who were forgotten.',
                longest=LONGEST_UNIQUE_KEY,
            ),
            moment_parameter("startDate", "From this day or moment on."),
            moment_parameter("endDate", "To the end of this day, or before this moment."),
            choice_parameter("type", ConsentLogType.values, "Lines of this kind."),
            text_parameter(
                "property", "Changes of this consent, such as `consents.marketing.automatic.sms`."
            ),
            sort_parameter(SORTED_BY, "date,desc"),
            list_parameter("nodes", "Of customers of these nodes.", UUID),
        ],
        responses={200: page_of(ConsentLogOutput, "lines of the log")},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, PAGES)
        entries = ConsentLogEntry.objects.in_workspace(self.workspace.id)
        entries = self.filtered(entries, parameters)
        sort = parameters.sort(default=NEWEST_FIRST)
        for key in sort:
            if key.field not in SORTED_BY:
                parameters.fault("sort", f"must be one of {', '.join(SORTED_BY)}")
        parameters.raise_faults()
        rows = page.slice(
            entries.sorted_by([(SORTED_BY[key.field], key.descending) for key in sort])
        )
        total = entries.count_up_to(LARGEST_MATCH)
        return JsonResponse(
            page.of([consent_log_entry_response(entry) for entry in rows], total=total)
        )

    def moments(self) -> Positions:
        return {"elements": (consent_log_moments,)}

    def filtered(
        self, entries: ConsentLogQuerySet, parameters: QueryParameters
    ) -> ConsentLogQuerySet:
        customer_id = parameters.text("customerId")
        if customer_id is not None:
            entries = entries.filter(customer_id=id_or_unknown(customer_id))
        nodes = parameters.listed("nodes")
        if nodes:
            entries = entries.filter(node_id__in=[id_or_unknown(node) for node in nodes])
        unique_key = parameters.text("uniqueKey", longest=LONGEST_UNIQUE_KEY)
        if unique_key is not None:
            entries = entries.of_person(self.workspace.id, self.match_keys(unique_key))
        kind = parameters.choice("type", ConsentLogType.values, default=None)
        if kind is not None:
            entries = entries.filter(type=kind)
        path = parameters.text("property")
        if path is not None:
            entries = entries.filter(property=path)
        zone = self.workspace.zone
        start, end = parameters.span("startDate", zone), parameters.span("endDate", zone)
        return entries.between(
            None if start is None else start.first, None if end is None else end.after
        )

    def match_keys(self, text: str) -> list[bytes]:
        """The keys by which nodes recognise the person whose unique values are given as JSON."""
        try:
            document = parse_json(text.encode("utf-8", "surrogatepass"))
        except Invalid as invalid:
            raise Invalid.at("/uniqueKey", f"{invalid.message}", "json") from None
        if not isinstance(document, dict):
            raise Invalid.at("/uniqueKey", "must be a JSON object", "type")
        person = nested(document)
        # What was logged stays under the key of its time; the case may have counted otherwise then.
        policies = {
            replace(node.matching, case_sensitive=case_sensitive)
            for node in self.workspace.nodes.values()
            for case_sensitive in (True, False)
        }
        keys = [match_key(policy, person) for policy in policies]
        return [key for key in keys if key is not None]


class ConsentLogView(WorkspaceView):
    @extend_schema(responses={200: ConsentLogOutput})
    def get(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        is_number = id.isascii() and id.isdigit() and len(id) < 19
        entries = ConsentLogEntry.objects.in_workspace(self.workspace.id)
        entry = entries.filter(id=int(id)).first() if is_number else None
        if entry is None:
            raise NotFound(f"consent log not found {id}")
        return JsonResponse(consent_log_entry_response(entry))

    def moments(self) -> Positions:
        return consent_log_moments


def consent_log_entry_response(entry: ConsentLogEntry) -> dict[str, Any]:
    """The entry as the API shows it."""
    return consent_log_response(entry) | {"customerId": entry.customer_id}
