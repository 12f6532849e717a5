"""The query parameters of the event search."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from configuration.api.schema import EVENT_CONTEXT, EVENT_TYPE, MODES
from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.cursors import CursorPage
from contacthub_project.api.parameters import (
    CURSOR,
    ENTITY_PAGE,
    choice_parameter,
    id_parameter,
    list_parameter,
    moment_parameter,
    sort_parameter,
    text_parameter,
)
from contacthub_project.api.query import QueryParameters, SortKey
from contacthub_project.core.identifiers import canonical_identifier
from events.queries.search import NEWEST_FIRST, SORTED_BY

SEARCH_PARAMETERS = [
    *ENTITY_PAGE,
    CURSOR,
    id_parameter("customerId", "Of one customer; an unknown one has no events."),
    id_parameter("nodeId", "Of one node; without it, of all the caller may read."),
    text_parameter("externalId", "With this id of the client's own."),
    list_parameter("type", "Of these types.", EVENT_TYPE),
    list_parameter("context", "In these contexts.", EVENT_CONTEXT),
    choice_parameter(
        "mode", MODES, "What customers did (ACTIVE), or what was done to them (PASSIVE)."
    ),
    moment_parameter("dateFrom", "From this moment on; a date is the whole day."),
    moment_parameter("dateTo", "Up to this moment; a date is the whole day."),
    sort_parameter(SORTED_BY, "date,desc"),
]


@dataclass(frozen=True, slots=True)
class SearchParameters:
    """The parameters of a search; empty lists and None do not restrict.

    `date_from` and `before` are text: from that moment on, and before that one.
    """

    customer_id: str | None
    node_id: str | None
    external_id: str | None
    types: list[str]
    contexts: list[str]
    date_from: str | None
    before: str | None
    sort: Sequence[SortKey]
    page: CursorPage

    @classmethod
    def read(cls, request: HttpRequest, workspace: WorkspaceRules) -> SearchParameters:
        """Read the parameters; raises Invalid with every fault."""
        parameters = QueryParameters(request)
        customer_id, node_id = parameters.text("customerId"), parameters.text("nodeId")
        external_id = canonical_identifier(parameters.text("externalId") or "") or None
        types = _types(parameters)
        contexts = _names(parameters, "context", CONTEXTS)
        zone = workspace.zone
        earliest, latest = parameters.span("dateFrom", zone), parameters.span("dateTo", zone)
        sort = _sort(parameters)
        order = [[key.field, key.descending] for key in sort]
        # Relative dates as they were sent: a cursor remains valid although time passes.
        dates = [parameters.text("dateFrom"), parameters.text("dateTo")]
        filters = [external_id, types, contexts, *dates]
        scope = ["events", workspace.id, customer_id, node_id, filters, order]
        page = CursorPage.from_query(parameters, scope)
        parameters.raise_faults()
        return cls(
            customer_id=customer_id,
            node_id=node_id,
            external_id=external_id,
            types=types,
            contexts=contexts,
            date_from=None if earliest is None else earliest.first,
            before=None if latest is None else latest.after,
            sort=sort,
            page=page,
        )


def _sort(parameters: QueryParameters) -> Sequence[SortKey]:
    keys = parameters.sort(default=NEWEST_FIRST)
    for key in keys:
        if key.field not in SORTED_BY:
            parameters.fault("sort", f"must be one of {', '.join(SORTED_BY)}")
    return keys


def _types(parameters: QueryParameters) -> list[str]:
    """Return the types selected by `type` and `mode`; empty for all."""
    types = _names(parameters, "type", EVENT_TYPES)
    mode = parameters.choice("mode", MODES, default=None)
    if mode is None:
        return types
    fitting = [name for name, event in EVENT_TYPES.items() if event.mode == mode]
    types = [name for name in types if name in fitting] if types else fitting
    return types or [""]  # types of the other mode only: no match


def _names(parameters: QueryParameters, name: str, known: Container[str]) -> list[str]:
    """Return the names of a comma-separated parameter, each of which must be known."""
    given = parameters.listed(name)
    for each in given:
        if each not in known:
            parameters.fault(name, f"{each} is not known")
    return given
