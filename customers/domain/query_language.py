"""The query language of customer searches: is a query well formed, and about known things?

A query is `simple` (conditions that the customer fulfils, `are`, and an event that it has, `did`)
or `combined` (INTERSECT, UNION or EXCEPT of queries). On the wire it comes within
`{"name": …, "query": …}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from configuration.domain.conditions import Attributes, condition_faults, unknown_key_faults
from contacthub_project.core.errors import FieldError

CONJUNCTIONS = {
    "INTERSECT": "INTERSECT", "AND": "INTERSECT",
    "UNION": "UNION", "OR": "UNION",
    "EXCEPT": "EXCEPT",
}  # fmt: skip
DEEPEST = 10
MOST_QUERIES = 50

# Everything wrong with what a query says of events (`did`), which customers know nothing of.
DidFaults = Callable[[Any, str], list[FieldError]]


def query_faults(document: Any, schema: Attributes, did_faults: DidFaults) -> list[FieldError]:
    """Everything wrong with a query in its envelope; pointers lead into the envelope."""
    if not isinstance(document, dict):
        return [FieldError("", "must be an object", "type")]
    faults = unknown_key_faults(document, {"name", "query"}, "")
    faults += _Check(schema, did_faults).query(document.get("query"), "/query", depth=1)
    return faults


class _Check:
    def __init__(self, schema: Attributes, did_faults: DidFaults) -> None:
        self._schema = schema
        self._did_faults = did_faults
        self._queries = 0

    def query(self, query: Any, at: str, *, depth: int) -> list[FieldError]:
        if not isinstance(query, dict):
            return [FieldError(at, "must be an object", "type")]
        self._queries += 1
        if depth > DEEPEST:
            return [FieldError(at, f"is nested deeper than {DEEPEST} levels", "depth")]
        if self._queries > MOST_QUERIES:
            return [FieldError(at, f"is one of more than {MOST_QUERIES} queries", "maxItems")]
        if query.get("type") == "simple":
            return self._simple(query, at)
        if query.get("type") == "combined":
            return self._combined(query, at, depth)
        return [FieldError(f"{at}/type", "must be simple or combined", "enum")]

    def _simple(self, query: Mapping[str, Any], at: str) -> list[FieldError]:
        faults = unknown_key_faults(query, {"type", "name", "are", "did"}, at)
        are, did = query.get("are"), query.get("did")
        if are is None and did is None:
            faults.append(FieldError(at, "needs are or did", "required"))
        if are is not None:
            faults += self._are(are, f"{at}/are")
        if did is not None:
            faults += self._did_faults(did, f"{at}/did")
        return faults

    def _are(self, are: Any, at: str) -> list[FieldError]:
        if not isinstance(are, dict):
            return [FieldError(at, "must be an object", "type")]
        faults = unknown_key_faults(are, {"condition", "name"}, at)
        return faults + condition_faults(are.get("condition"), self._schema, at=f"{at}/condition")

    def _combined(self, query: Mapping[str, Any], at: str, depth: int) -> list[FieldError]:
        faults = unknown_key_faults(query, {"type", "name", "conjunction", "queries"}, at)
        if conjunction_of(query) is None:
            known = "INTERSECT, UNION or EXCEPT"
            faults.append(FieldError(f"{at}/conjunction", f"must be {known}", "enum"))
        inner = query.get("queries")
        if not isinstance(inner, list) or not inner:
            faults.append(FieldError(f"{at}/queries", "must be a list of queries", "type"))
            return faults
        for index, each in enumerate(inner):
            faults += self.query(each, f"{at}/queries/{index}", depth=depth + 1)
        return faults


def conjunction_of(query: Mapping[str, Any]) -> str | None:
    """INTERSECT, UNION or EXCEPT of a combined query, which may be spelled and or or."""
    conjunction = query.get("conjunction")
    return CONJUNCTIONS.get(conjunction.upper()) if isinstance(conjunction, str) else None


def attributes_all_equal(query: Mapping[str, Any]) -> set[str] | None:
    """The attributes for which a (valid) query demands a value each, all of them at once.

    None for a query that asks anything else: another operator, alternatives, what customers did.
    """
    attributes = set()
    for part in _parts(query):
        fits = {
            "simple": part.get("did") is None,
            "atomic": part.get("operator") == "EQUALS",
            "composite": str(part.get("conjunction")).lower() == "and",
            "combined": conjunction_of(part) == "INTERSECT",
        }
        if not fits[part["type"]]:
            return None
        if part["type"] == "atomic":
            attributes.add(part["attribute"])
    return attributes


def _parts(query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The query, its queries and its conditions on customers, at every depth."""
    yield query
    inner = [*query.get("queries", ()), *query.get("conditions", ())]
    if query.get("are") is not None:
        inner.append(query["are"]["condition"])
    for part in inner:
        yield from _parts(part)
