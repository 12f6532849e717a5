"""No input whatever makes the server fail: every operation, with bodies and parameters gone wrong."""

from __future__ import annotations

import json
import re

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacthub_project.api.operations import Operation
from tests.client import ApiClient
from tests.contract.test_operations import BUILT, client_of, name
from tests.factories import Hub

KEYS = st.sampled_from(
    ["id", "name", "nodeId", "nodes", "provider", "properties", "uniqueCustomer", "caseSensitive",
     "enabled", "value", "state", "status", "base", "contacts", "email", "extended", "consents",
     "tags", "manual", "marketing", "externalId", "months", "events", "maxBytes", "viewedPage",
     "eventTypes", "type", "items", "format", "entryNodes", "matchingProperties", "conditions",
     "exclusionFilters", "attribute", "operator", "subscriptions", "jobs", "mergePolicy", "", "a.b"]
)  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False),
    st.text(max_size=20), st.sampled_from(["string", "atomic", "API", "CONTACTSEND", "base.dob", "R", "x" * 300]),
)  # fmt: skip
BODIES = st.dictionaries(
    KEYS,
    st.recursive(
        VALUES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)
        ),
        max_leaves=12,
    ),
    max_size=6,
)
RAW = st.one_of(BODIES.map(lambda body: json.dumps(body).encode()), st.binary(max_size=60))
PARAMETERS = st.dictionaries(
    st.sampled_from(["page", "size", "sort", "nodeId", "externalId", "mode", "name", "groupPk",
                     "search", "eventsOnly", "resolveReferences", "nodeType", "fields"]),
    st.text(max_size=12),
    max_size=4,
)  # fmt: skip


class _UndoneError(Exception):
    """Ends a transaction that must leave nothing behind."""


@pytest.mark.parametrize("operation", BUILT, ids=name)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), database=None)
@given(raw=RAW, query=PARAMETERS, header=st.text(max_size=10))
def test_never_fails(
    operation: Operation, hub: Hub, raw: bytes, query: dict[str, str], header: str
) -> None:
    ids = {
        "workspaceId": hub.workspace.id, "nodeId": hub.node.id, "sourceId": hub.source.id,
        "eventType": "viewedPage", "name": "title", "baseProperty": "address", "id": "1",
    }  # fmt: skip
    path = re.sub(r"{(\w+)}", lambda match: str(ids.get(match[1], "unknown")), operation.path)
    client = ApiClient() if operation.is_public else client_of(hub, operation)
    try:
        with transaction.atomic():
            answer = client.request(
                operation.method, path, raw=raw if operation.method in {"POST", "PUT", "PATCH"} else b"",
                query=query, If_Match=header, X_Tracing_ID=header, X_HTTP_Method_Override=header,
            )  # fmt: skip
            raise _UndoneError
    except _UndoneError:
        pass
    assert answer.status < 500, answer.content
    if answer.status >= 400:
        assert set(answer.json) == {"message", "logref", "data", "errors"}
