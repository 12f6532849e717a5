from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db.models import DateTimeField, QuerySet, Value
from django.db.models.functions import Cast
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from configuration.models import Node
from contacthub_project.api.filters import (
    ChoiceFilter,
    FilterSet,
    FlagFilter,
    IdFilter,
    IdsFilter,
    MomentFilter,
    NumberFilter,
    SortFilter,
    TextFilter,
)
from contacthub_project.core.date_spans import Clock, span_of
from tests.factories import Hub, make_workspace

KINDS = ("ENTRY", "AGGREGATE")


class NodeFilterSet(FilterSet):
    kind = ChoiceFilter("type", choices=KINDS, help_text="Nodes of this kind.")
    name = TextFilter("name", longest=10, help_text="By name.")
    version = NumberFilter("version", least=1, most=9, help_text="By version.")
    caseSensitive = FlagFilter("case_sensitive", help_text="By case.")
    id = IdFilter("id", help_text="One node.")
    ids = IdsFilter("id", help_text="Several nodes.")
    since = MomentFilter(method="filter_since", help_text="Nodes made since then.")
    sort = SortFilter({"name": "name", "made": "created_at"}, default="made,desc")

    def filter_since(self, rows: QuerySet[Node], name: str, value: Any) -> QuerySet[Node]:
        start = span_of(value, Clock(datetime.now(UTC), UTC)).first
        return rows.filter(created_at__gte=Cast(Value(start), DateTimeField()))


class RequiredFilterSet(FilterSet):
    node = IdFilter("id", required=True, help_text="One node.")


def filters(query: str) -> NodeFilterSet:
    return NodeFilterSet(QueryDict(query))


def places(query: str) -> list[str]:
    return [fault.path for fault in filters(query).faults]


def found(query: str) -> list[str]:
    requested = filters(query)
    assert requested.faults == []
    return [node.name for node in requested.filter_queryset(Node.objects.all())]


@pytest.fixture
def nodes(db: None) -> dict[str, Node]:
    workspace = make_workspace()
    made = [
        Node.objects.create(workspace=workspace, name=name, version=number, type=kind)
        for number, (name, kind) in enumerate(
            [("b", "ENTRY"), ("a", "AGGREGATE"), ("c", "ENTRY")], start=1
        )
    ]
    return {node.name: node for node in made}


def test_a_filter_compares_its_field(nodes: dict[str, Node]) -> None:
    assert found("") == ["c", "a", "b"]
    assert found("kind=ENTRY") == ["c", "b"]
    assert found("kind=ENTRY&version=1") == ["b"]
    assert found("caseSensitive=TRUE") == []
    assert found("caseSensitive=false&name=a") == ["a"]
    assert found(f"id={nodes['a'].id}") == ["a"]
    assert found("id=x") == []
    assert found(f"ids={nodes['a'].id},{nodes['b'].id}&ids=x") == ["a", "b"]
    assert found("since=2020-01-01T00:00:00Z") == ["c", "a", "b"]
    assert found("since=2999-01-01T00:00:00Z") == []


def test_the_order_is_the_requested_one(nodes: dict[str, Node]) -> None:
    assert found("sort=name") == ["a", "b", "c"]
    assert found("sort=name,desc") == ["c", "b", "a"]
    assert found("sort=made,asc") == ["b", "a", "c"]


def test_a_parameter_without_a_value_is_not_given(nodes: dict[str, Node]) -> None:
    assert found("kind=&name=&version=&caseSensitive=&id=&ids=,&since=&sort=") == ["c", "a", "b"]
    assert found("kind=ENTRY&kind=") == ["c", "b"]
    assert found("other=x") == ["c", "a", "b"]


def test_every_fault_is_reported_in_the_order_of_the_filters() -> None:
    query = (
        "kind=X&name=12345678901&version=0&caseSensitive=1&id=%00&since=soon"
        "&sort=x&sort=name,up&other=x"
    )
    assert places(query) == [
        "/kind", "/name", "/version", "/caseSensitive", "/id", "/since", "/sort", "/sort",
    ]  # fmt: skip
    assert {fault.code for fault in filters(query).faults} == {"query"}
    assert places("version=10") == ["/version"]
    assert places("ids=" + ",".join(str(uuid.uuid4()) for _ in range(101))) == ["/ids"]
    assert places("&".join(["sort=name"] * 6)) == ["/sort"]


def test_what_is_required_is_missed() -> None:
    for query in ("", "node="):
        faults = RequiredFilterSet(QueryDict(query)).faults
        assert [(fault.path, fault.message) for fault in faults] == [("/node", "is required")]


@given(st.dictionaries(st.sampled_from(list(NodeFilterSet.base_filters)), st.text(), max_size=4))
def test_any_text_is_read_or_refused(values: dict[str, str]) -> None:
    requested = filters(urlencode(values, errors="surrogatepass"))
    assert {fault.path[1:] for fault in requested.faults} <= values.keys()
    if not requested.faults:
        str(requested.filter_queryset(Node.objects.all()).query)


def test_filters_are_documented() -> None:
    described = {each.name: each for each in NodeFilterSet.parameters()}
    assert list(described) == list(NodeFilterSet.base_filters)
    assert described["kind"].type == {"type": "string", "enum": list(KINDS)}
    assert described["name"].type == {"type": "string", "maxLength": 10}
    assert described["version"].type == {"type": "integer", "minimum": 1, "maximum": 9}
    assert described["caseSensitive"].type == {"type": "boolean"}
    assert described["kind"].description == "Nodes of this kind."
    assert RequiredFilterSet.parameters()[0].required


def test_the_faults_of_page_and_filters_are_reported_together(hub: Hub) -> None:
    answer = hub.clients["DPO"].get(f"{hub.path}/consent-logs", query={"page": "x", "type": "X"})
    assert (answer.status, answer.paths) == (400, {"/page", "/type"})
