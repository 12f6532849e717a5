"""Every operation of the published contract, walked one by one."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.urls import Resolver404, resolve

from contacthub_project.api import BASE_PATH
from contacthub_project.api.operations import Operation, contract
from tests.client import ApiClient
from tests.contract.document import document
from tests.contract.missing import MISSING
from tests.factories import Hub

ALL = [operation for methods in contract().values() for operation in methods.values()]
BUILT = [operation for operation in ALL if (operation.method, operation.path) not in MISSING]
GUARDED = [operation for operation in BUILT if not operation.is_public]
IN_WORKSPACE = [operation for operation in GUARDED if "{workspaceId}" in operation.path]
WITH_ID = [
    operation
    for operation in GUARDED
    if set(re.findall(r"{(\w+)}", operation.path)) - {"workspaceId"}
]
UNKNOWN_ID = "019aa0c2-0000-7000-8000-000000000000"
ROLES = [
    "CLAB_OPERATOR", "ADMIN", "USER", "GUEST", "DPO", "PLATFORM_UPDATES",
    "TRUSTED_APPLICATION", "UNTRUSTED_APPLICATION",
]  # fmt: skip


def name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def repr_short(value: str) -> str:
    return repr(value)[:40]


def filled(template: str, **ids: Any) -> str:
    """A path of the template; parameters that are not given become unknown ids."""
    return re.sub(r"{(\w+)}", lambda match: str(ids.get(match[1], uuid.uuid4())), template)


def call(client: ApiClient, operation: Operation, path: str) -> Any:
    body = {} if operation.method in {"POST", "PUT", "PATCH"} else None
    if body is None:
        return client.request(operation.method, path)
    return client.request(operation.method, path, body)


def client_of(hub: Hub, operation: Operation) -> ApiClient:
    """A client that may call the operation."""
    role = next(role for role in ROLES if operation.allows(frozenset({role})))
    return hub.clients[role]


def is_routed(operation: Operation) -> bool:
    try:
        match = resolve(BASE_PATH + filled(operation.path))
    except Resolver404:
        return False
    return match.url_name == operation.path and operation.method.lower() in match.func.actions


@pytest.mark.parametrize("operation", BUILT, ids=name)
def test_refuses_a_host_that_is_not_allowed(hub: Hub, operation: Operation) -> None:
    client = ApiClient(client_of(hub, operation).token if operation in GUARDED else None)
    path = filled(operation.path, workspaceId=hub.workspace.id)
    for host in ("evil.example", "testserver.evil.example", "testserver@evil.example", "a b"):
        response = client.request(operation.method, path, Host=host)
        assert response.status == 400, (host, response.content)
        assert set(response.json) == {"message", "logref", "data", "errors"}
        assert "Host" in response["message"]


def test_the_contract_has_125_operations() -> None:
    assert sum(not operation.is_addition for operation in ALL) == 125


def test_what_is_missing_is_what_the_table_says() -> None:
    unrouted = {(operation.method, operation.path) for operation in ALL if not is_routed(operation)}
    assert unrouted == MISSING


@pytest.mark.parametrize("operation", BUILT, ids=name)
def test_is_documented(operation: Operation) -> None:
    described = document()["paths"][operation.path][operation.method.lower()]
    assert described["summary"] == operation.summary
    assert described["tags"] == [operation.tag]
    assert described["responses"]
    for role in operation.roles - {"public"}:
        assert role in described["description"]


@pytest.mark.parametrize("operation", GUARDED, ids=name)
def test_refuses_no_token(operation: Operation, hub: Hub) -> None:
    answer = call(ApiClient(), operation, filled(operation.path, workspaceId=hub.workspace.id))
    assert answer.status == 401
    assert answer["message"] == "The client is not authorized to access the API"


@pytest.mark.parametrize("operation", GUARDED, ids=name)
def test_refuses_an_unknown_token(operation: Operation, hub: Hub) -> None:
    path = filled(operation.path, workspaceId=hub.workspace.id)
    for token in ("chs_unknown", "unknown"):
        assert call(ApiClient(token), operation, path).status == 401


@pytest.mark.parametrize("operation", GUARDED, ids=name)
def test_refuses_wrong_roles(operation: Operation, hub: Hub) -> None:
    path = filled(operation.path, workspaceId=hub.workspace.id)
    for role in ROLES:
        if not operation.allows(frozenset({role})):
            answer = call(hub.clients[role], operation, path)
            assert answer.status == 403, role
            assert_error_format(answer.json)


@pytest.mark.parametrize("operation", IN_WORKSPACE, ids=name)
def test_refuses_tokens_of_another_workspace(operation: Operation, hub: Hub) -> None:
    stranger = Hub()
    for role in ROLES:
        if role == "CLAB_OPERATOR" or not operation.allows(frozenset({role})):
            continue
        answer = call(
            stranger.clients[role], operation, filled(operation.path, workspaceId=hub.workspace.id)
        )
        assert answer.status == 403, role
        assert answer["message"] == f"workspace not found: {hub.workspace.id}"


@pytest.mark.parametrize("operation", IN_WORKSPACE, ids=name)
@pytest.mark.parametrize("workspace_id", [UNKNOWN_ID, "no-uuid", "%00"])
def test_refuses_unknown_workspaces(operation: Operation, workspace_id: str, hub: Hub) -> None:
    path = filled(operation.path, workspaceId=workspace_id)
    answer = call(client_of(hub, operation), operation, path)
    assert answer.status == 403
    assert answer["message"] == f"workspace not found: {workspace_id}"


@pytest.mark.parametrize("operation", WITH_ID, ids=name)
@pytest.mark.parametrize("unknown", [UNKNOWN_ID, "no-uuid", "a\0b", "x" * 3000], ids=repr_short)
def test_answers_404_for_unknown_ids(operation: Operation, unknown: str, hub: Hub) -> None:
    path = re.sub(
        r"{(\w+)}",
        lambda match: str(hub.workspace.id) if match[1] == "workspaceId" else unknown,
        operation.path,
    )
    answer = call(client_of(hub, operation), operation, path)
    assert answer.status == 404
    assert_error_format(answer.json)


@pytest.mark.parametrize("operation", BUILT, ids=name)
def test_says_which_methods_there_are(operation: Operation, hub: Hub) -> None:
    path = filled(operation.path, workspaceId=hub.workspace.id)
    assert operation.method in ApiClient().request("OPTIONS", path).headers["Allow"]
    refused = ApiClient().request("BREW", path)
    assert refused.status == 405
    assert operation.method in refused.headers["Allow"]


def assert_error_format(body: dict[str, Any]) -> None:
    assert set(body) == {"message", "logref", "data", "errors"}
    assert body["message"]
    uuid.UUID(body["logref"])
    for error in body["errors"]:
        assert set(error) == {"path", "message", "code", "data"}
