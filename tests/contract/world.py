"""The little world that the examples of the OpenAPI document are tried in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from configuration.models import User, Workspace
from contacthub_project.runtime import health
from customers.models import ConsentLogEntry
from tests.analytics.test_answers import post_event
from tests.bulkjobs.test_jobs import process, upload
from tests.client import ApiClient
from tests.customers.test_aggregates import activate, make, people
from tests.customers.test_list_elements import LISTS
from tests.factories import Hub, make_node, make_source, make_token, make_user, make_workspace

ROLES = ("CLAB_OPERATOR", "ADMIN", "USER", "GUEST", "DPO", "PLATFORM_UPDATES")
ADA: dict[str, Any] = {
    "externalId": "shop-4711",
    "base": {
        "firstName": "Ada",
        "lastName": "Bianchi",
        "contacts": {"email": "ada@example.com", "mobilePhone": "+39 333 1234567"},
        "address": {"city": "Milano", "country": "IT"},
        "subscriptions": [{"id": "newsletter", "name": "Newsletter", "subscribed": True}],
    },
    "extended": {"loyaltyCard": "L-100"},
    "tags": {"manual": ["vip"]},
    "registeredAt": "2025-03-01T09:00:00.000Z",
}
BRUNO: dict[str, Any] = {
    "externalId": "till-0815",
    "base": {"firstName": "Bruno", "contacts": {"email": "bruno@example.com"}},
    "registeredAt": "2025-04-01T09:00:00.000Z",
}


@dataclass
class World(Hub):
    """A workspace whose names, texts and dates are the same in each run.

    `values` has the ids of its things, by the names of EXAMPLE_VALUES.
    """

    workspace: Workspace = field(default_factory=lambda: make_workspace(name="Acme", slug="acme"))

    def __post_init__(self) -> None:
        health.record_heartbeat()  # whether a test before has left a worker does not matter
        self.node = make_node(self.workspace, name="Web shop")
        self.other_node = make_node(self.workspace, name="Flagship store")
        nodes = [self.node, self.other_node]
        self.source, trusted = make_source(self.workspace, nodes, name="Shop backend")
        browser, untrusted = make_source(
            self.workspace, nodes, provider="JavaScript", name="Shop pages"
        )
        self.clients = {
            "TRUSTED_APPLICATION": ApiClient(trusted),
            "UNTRUSTED_APPLICATION": ApiClient(untrusted),
        }
        users: dict[str, User] = {}
        for role in ROLES:
            users[role] = make_user(
                role, workspaces=(self.workspace,), grants=dict.fromkeys(nodes, "RW"),
                username=f"{role.lower()}@acme.example",
            )  # fmt: skip
            self.clients[role] = ApiClient(make_token(users[role]))
        self.path = f"/workspaces/{self.workspace.id}"
        self.configuration = f"{self.path}/configuration"
        self.values: dict[str, Any] = {
            "workspaceId": str(self.workspace.id), "nodeId": str(self.node.id),
            "otherNodeId": str(self.other_node.id), "sourceId": str(self.source.id),
            "untrustedSourceId": str(browser.id), "userId": users["USER"].id,
            **self.people(),
        }  # fmt: skip

    def people(self) -> dict[str, Any]:
        """Customers with an event, a session, a consent and a job; aggregate nodes."""
        extended = {"loyaltyCard": {"type": "string", "label": "Loyalty card", "maxLength": 20}}
        place = f"{self.configuration}/properties/extended"
        assert self.operator.put(place, extended).status == 200
        lists = {name: [each] for name, each in LISTS.items()}
        ada = self.post_customer(**ADA | {"base": ADA["base"] | lists})["id"]
        bruno = self.post_customer(nodeId=str(self.other_node.id), **BRUNO)["id"]
        consents = {"marketing": {"automatic": {"email": {"status": True}}}}
        path = f"{self.path}/customers/{ada}"
        assert self.admin.patch(path, {"consents": consents}).status == 200
        session = self.trusted.post(f"{path}/sessions", {"value": "visit-1"})["id"]
        event = post_event(
            self, ada, "viewedPage", "WEB", "2025-11-01T10:00:00.000Z",
            title="Autumn shoes", url="https://shop.example/autumn",
        )  # fmt: skip
        job = upload(self, "base.contacts.email,base.firstName\ncarla@example.com,Carla\n")["id"]
        process(seconds=60)
        aggregate = make(self)
        activate(self, aggregate)
        return {
            "customerId": ada, "otherCustomerId": bruno, "sessionId": session, "eventId": event,
            "jobId": job, "aggregateNodeId": aggregate,
            "draftAggregateNodeId": make(self, name="Draft"),
            "aggregateCustomerId": next(
                each["id"] for each in people(self, aggregate) if each["base"]["firstName"] == "Ada"
            ),
            "consentLogId": ConsentLogEntry.objects.latest("id").id,
        }  # fmt: skip
