"""The query parameters of the customer search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.http import HttpRequest

from configuration.domain.conditions import AllOf
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.cursors import CursorPage
from contacthub_project.api.parameters import (
    CURSOR,
    ENTITY_PAGE,
    id_parameter,
    list_parameter,
    sort_parameter,
    text_parameter,
)
from contacthub_project.api.query import QueryParameters, SortKey
from contacthub_project.core.errors import Invalid
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.strict_json import parse_json
from customers.domain.projection import FieldSelection, field_selection
from customers.domain.query_language import Expression
from customers.queries.search import (
    NEWEST_FIRST,
    Search,
    is_sortable,
    parse_search_query,
    segment_condition,
)

LONGEST_QUERY = 64 * 1024
# Names that `fields` accepts besides the properties of the schema.
WHOLE_FIELDS = frozenset({"base", "consents", "extended", "tags", "deleted", "sourceInfo"})
SEARCH_PARAMETERS = [
    *ENTITY_PAGE,
    CURSOR,
    id_parameter("nodeId", "The node whose customers are searched.", required=True),
    text_parameter("externalId", "Only the customer with this id of the client's own."),
    id_parameter("segmentId", "Only customers in this segment of the node."),
    text_parameter("query", "A condition in the query language, as JSON.", longest=LONGEST_QUERY),
    list_parameter(
        "fields",
        "Only these properties, by their dotted paths, such as `base.contacts.email`; the"
        " `id` comes always. What is asked for and absent is null, what is not asked for"
        " is left out.",
    ),
    sort_parameter(None, "updatedAt,desc"),
]


@dataclass(frozen=True, slots=True)
class SearchParameters:
    """The parameters of a search; `fields` is empty for whole customers."""

    node_id: str
    external_id: str | None
    fields: FieldSelection
    sort: Sequence[SortKey]
    query: str | None
    segment_id: str | None
    page: CursorPage

    @classmethod
    def read(cls, request: HttpRequest, workspace: WorkspaceRules) -> SearchParameters:
        """Read the parameters; raises Invalid with every fault, except of the query's JSON."""
        parameters = QueryParameters(request)
        node_id = parameters.text("nodeId")
        if not node_id:
            parameters.fault("nodeId", "is required")
        external_id = _external_id(parameters)
        fields = selected_fields(parameters, workspace)
        sort = requested_order(parameters, workspace)
        query = parameters.text("query", longest=LONGEST_QUERY)
        segment_id = parameters.text("segmentId")
        order = [[key.field, key.descending] for key in sort]
        scope = ["customers", workspace.id, node_id, external_id, query, order]
        if segment_id is not None:
            scope.append(segment_id)
        page = CursorPage.from_query(parameters, scope)
        parameters.raise_faults()
        return cls(node_id or "", external_id, fields, sort, query, segment_id, page)

    def search(self, workspace: WorkspaceRules) -> Search:
        """Return the search; raises Invalid with pointers into the query's JSON."""
        expression = search_expression(self.query, workspace)
        if self.segment_id is not None:
            segment, faults = segment_condition(self.segment_id, workspace, at="/segmentId")
            if segment is None:
                raise Invalid("The query parameters are not valid", errors=faults)
            expression = segment if expression is None else AllOf((expression, segment))
        return Search(self.external_id, expression, self.sort, self.page.page, self.page.after)


def _external_id(parameters: QueryParameters) -> str | None:
    """Return the external id to look up, in its stored form."""
    given = parameters.text("externalId")
    if given is None:
        return None
    if not given.strip():
        parameters.fault("externalId", "must not be blank")
    return canonical_identifier(given)


def selected_fields(parameters: QueryParameters, workspace: WorkspaceRules) -> FieldSelection:
    """Return the properties to select, always with the id; empty for all."""
    names = parameters.listed("fields")
    for name in names:
        if name not in WHOLE_FIELDS and workspace.customer_schema.kind_of(name) is None:
            parameters.fault("fields", f"{name} is not a property of customers")
    return field_selection(["id", *names]) if names else {}


def requested_order(parameters: QueryParameters, workspace: WorkspaceRules) -> Sequence[SortKey]:
    """Return the requested sort keys; the latest changed first by default."""
    keys = parameters.sort(default=NEWEST_FIRST)
    for key in keys:
        if not is_sortable(workspace.customer_schema, key.field):
            parameters.fault("sort", f"customers cannot be sorted by {key.field}")
    return keys


def search_expression(text: str | None, workspace: WorkspaceRules) -> Expression | None:
    """Return the parsed query of the parameter; raises Invalid with pointers into its JSON."""
    if text is None:
        return None
    query = None
    try:
        document = parse_json(text.encode("utf-8", "surrogatepass"))
        query, errors = parse_search_query(document, workspace)
    except Invalid as invalid:
        errors = invalid.errors
    if errors:
        raise Invalid(
            "The query is not valid",
            errors=[replace(error, path=f"/query{error.path}") for error in errors],
        )
    return query
