"""Requests that a machine makes up from our OpenAPI document: no 5xx, and answers as described."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contacthub_project.api.operations import contract
from contacthub_project.api.parameters import DATE_FORMAT
from contacthub_project.core.date_format import DateFormat
from tests.analytics.test_answers import post_event
from tests.factories import Hub
from tests.wsgi import application


def described() -> Any:
    """Our OpenAPI document, as a machine reads it."""
    return schemathesis.openapi.from_wsgi(
        "/openapi.json", application, headers={"Accept": "application/json"}
    )


CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]


def checks_of(case: schemathesis.Case) -> list[Any]:
    """DELETE of a customer answers clients that name the node with nothing, and others with `{}`.

    OpenAPI cannot tell the two apart, as they have the same status.
    """
    if case.operation.definition.raw["operationId"] == "delete_customer" and "nodeId" in (
        case.query or {}
    ):
        return [not_a_server_error, status_code_conformance]
    return CHECKS


def ask_for_rfc_3339(case: schemathesis.Case) -> None:
    """Moments with +0000 are no `date-time` to a validator; test_date_formats compares them."""
    if case.headers and case.headers.get(DATE_FORMAT) == DateFormat.OFFSET:
        case.headers[DATE_FORMAT] = DateFormat.ZULU.value


OPERATIONS = [found.ok() for found in described().get_all_operations()]
EXAMPLES = 5


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_made_up_requests(operation: Any, mode: GenerationMode, hub: Hub) -> None:
    headers = {"Authorization": f"Bearer {hub.operator.token}"}
    known = ids_of(hub)

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode), st.randoms(use_true_random=False))
    def ask(case: schemathesis.Case, chance: Any) -> None:
        for name in case.path_parameters or {}:
            # Mostly what there is: everything else is answered 403 or 404 at once.
            if name in known and chance.random() < 0.9:
                case.path_parameters[name] = known[name]
        ask_for_rfc_3339(case)
        response = case.call(headers=headers)
        case.validate_response(response, checks=checks_of(case), headers=headers)

    try:
        ask()
    except Unsatisfiable:
        pytest.skip("there is no wrong way to ask this")


def ids_of(hub: Hub) -> dict[str, Any]:
    """What path parameters can name; made once for a hub."""
    if not hasattr(hub, "ids"):
        customer = hub.post_customer(externalId="e")["id"]
        event = post_event(hub, customer, "loggedIn", "WEB", "2026-01-01T00:00:00Z")
        hub.ids = {  # type: ignore[attr-defined]
            "workspaceId": str(hub.workspace.id), "nodeId": str(hub.node.id),
            "customerId": customer, "sourceId": str(hub.source.id),
            "eventType": "viewedPage", "baseProperty": "contacts.fax", "name": "contacts.fax",
            "id": event,
        }  # fmt: skip
    return hub.ids  # type: ignore[attr-defined]


def test_every_operation_is_tried() -> None:
    assert len(OPERATIONS) >= sum(len(methods) for methods in contract().values())
