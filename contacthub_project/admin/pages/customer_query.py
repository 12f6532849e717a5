"""Translates the search box and the rules of the customer list to the query language."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from configuration.queries.rules import rules_of as workspace_rules
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.core.identifiers import as_uuid
from customers.admin.rule_trees import Tree, UnreadableRules, query_of, read_tree
from customers.domain.paths import value_at
from customers.domain.query_documents import (
    AtomicCondition,
    CompositeCondition,
    ConditionDocument,
    QueryDocument,
    QueryEnvelope,
    SimpleQuery,
)

EVERYBODY: QueryEnvelope = {
    "name": "",
    "query": {
        "type": "simple",
        "name": "",
        "are": {
            "condition": {
                "type": "atomic", "attribute": "id", "operator": "IS_NOT_NULL", "value": "",
            }
        },
    },
}  # fmt: skip
MOST_WORDS = 10
SEARCHED = (
    "base.firstName", "base.lastName", "base.contacts.email", "base.contacts.mobilePhone",
    "externalId",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListSearch:
    """What the list of customers is searched for.

    `segment` is the id of one that they must be in, or empty. `query` is the API's with all of it,
    None for everybody. `fault` says what is wrong with the rules; then the list shows nobody.
    """

    query: QueryEnvelope | None
    rules: Tree
    fault: str = ""
    segment: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the API's search and exports."""
        return {} if self.query is None else {"query": json.dumps(self.query)}


def list_search(parameters: Any) -> ListSearch:
    """Return the search in the parameters of the list's form."""
    try:
        rules, fault = read_tree(parameters.get("rules", "")), ""
    except UnreadableRules as unreadable:
        rules, fault = {"match": "all", "rules": []}, str(unreadable)
    chosen = as_uuid(parameters.get("segment", ""))
    segment = "" if chosen is None else str(chosen)
    query = search_of(parameters.get("q", ""), rules, segment)
    return ListSearch(query, rules, fault, segment)


def parameters_of_ids(ids: Sequence[str]) -> dict[str, str]:
    """Return the parameters of a search for customers by their ids."""
    return {"query": json.dumps({"name": "", "query": _simple(_condition("id", "IN", ids))})}


def search_of(quick: str, rules: Tree, segment: str = "") -> QueryEnvelope | None:
    """Return the search in the API's query language, None for all customers."""
    conditions, excluded = _quick(quick)
    queries: list[QueryDocument] = []
    if excluded and not conditions:
        conditions.append(_condition("id", "IS_NOT_NULL", ""))
    if conditions:
        queries.append(_simple(_all_of(conditions)))
    built = query_of(rules)
    queries += [built] if built else []
    if segment:
        queries.append({"type": "simple", "segment": segment})
    if not queries:
        return None
    query = queries[0]
    if len(queries) > 1:
        query = {"type": "combined", "conjunction": "INTERSECT", "queries": queries}
    if excluded:
        left_out: list[QueryDocument] = [_simple(each) for each in excluded]
        query = {"type": "combined", "conjunction": "EXCEPT", "queries": [query, *left_out]}
    return {"name": "", "query": query}


def _simple(condition: ConditionDocument) -> SimpleQuery:
    return {"type": "simple", "name": "", "are": {"condition": condition}}


def _all_of(conditions: list[ConditionDocument]) -> CompositeCondition:
    return {"type": "composite", "conditions": conditions, "conjunction": "and"}


def _quick(text: str) -> tuple[list[ConditionDocument], list[ConditionDocument]]:
    """Parse the search box; return the conditions that must hold, and those that exclude.

    Each word must be in one of SEARCHED, in any case and with or without diacritics; `-word` in
    none of them; `"a@b.it"` is that e-mail address exactly.
    """
    lexer = shlex.shlex(text, posix=False)
    lexer.whitespace_split, lexer.commenters, lexer.quotes = True, "", '"'
    try:
        words = list(lexer)
    except ValueError:
        words = text.split()
    required: list[ConditionDocument] = []
    excluded: list[ConditionDocument] = []
    for word in words[:MOST_WORDS]:
        bare = word.strip('"')
        if word.startswith('"') and bare:
            required.append(_condition("base.contacts.email", "EQUALS", bare))
        elif word.startswith("-") and len(word) > 1:
            excluded.append(_anywhere(word[1:]))
        elif bare:
            required.append(_anywhere(bare))
    return required, excluded


def _anywhere(word: str) -> CompositeCondition:
    conditions: list[ConditionDocument] = [
        _condition(each, "CONTAINS_FOLDED", word) for each in SEARCHED
    ]
    return {"type": "composite", "conditions": conditions, "conjunction": "or"}


def _condition(attribute: str, operator: str, value: Any) -> AtomicCondition:
    condition: AtomicCondition = {
        "type": "atomic",
        "attribute": attribute,
        "operator": operator,
    }
    if not operator.startswith("IS_"):
        condition["value"] = value
    return condition


def known_customer(
    office: WorkspaceContext, node_id: str, body: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the node's customer that matches a new one, None if there is none."""
    workspace = workspace_rules(office.workspace_id)
    node = workspace.nodes.get(UUID(node_id)) if workspace else None
    if node is None:
        return None
    for rule in node.matching.all_rules:
        values = {path: value_at(body, path) for path in rule.paths}
        if any(value in (None, "") for value in values.values()):
            continue  # the API names what is missing
        conditions: list[ConditionDocument] = [
            _condition(path, "EQUALS", value) for path, value in values.items()
        ]
        query: QueryEnvelope = {"name": "", "query": _simple(_all_of(conditions))}
        found = office.api.get(
            f"{office.path}/customers", {"nodeId": node_id, "size": 1, "query": json.dumps(query)}
        )
        if found.is_good and found.json["elements"]:
            return dict(found.json["elements"][0])
    return None
