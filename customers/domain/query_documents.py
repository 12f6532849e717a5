"""Types of the query language's JSON documents, for code that writes queries.

Documents that clients send are untrusted: `customers.domain.query_language` parses them.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AtomicCondition(TypedDict):
    """A comparison of an attribute; IS_NULL and IS_NOT_NULL have no value."""

    type: Literal["atomic"]
    attribute: str
    operator: str
    value: NotRequired[Any]
    name: NotRequired[str]


class CompositeCondition(TypedDict):
    """Conditions of which all or any must be true."""

    type: Literal["composite"]
    conjunction: Literal["and", "or"]
    conditions: list[AtomicCondition | CompositeCondition]
    name: NotRequired[str]


ConditionDocument = AtomicCondition | CompositeCondition


class Are(TypedDict):
    """A condition on the customer."""

    condition: ConditionDocument
    name: NotRequired[str]


class DidEvent(TypedDict):
    """The type of the events of a behaviour."""

    name: str


class Did(TypedDict):
    """A condition on the customer's events."""

    event: DidEvent
    condition: NotRequired[ConditionDocument]
    timeframe: NotRequired[ConditionDocument]
    having: NotRequired[list[dict[str, Any]]]


class SimpleQuery(TypedDict):
    """Conditions on a customer and on its events, and the id of a segment that it is in."""

    type: Literal["simple"]
    name: NotRequired[str]
    are: NotRequired[Are]
    did: NotRequired[Did]
    segment: NotRequired[str]


class CombinedQuery(TypedDict):
    """The intersection, union or difference of queries."""

    type: Literal["combined"]
    conjunction: Literal["INTERSECT", "UNION", "EXCEPT"]
    queries: list[SimpleQuery | CombinedQuery]
    name: NotRequired[str]


QueryDocument = SimpleQuery | CombinedQuery


class QueryEnvelope(TypedDict):
    """A query as the API takes it."""

    name: NotRequired[str]
    query: QueryDocument
