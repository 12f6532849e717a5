"""Replaces references to segments in queries by the queries of these segments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from configuration.domain.conditions import AllOf, AnyOf, Not, nodes_of
from contacthub_project.core.errors import FieldError
from customers.domain.query_language import InSegment

MOST_PARTS = 2000  # of a query with everything that it refers to


@dataclass(frozen=True, slots=True)
class SegmentReference:
    """True for the members of a segment."""

    segment_id: UUID


@dataclass(frozen=True, slots=True)
class OnList:
    """True for customers on the list of a static segment."""

    segment_id: UUID


@dataclass(frozen=True, slots=True)
class Parsed:
    """A segment whose query is parsed; `expression` is None for static ones."""

    id: UUID
    node_id: UUID
    name: str
    expression: Any
    faults: Sequence[FieldError] = ()


class NotExpandable(Exception):
    """A query refers to a segment that it cannot refer to; the message says why."""


def referred(expression: Any) -> set[UUID]:
    """Return the segments that an expression refers to by itself."""
    return {
        node.segment.segment_id
        for node in nodes_of(expression)
        if isinstance(node, InSegment) and isinstance(node.segment, SegmentReference)
    }


def expanded(
    expression: Any, node_id: UUID, segments: Mapping[UUID, Parsed], above: tuple[UUID, ...] = ()
) -> Any:
    """Return an expression of a node's customers in which no reference to a segment is left.

    `above` are the segments whose queries lead to it. Raises NotExpandable.
    """
    count = 0

    def of_segment(segment_id: UUID, above: tuple[UUID, ...]) -> Any:
        found = segments.get(segment_id)
        if found is None:
            raise NotExpandable("refers to a segment that is no more")
        if segment_id in above:
            raise NotExpandable(f'is a circle: the segment "{found.name}" refers to itself')
        if found.node_id != node_id:
            raise NotExpandable(f'refers to the segment "{found.name}" of another node')
        if found.faults:
            raise NotExpandable(f'refers to the segment "{found.name}", which is not valid')
        if found.expression is None:
            return InSegment(OnList(segment_id))
        return walked(found.expression, (*above, segment_id))

    def walked(part: Any, above: tuple[UUID, ...]) -> Any:
        nonlocal count
        count += 1
        if count > MOST_PARTS:
            raise NotExpandable(f"has more than {MOST_PARTS} parts with the segments in it")
        if isinstance(part, InSegment) and isinstance(part.segment, SegmentReference):
            return of_segment(part.segment.segment_id, above)
        return _mapped(part, lambda inner: walked(inner, above))

    return walked(expression, above)


def _mapped(part: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(part, AllOf):
        return AllOf(tuple(change(each) for each in part.parts))
    if isinstance(part, AnyOf):
        return AnyOf(tuple(change(each) for each in part.parts))
    if isinstance(part, Not):
        return Not(change(part.part))
    return part
