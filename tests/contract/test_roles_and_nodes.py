"""Every operation, by sets of roles and permissions of a node: a role lends its reach only to the
operations that name it.

What should be allowed is worked out here from the tables of operations and the list below, not
by the product's own code.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from configuration.queries.principals import principal_of_user
from contacthub_project import api
from contacthub_project.api.operations import contract
from tests.analytics.test_answers import post_event
from tests.client import Answer, ApiClient
from tests.contract.test_operations import filled
from tests.factories import Hub, make_token, make_user

PERSONAL_ROLES = ("CLAB_OPERATOR", "ADMIN", "USER", "GUEST", "DPO", "PLATFORM_UPDATES")
NEEDS_NO_GRANT = {"CLAB_OPERATOR", "ADMIN", "DPO", "PLATFORM_UPDATES"}
WORKSPACE = "/workspaces/{workspaceId}"
CUSTOMER = WORKSPACE + "/customers/{customerId}"
CONFIGURATION = WORKSPACE + "/configuration"
JOBS = WORKSPACE + "/nodes/{nodeId}/bulk-jobs"
ENTRY = CONFIGURATION + "/nodes/entries/{nodeId}"
PROTECTION = WORKSPACE + "/data-protection/customers/{customerId}"
EITHER = "RW"

# The permission that each operation asks for in the node it speaks of; EITHER means one of the two.
NODE_BOUND = {
    ("GET", WORKSPACE + "/customers"): "R",
    ("POST", WORKSPACE + "/customers"): "W",
    ("GET", CUSTOMER): "R",
    ("PATCH", CUSTOMER): "W",
    ("PUT", CUSTOMER): "W",
    ("DELETE", CUSTOMER): "W",
    ("POST", CUSTOMER + "/subscriptions"): "W",
    ("GET", CUSTOMER + "/subscriptions/{propertyId}"): "R",
    ("PUT", CUSTOMER + "/subscriptions/{propertyId}"): "W",
    ("DELETE", CUSTOMER + "/subscriptions/{propertyId}"): "W",
    **{
        (method, CUSTOMER + f"/{name}{item}"): permission
        for name in ("educations", "jobs", "likes")
        for method, item, permission in (
            ("GET", "", "R"),
            ("POST", "", "W"),
            ("GET", "/{itemId}", "R"),
            ("PUT", "/{itemId}", "W"),
            ("DELETE", "/{itemId}", "W"),
        )
    },
    ("GET", CUSTOMER + "/sessions"): "R",
    ("POST", CUSTOMER + "/sessions"): "W",
    ("GET", CUSTOMER + "/sessions/{sessionId}"): "R",
    ("DELETE", CUSTOMER + "/sessions/{sessionId}"): "W",
    ("GET", CUSTOMER + "/entry-customers"): "R",
    ("GET", CUSTOMER + "/consents"): "R",
    ("GET", CUSTOMER + "/history"): "R",
    ("GET", CUSTOMER + "/identities"): "R",
    ("GET", CUSTOMER + "/segments"): "R",
    ("POST", WORKSPACE + "/segments"): "W",
    ("POST", WORKSPACE + "/segments/preview"): "R",
    ("GET", CUSTOMER + "/stats/event-category-distribution"): "R",
    ("GET", CUSTOMER + "/stats/buying-behaviors"): "R",
    ("GET", PROTECTION + "/export"): "R",
    ("GET", PROTECTION): "R",
    ("POST", PROTECTION + "/restriction"): "W",
    ("POST", CUSTOMER + "/restore"): "W",
    ("POST", CUSTOMER + "/merge"): "W",
    ("POST", CUSTOMER + "/undo"): "W",
    ("GET", WORKSPACE + "/merges/{mergeId}"): "R",
    ("GET", WORKSPACE + "/nodes/{nodeId}/duplicates"): "R",
    ("GET", WORKSPACE + "/nodes/{nodeId}/pins"): "R",
    ("PUT", WORKSPACE + "/nodes/{nodeId}/pins/{customerId}"): "W",
    ("DELETE", WORKSPACE + "/nodes/{nodeId}/pins/{customerId}"): "W",
    ("POST", WORKSPACE + "/nodes/{nodeId}/duplicates/{duplicateId}/dismiss"): "W",
    ("POST", WORKSPACE + "/nodes/{nodeId}/duplicates/{duplicateId}/reopen"): "W",
    ("POST", WORKSPACE + "/merges/{mergeId}/undo"): "W",
    ("DELETE", PROTECTION): "W",
    ("GET", PROTECTION + "/erasure-plan"): "W",
    ("GET", WORKSPACE + "/events"): "R",
    ("GET", WORKSPACE + "/events/live"): "R",
    ("POST", WORKSPACE + "/events"): "W",
    ("GET", WORKSPACE + "/events/{id}"): "R",
    ("PUT", WORKSPACE + "/events/{id}"): "W",
    ("PATCH", WORKSPACE + "/events/{id}"): "W",
    ("DELETE", WORKSPACE + "/events/{id}"): "W",
    ("GET", WORKSPACE + "/nodes/{nodeId}/export"): "R",
    ("GET", WORKSPACE + "/nodes/{nodeId}/import-template"): "R",
    ("POST", WORKSPACE + "/nodes/{nodeId}/exports"): "R",
    ("GET", WORKSPACE + "/nodes/{nodeId}/exports/{exportId}"): "R",
    ("DELETE", WORKSPACE + "/nodes/{nodeId}/exports/{exportId}"): "R",
    ("GET", WORKSPACE + "/nodes/{nodeId}/exports/{exportId}/file"): "R",
    ("GET", WORKSPACE + "/nodes/{nodeId}/send-source"): EITHER,
    ("GET", JOBS): "R",
    ("POST", JOBS): "W",
    ("GET", JOBS + "/{jobId}"): "R",
    ("DELETE", JOBS + "/{jobId}"): "W",
    ("GET", JOBS + "/{jobId}/results"): "R",
    ("GET", JOBS + "/{jobId}/report"): "R",
    ("GET", WORKSPACE + "/updates"): "R",
    ("GET", WORKSPACE + "/updates/last-offset"): "R",
    ("GET", WORKSPACE + "/data-quality"): "R",
    ("GET", WORKSPACE + "/stats/customers"): "R",
    ("GET", WORKSPACE + "/stats/customers/channels"): "R",
    ("GET", WORKSPACE + "/stats/customers/registrations"): "R",
    ("GET", WORKSPACE + "/stats/customers/updates"): "R",
    ("GET", WORKSPACE + "/stats/events/updates"): "R",
    ("GET", WORKSPACE + "/stats/events/types"): "R",
    ("GET", WORKSPACE + "/stats/events/kpi/purchases"): "R",
    ("GET", WORKSPACE + "/stats/events/kpi/ecommerce"): "R",
    ("GET", WORKSPACE + "/stats/events/kpi/web"): "R",
    ("GET", ENTRY): EITHER,
    ("PUT", ENTRY): EITHER,
    ("DELETE", ENTRY): EITHER,
    ("DELETE", ENTRY + "/data"): EITHER,
    ("GET", ENTRY + "/retention-policy"): EITHER,
    ("PUT", ENTRY + "/retention-policy"): EITHER,
    ("GET", ENTRY + "/retention-policy/enabled"): EITHER,
    ("PUT", ENTRY + "/retention-policy/enabled"): EITHER,
    ("GET", ENTRY + "/rekeying"): EITHER,
    ("GET", ENTRY + "/matching-rules"): EITHER,
    ("PUT", ENTRY + "/matching-rules"): EITHER,
    ("GET", ENTRY + "/unique-customer-matching-policy"): EITHER,
    ("PUT", ENTRY + "/unique-customer-matching-policy"): EITHER,
    ("GET", CONFIGURATION + "/nodes/{nodeId}/retention-policy"): EITHER,
    ("PUT", CONFIGURATION + "/nodes/{nodeId}/retention-policy"): EITHER,
}
# Operations that name a node, customer or event in their path, where no node is looked at: the
# whole workspace's, or of operators alone.
NOT_NODE_BOUND = {
    "{aggregateNodeId}", "{sourceId}", "{eventType}", "{planModel}", "{baseProperty}", "{name}",
    "{subscriberSourceId}", "{groupPk}", "{userdbId}", "{receiptId}", "{webhookId}", "{suppressionId}",
    "{quarantinedId}", "{requestId}", "{segmentId}",
}  # fmt: skip


def operations() -> Iterator[tuple[str, str, set[str]]]:
    for name in ("operations.json", "additions.json"):
        document = json.loads((Path(api.__file__).parent / name).read_text())
        for entry in document["operations"]:
            yield entry["method"], entry["path"], set(entry["roles"])


def all_sets_of_roles() -> Iterator[tuple[str, ...]]:
    for size in range(1, len(PERSONAL_ROLES) + 1):
        yield from itertools.combinations(PERSONAL_ROLES, size)


def sets_of_roles() -> list[tuple[str, ...]]:
    """The sets that are tried by requests."""
    ordinary = ("USER", "GUEST", "DPO", "PLATFORM_UPDATES")
    return [
        *itertools.combinations(ordinary, 1),
        *itertools.combinations(ordinary, 2),
        ordinary,
        ("ADMIN",),
        ("USER", "ADMIN", "DPO"),
        ("CLAB_OPERATOR",),
    ]


def is_allowed(roles: set[str], granted: str, named: set[str], permission: str | None) -> bool:
    """The rule, in one sentence: a role of the caller that the operation names, and either it
    needs no grant, or the node grants the permission."""
    if "any" in named or "public" in named:
        return True
    lending = roles & named
    if not lending:
        return False
    if permission is None or lending & NEEDS_NO_GRANT:
        return True
    return bool(set(granted) & set(permission))


class FilledNode:
    """A workspace with a customer, an event and a job in one node."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.customer = hub.post_customer(
            externalId="c-1",
            base={
                "contacts": {"email": "a@x.it"},
                "subscriptions": [{"id": "s", "subscribed": True}],
            },
        )["id"]
        self.event = post_event(
            hub, self.customer, "searched", "WEB", "2026-01-01T00:00:00Z", keyword="k"
        )
        path = f"{hub.path}/customers/{self.customer}/sessions"
        self.session = hub.trusted.post(path, {"value": "visit"})["id"]
        other = hub.post_customer(base={"contacts": {"email": "c@x.it"}})["id"]
        merged = hub.admin.post(
            f"{hub.path}/customers/{self.customer}/merge", {"customers": [other]}
        )
        self.ids = {
            "mergeId": merged["id"],
            "workspaceId": hub.workspace.id, "nodeId": hub.node.id, "customerId": self.customer,
            "id": self.event, "sessionId": self.session, "propertyId": "s",
            "eventType": "viewedPage",
        }  # fmt: skip

    def call(self, client: ApiClient, method: str, template: str) -> Answer:
        """The operation on the one node; what it did is undone."""
        node = str(self.hub.node.id)
        body: dict[str, Any] = {
            "type": "searched", "context": "WEB", "customerId": self.customer,
            "properties": {"keyword": "k"},
        }  # fmt: skip
        if template.endswith("/customers"):
            body = {"nodeId": node, "base": {"contacts": {"email": "b@x.it"}}}
        condition = {"type": "atomic", "attribute": "enabled", "operator": "IS_NOT_NULL"}
        query = {"query": {"type": "simple", "are": {"condition": condition}}}
        if template.endswith("/segments"):
            body = {"nodeId": node, "name": "All", "query": query}
        if template.endswith("/segments/preview"):
            body = {"nodeId": node, "query": query}
        path = filled(template, **self.ids)
        try:
            with transaction.atomic():
                sent = [path] if method in {"GET", "DELETE"} else [path, body]
                answer = client.request(method, *sent, query={"nodeId": node})
                raise _Rollback
        except _Rollback:
            return answer


class _Rollback(Exception):
    pass


def test_every_operation_is_judged() -> None:
    """A new operation under a node, a customer or an event has to be put into the list."""
    known = {(method, path) for method, path, _ in operations()}
    assert set(NODE_BOUND) <= known
    for method, path in known - set(NODE_BOUND):
        names = {f"{{{part.split('}')[0]}}}" for part in path.split("{")[1:]} - {"{workspaceId}"}
        in_configuration = "/users/" in path or "/consent-logs/" in path
        assert names <= NOT_NODE_BOUND or in_configuration, f"{method} {path}"


def test_operators_may_do_everything() -> None:
    """Their reach, all workspaces, is therefore lent to every operation."""
    for method, path, named in operations():
        assert named & {"CLAB_OPERATOR", "any", "public"}, f"{method} {path}"


@pytest.mark.parametrize("granted", ["", "R", "W", "RW"])
@pytest.mark.parametrize("roles", sets_of_roles(), ids="+".join)
def test_roles_reach_what_their_operations_say(
    roles: tuple[str, ...], granted: str, hub: Hub
) -> None:
    place = FilledNode(hub)
    grants = {hub.node: granted} if granted else {}
    client = ApiClient(make_token(make_user(*roles, workspaces=(hub.workspace,), grants=grants)))
    wrong = []
    for method, path, named in operations():
        permission = NODE_BOUND.get((method, path))
        answer = place.call(client, method, path)
        assert answer.status < 500, (method, path, answer.content)
        allowed = is_allowed(set(roles), granted, named, permission)
        if (answer.status != 403) != allowed:
            wrong.append((method, path, answer.status))
    assert wrong == []


@pytest.mark.parametrize("granted", [None, "R", "W", "RW"])
def test_every_set_of_roles_reaches_what_operations_say(granted: str | None, hub: Hub) -> None:
    """All sets, without requests: what a person's principal may do in each operation."""
    user = make_user(workspaces=(hub.workspace,), grants={hub.node: granted} if granted else {})
    for roles in all_sets_of_roles():
        user.roles = list(roles)
        user.save()
        principal = principal_of_user(user)
        for methods in contract().values():
            for operation in methods.values():
                named = set(operation.roles)
                if not operation.allows(principal.roles) or named & {"any", "public"}:
                    continue
                acting = operation.acted_in_by(principal)
                assert acting.roles == set(roles) & named
                for permission in ("R", "W"):
                    may = acting.may(permission, hub.node.id)
                    assert may == is_allowed(set(roles), granted or "", named, permission)
                    reaches_all = bool(set(roles) & named & NEEDS_NO_GRANT)
                    assert acting.may(permission, hub.other_node.id) == reaches_all


def test_lists_hold_what_the_roles_that_may_list_reach(hub: Hub) -> None:
    """Without naming a node, an operation speaks of all that the caller reaches in it."""
    hub.post_customer()
    hub.post_customer(nodeId=str(hub.other_node.id))

    def client(*roles: str) -> ApiClient:
        grants = {hub.node: "R"}
        return ApiClient(make_token(make_user(*roles, workspaces=(hub.workspace,), grants=grants)))

    def seen(client: ApiClient) -> tuple[int, int, int]:
        updates = client.get(f"{hub.path}/updates", query={"offset": 0})["updates"]
        counted = client.get(f"{hub.path}/stats/customers")["data"]["customers"]
        nodes = client.get(f"{hub.path}/stats/nodes")["elements"]
        return len(updates), int(counted), len(nodes)

    assert seen(client("USER")) == (1, 1, 1)
    assert seen(client("USER", "DPO")) == (1, 1, 1)
    # The feed is what PLATFORM_UPDATES is for; numbers are not.
    assert seen(client("USER", "PLATFORM_UPDATES")) == (2, 1, 1)
    assert seen(client("USER", "ADMIN")) == (2, 2, 2)


@pytest.mark.parametrize(
    ("roles", "permissions"),
    [
        (("USER", "DPO"), {"R"}),
        (("GUEST", "PLATFORM_UPDATES"), {"R"}),
        (("DPO",), {"R"}),
        (("ADMIN", "DPO"), {"RW"}),
    ],
)
def test_me_returns_permissions_without_roles_for_one_purpose(
    hub: Hub, roles: tuple[str, ...], permissions: set[str]
) -> None:
    user = make_user(*roles, workspaces=(hub.workspace,), grants={hub.node: "R"})
    me: Any = ApiClient(make_token(user)).get("/me").json
    assert me["roles"] == sorted(roles)
    nodes = me["groups"][0]["workspaces"][0]["nodes"]
    assert {node["permission"] for node in nodes} == permissions
    assert len(nodes) == (1 if permissions == {"R"} else 2)
