"""Identifiers of another workspace, in path, query and body, reach nothing there."""

from __future__ import annotations

from typing import Any

import pytest

from configuration.models import Node, Source
from contacthub_project.api.operations import Operation
from customers.models import Change, Customer
from events.models import Event
from tests.analytics.test_answers import post_event
from tests.client import ApiClient
from tests.contract.test_operations import IN_WORKSPACE, ROLES, filled, name
from tests.factories import Hub, make_node, make_source, make_token, make_user, make_workspace

SECRET = "only-they-know"


class OtherWorkspace:
    """Another workspace with one of everything, each named by a secret."""

    def __init__(self) -> None:
        hub = Hub(make_workspace(name=SECRET))
        self.node = make_node(hub.workspace, name=SECRET)
        operator = ApiClient(make_token(make_user("CLAB_OPERATOR")))
        body = {
            "nodeId": str(self.node.id), "externalId": SECRET,
            "base": {"contacts": {"email": f"{SECRET}@x.it"}, "firstName": SECRET},
        }  # fmt: skip
        self.customer = operator.post(f"{hub.path}/customers", body)["id"]
        hub.clients["TRUSTED_APPLICATION"] = operator
        self.event = post_event(hub, self.customer, "searched", "WEB", "2026-01-01T00:00:00Z",
                                keyword=SECRET)  # fmt: skip
        self.source, _ = make_source(hub.workspace, [self.node])
        operator.post(f"{hub.path}/customers/{self.customer}/sessions", {"value": SECRET})
        self.workspace = hub.workspace

    @property
    def ids(self) -> dict[str, Any]:
        return {
            "nodeId": self.node.id, "aggregateNodeId": self.node.id, "customerId": self.customer,
            "sourceId": self.source.id, "id": self.event, "sessionId": SECRET, "jobId": self.event,
            "exportId": self.event, "webhookId": self.event, "quarantinedId": self.event,
            "segmentId": self.event,
            "eventType": "viewedPage", "baseProperty": "jobs", "name": "jobs",
        }  # fmt: skip

    def state(self) -> Any:
        """Everything of theirs that a request could change."""
        mine = {"workspace_id": self.workspace.id}
        return (
            list(Customer.objects.filter(**mine).values_list("id", "version", "deleted", "base")),
            list(Event.objects.filter(**mine).values_list("id", "version", "properties")),
            list(
                Node.objects.filter(**mine).order_by("id").values_list("id", "name", "removed_at")
            ),
            list(
                Source.objects.filter(**mine)
                .order_by("id")
                .values_list("id", "enabled", "token_hash")
            ),
            Change.objects.filter(**mine).count(),
        )


@pytest.fixture
def other(hub: Hub) -> OtherWorkspace:
    return OtherWorkspace()


@pytest.mark.parametrize("operation", IN_WORKSPACE, ids=name)
def test_nothing_of_another_workspace_is_reached(
    operation: Operation, hub: Hub, other: OtherWorkspace
) -> None:
    before = other.state()
    node, customer = str(other.node.id), other.customer
    query = {
        "nodeId": node,
        "customerId": customer,
        "externalId": SECRET,
        "sourceId": str(other.source.id),
    }
    bodies = [
        {"nodeId": node, "customerId": customer, "externalId": SECRET, "base": {"firstName": "X"},
         "type": "loggedIn", "context": "WEB", "properties": {}},
        {"nodes": [node], "name": "X", "provider": "API"},
        {"nodes": [{"id": node, "permission": "RW"}]},
        {"name": "X", "entryNodes": [node], "matchingProperties": {"properties": ["externalId"]}},
        {"bringBackProperties": {"type": "SESSION_ID", "value": SECRET, "nodeId": node},
         "type": "loggedIn", "context": "WEB", "properties": {}},
        {"value": True, "enabled": False, "id": node, "sourcePriority": [str(other.source.id)]},
    ]  # fmt: skip
    ours = {"workspaceId": hub.workspace.id}
    # Their identifiers below our workspace; and ours, with theirs in query and body.
    paths = {
        filled(operation.path, **other.ids | ours),
        filled(operation.path, **{"nodeId": hub.node.id, "sourceId": hub.source.id} | ours),
    }
    for role in ROLES:
        if role == "CLAB_OPERATOR" or not operation.allows(frozenset({role})):
            continue
        for path in paths:
            given = bodies if operation.method in {"POST", "PUT", "PATCH"} else [None]
            for body in given:
                options: dict[str, Any] = {"query": query}
                arguments = [path] if body is None else [path, body]
                answer = hub.clients[role].request(operation.method, *arguments, **options)
                assert answer.status < 500, answer.content
                content = answer.content.decode()
                assert f"{SECRET}@x.it" not in content, (role, path, body)
                assert str(other.workspace.id) not in content
    assert other.state() == before
