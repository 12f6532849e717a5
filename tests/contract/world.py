"""The little world that the examples of the OpenAPI document are tried in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bulkjobs.actions.exporting import write_exports
from configuration.models import SendUserDatabase, User, Workspace
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
GINO: dict[str, Any] = {
    "externalId": "stand-12",
    "base": {"firstName": "Gino", "contacts": {"email": "gino@example.com"}},
    "registeredAt": "2025-05-01T09:00:00.000Z",
}
GROUP, USER_DATABASE = 42, "117"  # the values of `groupPk` and `userdbId` in the document
SEND_SOURCE: dict[str, Any] = {
    "provider": "CONTACTSEND",
    "name": "Newsletters",
    "properties": {
        "userKey": "acme", "apiKey": "an-api-key", "userdbId": USER_DATABASE,
        "fieldMappings": [
            {"hubProperty": "base.contacts.email", "sendField": "EMAIL", "key": True},
            {"hubProperty": "base.firstName", "sendField": "NAME"},
        ],
        "subscriptionMappings": [
            {"hubSubscriptionId": "newsletter", "sendSystem": "weekly", "webformCode": None}
        ],
    },
}  # fmt: skip
SEND_USER_DATABASE: dict[str, Any] = {
    "name": "All readers",
    "fields": [{"id": "EMAIL", "type": "string"}, {"id": "NAME", "type": "string"}],
    "subscriptions": [{"id": "weekly", "name": "Weekly letter"}],
}


@dataclass
class World(Hub):
    """A workspace whose names, texts and dates are the same in each run.

    `values` has the ids of its things, by the names of EXAMPLE_VALUES.
    """

    workspace: Workspace = field(
        default_factory=lambda: make_workspace(name="Acme", slug="acme", group_pk=GROUP)
    )

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
            **self.people(), **self.send_source(), **self.rekeyed_node(),
        }  # fmt: skip

    def send_source(self) -> dict[str, Any]:
        """A source that is connected to a registered user database."""
        created = self.admin.post(
            f"{self.configuration}/sources", SEND_SOURCE | {"nodes": [str(self.node.id)]}
        )
        assert created.status == 201, created.content
        SendUserDatabase.objects.create(
            group_pk=GROUP, userdb_id=USER_DATABASE, **SEND_USER_DATABASE
        )
        return {"sendSourceId": created["id"]}

    def rekeyed_node(self) -> dict[str, Any]:
        """A node that no aggregate node has, and that recognises its customer in another way now."""
        node = str(make_node(self.workspace, name="Fair stand").id)
        assert self.post_customer(self.operator, nodeId=node, **GINO).status == 201
        policy = f"{self.configuration}/nodes/entries/{node}/unique-customer-matching-policy"
        changed = self.admin.put(policy, {"properties": ["externalId"], "caseSensitive": False})
        assert changed.status == 200, changed.content
        return {"standNodeId": node}

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
        exports = f"{self.path}/nodes/{self.node.id}/exports"
        export = self.trusted.post(exports, query={"fields": "externalId"})["id"]
        write_exports(meanwhile=lambda: None)
        aggregate = make(self)
        activate(self, aggregate)
        return {
            "customerId": ada, "otherCustomerId": bruno, "sessionId": session, "eventId": event,
            "jobId": job, "exportId": export, "aggregateNodeId": aggregate,
            "draftAggregateNodeId": make(self, name="Draft"),
            "aggregateCustomerId": next(
                each["id"] for each in people(self, aggregate) if each["base"]["firstName"] == "Ada"
            ),
            "consentLogId": ConsentLogEntry.objects.latest("id").id,
        }  # fmt: skip
