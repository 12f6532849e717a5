"""The current definitions of a workspace's segments: parsed queries without references."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from cachetools import LRUCache

from configuration.domain.conditions import Comparison, nodes_of
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import FieldError
from customers.domain.query_language import Did, InSegment
from customers.queries.search import behaviour_queries, parse_search_query
from segments.domain.dependencies import Dependencies
from segments.domain.expansion import NotExpandable, OnList, Parsed, expanded
from segments.domain.without_events import may_match_without_events
from segments.models import Segment

MEANING = 1  # to be raised when queries come to mean something else, so that all are evaluated anew
MOST_WORKSPACES = 200


@dataclass(frozen=True, slots=True)
class Definition:
    """A valid segment; `expression` refers to no other one.

    `attributes` of customers and `event_types` are what it looks at. `may_match_without_events`
    tells whether a customer without any event can be in it. `fingerprint` is that of
    everything that decides who is in it.
    """

    id: UUID
    node_id: UUID
    expression: Any
    event_types: frozenset[str]
    attributes: frozenset[str]
    may_match_without_events: bool
    fingerprint: str


@dataclass(frozen=True)
class Definitions:
    """The valid segments of a workspace, and the faults of the others."""

    valid: Mapping[UUID, Definition]
    faults: Mapping[UUID, str]

    @cached_property
    def dependencies(self) -> Dependencies:
        """The index from paths and types of events to the valid segments."""
        found = Dependencies()
        for each in self.valid.values():
            found.add(each.id, each.attributes, each.event_types)
        return found

    def of_node(self, node_id: UUID) -> list[Definition]:
        """Return the valid segments of a node."""
        return [each for each in self.valid.values() if each.node_id == node_id]

    def among(self, ids: Iterable[UUID]) -> list[Definition]:
        """Return the valid ones of the segments."""
        return [self.valid[each] for each in ids if each in self.valid]


_lock = threading.Lock()
_known: LRUCache[UUID, tuple[Any, Definitions]] = LRUCache(MOST_WORKSPACES)


def definitions_of(workspace: WorkspaceRules) -> Definitions:
    """Return the current segments of a workspace; cached until something changes."""
    segments = Segment.objects.present(workspace.id).order_by("id")
    stamp = (workspace.version, tuple(segments.values_list("id", "version")))
    with _lock:
        known = _known.get(workspace.id)
    if known is not None and known[0] == stamp:
        return known[1]
    rows = list(segments.only("id", "workspace_id", "node_id", "name", "query", "version"))
    definitions = _definitions(workspace, rows)
    if (workspace.version, tuple((row.id, row.version) for row in rows)) == stamp:
        with _lock:
            _known[workspace.id] = stamp, definitions
    return definitions


def parsed_segments(workspace: WorkspaceRules) -> dict[UUID, Parsed]:
    """Return the segments of a workspace, each query parsed by itself."""
    rows = Segment.objects.present(workspace.id)
    return {row.id: _parsed(workspace, row) for row in rows}


def definition_of(
    workspace: WorkspaceRules, parsed: Parsed, others: Mapping[UUID, Parsed]
) -> Definition:
    """Return the definition of a segment; raises NotExpandable."""
    node = workspace.nodes.get(parsed.node_id)
    if node is None:
        raise NotExpandable("is of a node that is no more")
    if parsed.expression is None:
        expression: Any = InSegment(OnList(parsed.id))
    else:
        expression = expanded(parsed.expression, parsed.node_id, others, (parsed.id,))
    parts = list(nodes_of(expression))
    behaviours = [each.behaviour for each in parts if isinstance(each, Did)]
    return Definition(
        id=parsed.id,
        node_id=parsed.node_id,
        expression=expression,
        event_types=frozenset(
            name for each in behaviours for name in behaviour_queries().event_types(each)
        ),
        attributes=frozenset(each.attribute for each in parts if isinstance(each, Comparison)),
        may_match_without_events=may_match_without_events(expression),
        fingerprint=_fingerprint(workspace, node, expression),
    )


def _definitions(workspace: WorkspaceRules, rows: Sequence[Segment]) -> Definitions:
    parsed = {row.id: _parsed(workspace, row) for row in rows}
    queries = {row.id: row.query for row in rows}
    valid: dict[UUID, Definition] = {}
    faults: dict[UUID, str] = {}
    for segment_id, each in parsed.items():
        if each.faults:
            faults[segment_id] = _reason(each.faults, queries[segment_id])
            continue
        try:
            valid[segment_id] = definition_of(workspace, each, parsed)
        except NotExpandable as failure:
            faults[segment_id] = f"The query {failure}"
    return Definitions(valid, faults)


def _parsed(workspace: WorkspaceRules, row: Segment) -> Parsed:
    expression: Any = None
    faults: list[FieldError] = []
    if row.query is not None:
        expression, faults = parse_search_query(row.query, workspace)
    return Parsed(row.id, row.node_id, row.name, expression, faults)


def _reason(faults: Iterable[FieldError], query: Any) -> str:
    """Return what is wrong with a query, in one sentence."""
    texts = [f"{_named(fault.path, query)} {fault.message}" for fault in faults]
    return "The query is no longer valid: " + "; ".join(texts)[:2000]


def _named(pointer: str, query: Any) -> str:
    """Return the pointer, or the text that it leads to in the query."""
    found = query
    for part in pointer.split("/")[1:]:
        if isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, str) else pointer


def _fingerprint(workspace: WorkspaceRules, node: NodeRules, expression: Any) -> str:
    """Return a digest of all that decides who matches, besides customers, events and lists."""
    matching = node.matching
    decides = (
        MEANING, workspace.timezone, matching.properties, matching.case_sensitive, matching.rules,
        node.type, sorted(map(str, node.entry_nodes)), expression,
    )  # fmt: skip
    return hashlib.sha256(repr(decides).encode("utf-8", "surrogatepass")).hexdigest()
