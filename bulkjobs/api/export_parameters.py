"""The query parameters of exports."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from bulkjobs.models import BulkJobEntity
from bulkjobs.queries.export_files import ExportFormat
from bulkjobs.queries.exports import Export, check_fields
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.parameters import (
    choice_parameter,
    flag_parameter,
    list_parameter,
    sort_parameter,
    text_parameter,
)
from contacthub_project.api.query import QueryParameters, SortKey
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.strict_json import parse_json
from customers.api.search_parameters import LONGEST_QUERY, search_expression
from customers.queries.search import is_sortable

BY_ID = (SortKey("id", descending=False),)
FORMATS = [each.value for each in ExportFormat]
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
    list_parameter("fields", "Only columns at or below these dotted paths; the `id` comes always."),
    sort_parameter(None, "id"),
    choice_parameter("format", FORMATS, "The kind of file.", default=ExportFormat.CSV.value),
    flag_parameter("excel", "Whether CSV begins with a byte order mark."),
]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to go out, and as what file."""

    export: Export
    file_format: ExportFormat
    has_mark: bool


def export_request(
    request: HttpRequest, workspace: WorkspaceRules, date_format: DateFormat
) -> ExportRequest:
    """What a client asks for; raises Invalid naming every fault."""
    parameters = QueryParameters(request)
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
