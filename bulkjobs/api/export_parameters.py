"""The query parameters of exports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpRequest, QueryDict

from bulkjobs.models import BulkJobEntity
from bulkjobs.queries.export_files import ExportFormat
from bulkjobs.queries.export_requests import Export
from bulkjobs.queries.exports import check_fields
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.parameters import (
    choice_parameter,
    flag_parameter,
    list_parameter,
    sort_parameter,
    text_parameter,
)
from contacthub_project.api.parsers import json_object
from contacthub_project.api.query import QueryParameters, SortKey
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.errors import FieldError, Invalid
from contacthub_project.core.strict_json import parse_json
from customers.api.search_parameters import LONGEST_QUERY, search_expression
from customers.queries.search import is_sortable

BY_ID = (SortKey("id", descending=False),)
FORMATS = [each.value for each in ExportFormat]
CUSTOMER_EXPORT_PARAMETERS = [
    list_parameter("fields", "Only columns at or below these dotted paths; the `id` comes always."),
    sort_parameter(None, "id"),
    choice_parameter("format", FORMATS, "The kind of file.", default=ExportFormat.CSV.value),
    flag_parameter("excel", "Whether CSV begins with a byte order mark."),
]
EXPORT_PARAMETERS = [
    choice_parameter(
        "entity", BulkJobEntity.values, "What is exported.", default=BulkJobEntity.CUSTOMER.value
    ),
    choice_parameter("eventType", EVENT_TYPES, "The type of the events; required for events."),
    text_parameter(
        "query",
        "Only customers that fit a condition in the query language, as JSON.",
        longest=LONGEST_QUERY,
    ),
    *CUSTOMER_EXPORT_PARAMETERS,
]
NAMES = frozenset({"entity", "eventType", "query", "fields", "sort", "format", "excel"})
BODY_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """The content and the format of an export."""

    export: Export
    file_format: ExportFormat
    has_mark: bool


def given_values(request: HttpRequest, names: Collection[str] = NAMES) -> QueryDict:
    """Return the parameters of a request, by its query or by the JSON object of its body.

    `names` are the known ones. Raises Invalid for a body with others, and for parameters in both.
    """
    values = request.GET.copy()
    has_body = request.META.get("CONTENT_LENGTH") not in {None, "", "0"}
    if not has_body and "HTTP_TRANSFER_ENCODING" not in request.META:
        return values
    faults = []
    for name, value in json_object(request, limit=BODY_LIMIT).items():
        if name not in names:
            faults.append(FieldError(f"/{name}", "is not known", "unknown"))
        elif name in values:
            faults.append(FieldError(f"/{name}", "is given in the query too", "contradiction"))
        elif value is not None:
            values.setlist(name, _texts_of(name, value, faults))
    if faults:
        raise Invalid(errors=faults)
    return values


def _texts_of(name: str, value: Any, faults: list[FieldError]) -> list[str]:
    """Return a value of a body in the form of the query."""
    if name == "query" and isinstance(value, dict):
        return [orjson.dumps(value).decode()]
    if name == "excel" and isinstance(value, bool):
        return [str(value).lower()]
    listed = value if name in {"fields", "sort"} and isinstance(value, list) else [value]
    if name != "excel" and all(isinstance(each, str) for each in listed):
        return listed
    faults.append(FieldError(f"/{name}", "is of another type", "type"))
    return []


def export_request(
    values: QueryDict, workspace: WorkspaceRules, date_format: DateFormat
) -> ExportRequest:
    """Read the parameters of an export; raises Invalid with every fault."""
    parameters = QueryParameters.of_values(values)
    entity = parameters.choice("entity", BulkJobEntity.values, default=BulkJobEntity.CUSTOMER.value)
    event_type = parameters.choice("eventType", list(EVENT_TYPES), default=None)
    is_of_events = entity == BulkJobEntity.EVENT or event_type is not None
    if entity == BulkJobEntity.EVENT and event_type is None:
        parameters.fault("eventType", "is required for events")
    query = parameters.text("query", longest=LONGEST_QUERY)
    sort = parameters.sort(default=BY_ID)
    if is_of_events:
        for name in ("query", "sort"):
            if parameters.has(name):
                parameters.fault(name, "is for customers only")
    else:
        for key in sort:
            if not is_sortable(workspace.customer_schema, key.field):
                parameters.fault("sort", f"customers cannot be sorted by {key.field}")
    fields = parameters.listed("fields")
    if not parameters.faults:
        unknown = check_fields(workspace, event_type, fields)
        if unknown is not None:
            parameters.fault("fields", f"{unknown} is no column of the export")
    file_format = parameters.choice("format", FORMATS, default=ExportFormat.CSV.value)
    has_mark = parameters.flag("excel", default=False)
    parameters.raise_faults()
    document = None
    if query is not None:
        search_expression(query, workspace)
        document = parse_json(query.encode())
    export = Export(event_type, document, fields, tuple(sort), date_format)
    return ExportRequest(export, ExportFormat(file_format), has_mark)
