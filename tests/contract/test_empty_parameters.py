"""Parameters without a value (`mode=`) are not given, whichever operation and parameter it is."""

from __future__ import annotations

import pytest

from contacthub_project.api.operations import Operation
from tests.client import Answer
from tests.contract.document import document, parameters_of
from tests.contract.test_operations import BUILT, client_of, filled, name
from tests.factories import Hub


def query_parameters(operation: Operation) -> list[str]:
    described = document()["paths"][operation.path][operation.method.lower()]
    return [each["name"] for each in parameters_of(described) if each["in"] == "query"]


# The consent log, which a person's export holds, has every export: none is as the one before.
WITH_PARAMETERS = [
    each
    for each in BUILT
    if each.method == "GET" and query_parameters(each) and each.id != "export_customer"
]


def status_and_content(answer: Answer) -> tuple[int, object]:
    if not answer.content or "json" not in answer.headers["Content-Type"]:
        return answer.status, answer.content
    body = answer.json
    # Another in each answer: its reference, and the moment it holds for, which is now.
    always = dict.fromkeys({"logref", "at"} & body.keys()) if isinstance(body, dict) else {}
    return answer.status, {**body, **always} if always else body


def test_many_operations_are_looked_at() -> None:
    assert len(WITH_PARAMETERS) > 25
    assert {"offset", "wait"} <= {each for one in WITH_PARAMETERS for each in query_parameters(one)}


@pytest.mark.parametrize("operation", WITH_PARAMETERS, ids=name)
def test_empty_is_not_given(operation: Operation, hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    path = filled(
        operation.path,
        workspaceId=hub.workspace.id,
        nodeId=hub.node.id,
        customerId=customer,
        eventType="viewedPage",
    )
    client = client_of(hub, operation)
    parameters = query_parameters(operation)
    for shared in ({}, {"nodeId": hub.node.id}):
        expected = status_and_content(client.get(path, query=shared))
        empty = {each: "" for each in parameters if each not in shared}
        assert status_and_content(client.get(path, query=shared | empty)) == expected
        for each, value in empty.items():
            assert status_and_content(client.get(path, query=shared | {each: value})) == expected, (
                each
            )
        # Of several values the empty ones do not count.
        given = [("size", "3"), ("size", ""), *shared.items()]
        assert status_and_content(client.get(path, query=given)) == status_and_content(
            client.get(path, query=given[:1] + given[2:])
        )


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_empty_mode_and_session(hub: Hub, method: str) -> None:
    created = hub.post_customer(base={"contacts": {"email": "e@example.com"}, "firstName": "Ada"})
    path = f"{hub.path}/customers/{created['id']}"
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "e@example.com"}}}
    answer = hub.trusted.request(method, path, body, query={"mode": "", "sessionId": ""})
    assert (answer.status, answer["base"]["firstName"]) == (200, "Ada")
    assert hub.trusted.get(f"{path}/sessions")["elements"] == []
    assert hub.trusted.post(f"{hub.path}/customers", body, query="sessionId=").status == 200
    assert hub.trusted.get(f"{path}/sessions")["elements"] == []


@pytest.mark.parametrize("parameter", ["dateFrom", "dateTo"])
@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00+99:99", "2026-01-01T00:00:00-15:00"])
def test_offsets_that_are_nowhere(hub: Hub, parameter: str, moment: str) -> None:
    query = {"nodeId": hub.node.id, parameter: moment}
    answer = hub.trusted.get(f"{hub.path}/events", query=query)
    assert (answer.status, answer.paths) == (400, {f"/{parameter}"})
