"""What holds for every answer of the server."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import OperationalError

from configuration.models import Workspace
from contacthub_project.api.exception_handler import answer
from contacthub_project.web.handlers import ApiHandler
from tests.client import Answer, ApiClient
from tests.factories import Hub

ERROR_KEYS = {"message", "logref", "data", "errors"}


def assert_error(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert set(answer.json) == ERROR_KEYS
    assert answer.headers["Content-Type"] == "application/json"
    uuid.UUID(answer["logref"])


@pytest.mark.parametrize("path", ["/nope", "/workspaces/", "/workspaces//customers", "/%2e%2e"])
def test_unknown_paths(path: str, db: None) -> None:
    assert_error(ApiClient().get(path), 404)


@pytest.mark.parametrize("path", ["/", "/nope", "/hub", "/static/nope.js", "/admin/nope"])
def test_unknown_pages(path: str, db: None) -> None:
    response = ApiClient().get(path, absolute=True)
    assert response.status in {302, 404}


def test_malformed_and_foreign_bodies(hub: Hub) -> None:
    path = f"{hub.path}/customers"
    assert_error(hub.trusted.post(path, raw=b'{"nodeId":'), 400)
    assert_error(hub.trusted.post(path, raw=b"[1]"), 400)
    assert_error(hub.trusted.post(path), 400)
    assert_error(hub.trusted.post(path, raw=b"a=b", content_type="text/plain"), 415)
    assert_error(hub.trusted.post(path, {}, content_type="application/x-www-form-urlencoded"), 415)
    assert hub.trusted.post(path, {}, content_type="application/json; charset=utf-8").status == 400
    assert hub.trusted.post(path, {}, content_type="application/hal+json").status == 400


def test_too_large_bodies(hub: Hub) -> None:
    body = {"nodeId": str(hub.node.id), "extra": "x" * 65_536}
    assert_error(hub.trusted.post(f"{hub.path}/customers", body), 413)
    assert_error(hub.trusted.post(f"{hub.path}/customers", raw=b" " * 2_000_000), 413)


def test_wrong_methods_name_the_right_ones(hub: Hub) -> None:
    response = hub.trusted.put(f"{hub.path}/customers", {})
    assert_error(response, 405)
    assert response.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_an_unexpected_failure_reveals_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("grace@example.com")

    monkeypatch.setattr("customers.api.viewsets.customers.CustomerViewSet.list", fail)
    response = hub.trusted.get(f"{hub.path}/customers")
    assert_error(response, 500)
    assert b"grace" not in response.content  # no hexadecimal digits of a logref


def test_a_database_that_is_away_is_503() -> None:
    response = answer(OperationalError("connection to ... failed"))
    assert response.status_code == 503
    assert response["Retry-After"] == "1"


def test_tracing_ids_are_echoed_or_made(db: None) -> None:
    given = ApiClient().get("/me", X_Tracing_ID="order-17")
    assert given.headers["X-Tracing-ID"] == "order-17"
    for hostile in ("a b", "x\r\nSet-Cookie: a", "x" * 129, ""):
        made = ApiClient().get("/me", X_Tracing_ID=hostile).headers["X-Tracing-ID"]
        uuid.UUID(made)


def test_cors_is_open(db: None) -> None:
    assert ApiClient().get("/me").headers["Access-Control-Allow-Origin"] == "*"
    preflight = ApiClient().request(
        "OPTIONS",
        "/workspaces/x/customers",
        Origin="https://shop.example",
        Access_Control_Request_Method="PATCH",
        Access_Control_Request_Headers="authorization, contactlab-clientid",
    )
    assert preflight.status == 200
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    for header in (
        "authorization", "contactlab-clientid", "x-http-method-override", "accept",
        "idempotency-key",
    ):  # fmt: skip
        assert header in preflight.headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", ["/health", "/models/analytics/event-categories"])
@pytest.mark.parametrize("header", ["Bearer unknown", "Basic abc", "Bearer"])
def test_public_operations_look_at_no_token(path: str, header: str, db: None) -> None:
    assert ApiClient().get(path, Authorization=header).status == 200


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html,*/*;q=0.8", None])
def test_the_openapi_document_is_json(accept: str | None, db: None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = ApiClient().get("/openapi.json", absolute=True, **headers)
    assert response.status == 200
    assert response.json["openapi"].startswith("3.1")
    assert "json" in response.headers["Content-Type"]


def test_method_override(hub: Hub) -> None:
    path = f"{hub.path}/status"
    overridden = hub.operator.post(path, {"status": "SUSPENDED"}, X_HTTP_Method_Override="PUT")
    assert overridden.status == 200
    assert Workspace.objects.get(id=hub.workspace.id).status == "SUSPENDED"
    assert_error(hub.operator.post(path, {}, X_HTTP_Method_Override="TRACE"), 405)
    # Only a POST can be something else.
    assert hub.operator.get(path, X_HTTP_Method_Override="PUT").status == 405


def test_etags(hub: Hub) -> None:
    created = hub.post_customer()
    assert created.headers["ETag"] == '"1"'
    path = f"{hub.path}/customers/{created['id']}"
    read = hub.trusted.get(path)
    assert read.headers["ETag"] == '"1"'
    unchanged = hub.trusted.get(path, If_None_Match='"1"')
    assert (unchanged.status, unchanged.content) == (304, b"")
    assert hub.trusted.get(path, If_None_Match='"7", "8"').status == 200


@pytest.mark.parametrize("tag", ['"99"', "zero", '"-1"', '"9999999999999999999999"'])
def test_stale_writes(hub: Hub, tag: str) -> None:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    body = hub.admin.get(path).json
    assert_error(hub.admin.put(path, body, If_Match=tag), 412)
    assert_error(hub.admin.delete(path, If_Match=tag), 412)
    # What changes nothing raises no version.
    assert hub.admin.put(path, body, If_Match='"1"').headers["ETag"] == '"1"'
    body["name"] = "Another name"
    assert hub.admin.put(path, body, If_Match='"1"').status == 200
    assert_error(hub.admin.put(path, body, If_Match='"1"'), 412)
    assert hub.admin.put(path, body, If_Match="*").status == 200


@pytest.mark.parametrize(
    "header", ["Basic abc", "Bearer", "Bearer ", "Token x", "Bearer a b", "Bearer \ud800", "Bearer " + "x" * 5000]
)  # fmt: skip
def test_strange_authorization_headers(header: str, db: None) -> None:
    response = ApiClient().get("/me", Authorization=header)
    assert_error(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("size", ["-1", "x", "101", "1.0", "9" * 30, " ", "١"])
def test_wrong_paging(hub: Hub, size: str) -> None:
    query = {"nodeId": hub.node.id, "size": size, "page": "-1"}
    response = hub.trusted.get(f"{hub.path}/customers", query=query)
    assert_error(response, 400)
    assert response.paths == {"/size", "/page"}


def test_configuration_lists_have_fifty_pages_of_fifty(hub: Hub) -> None:
    path = f"{hub.configuration}/nodes/entries"
    assert hub.admin.get(path, query={"page": 50, "size": 50})["elements"] == []
    assert_error(hub.admin.get(path, query={"page": 51}), 400)
    assert_error(hub.admin.get(path, query={"size": 51}), 400)
    page = hub.admin.get(path, query={"size": 1})["page"]
    assert page == {
        "size": 1, "totalElements": 2, "totalUnfilteredElements": 2, "totalPages": 2, "number": 0,
    }  # fmt: skip
    assert hub.admin.get(path, query={"size": 0})["page"]["totalPages"] == 0


def test_health(db: None) -> None:
    response = ApiClient().get("/health")
    assert response.status == 200
    assert response["database"] == response["redis"] == {"status": "UP"}
    assert response["status"] in {"UP", "DEGRADED"}


def test_only_health_responds_without_https(hub: Hub, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    client = ApiClient(hub.trusted.token, ApiHandler())
    assert client.get("/health").status == 200
    assert_error(client.get("/me"), 403)
    assert_error(client.post(f"{hub.path}/customers", {}), 403)
    assert client.get("/me", X_Forwarded_Proto="https").status == 403, "no proxy is trusted"


def test_pages_carry_security_headers(db: None) -> None:
    page = ApiClient().get("/admin/login/", absolute=True)
    assert page.status == 200
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_documentation_needs_no_network(path: str, db: None) -> None:
    page = ApiClient().get(path, absolute=True)
    assert page.status == 200
    assert b"https://cdn" not in page.content
    assert b"jsdelivr" not in page.content
