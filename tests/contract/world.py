"""The little world that the examples of the OpenAPI document are tried in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils import timezone

from bulkjobs.actions.exporting import write_exports
from configuration.models import SendUserDatabase, User, Workspace
from contacthub_project.runtime import health
from customers.actions.deliveries import deliver
from customers.actions.duplicates import find_duplicates
from customers.actions.refusals import recorder
from customers.models import (
    ConsentLogEntry,
    DuplicatePair,
    QuarantinedRequest,
    RefusalCount,
    SuppressedValue,
)
from segments.actions.refreshing import refresh_workspace
from segments.models import Member, MembershipChange
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
GIULIAS: list[dict[str, Any]] = [
    {
        "externalId": f"stand-{number}",
        "base": {
            "firstName": "Giulia",
            "lastName": "Neri",
            "contacts": {"email": email, **contacts},
        },
        "registeredAt": f"2025-0{number}-01T09:00:00.000Z",
    }
    for number, email, contacts in (
        (1, "giulia@example.com", {}),
        (2, "giulia@example.org", {"phone": "+39 02 1234567"}),
        (3, "gneri@example.net", {"phone": "02 1234567"}),
    )
]
DORA: dict[str, Any] = {"base": {"contacts": {"email": "dora@example.com"}}}
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
WEBHOOK: dict[str, Any] = {
    "name": "Newsletter tool",
    "url": "https://hooks.invalid/contacthub",
    "entities": ["CUSTOMER"],
    "fields": ["base.contacts.email"],
}
SEGMENTS: dict[str, dict[str, Any]] = {
    "segmentId": {
        "name": "With an e-mail address", "description": "Whom the newsletter could reach.",
        "tags": ["newsletter"],
        "query": {"name": "", "query": {"type": "simple", "are": {"condition": {
            "type": "atomic", "attribute": "base.contacts.email", "operator": "IS_NOT_NULL"}}}},
    },
    "recentSegmentId": {
        "name": "Seen in the last 30 days",
        "query": {"name": "", "query": {"type": "simple", "did": {
            "event": {"name": "viewedPage"}, "timeframe": {
                "type": "atomic", "attribute": "date", "operator": "GTE", "value": "now-30d"}}}},
    },
    "listSegmentId": {"name": "Invited to the opening", "type": "STATIC"},
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
            **self.forgotten(), **self.people(), **self.send_source(), **self.rekeyed_node(),
        }  # fmt: skip
        refresh_workspace(self.workspace.id)

    def refused_event(self) -> str:
        """The quarantined event of somebody who is no customer."""
        body = {
            "type": "viewedPage", "context": "WEB", "customerId": str(UUID(int=0)),
            "properties": {"title": "Autumn shoes"},
        }  # fmt: skip
        assert self.trusted.post(f"{self.path}/events", body).status == 404
        recorder.write()
        RefusalCount.objects.create(
            workspace_id=self.workspace.id, hour="2025-11-25T08:00:00Z", source_id=self.source.id,
            entity="EVENT", type="viewedPage", reason="UNKNOWN_CUSTOMER", count=17,
        )  # fmt: skip
        return str(QuarantinedRequest.objects.get(workspace_id=self.workspace.id).id)

    def webhook(self) -> str:
        """A webhook whose receiver was not found when it was to be told of all changes."""
        made = self.admin.post(f"{self.path}/webhooks", WEBHOOK)
        assert made.status == 201, made.content
        path = f"{self.path}/webhooks/{made['id']}/replay"
        assert self.admin.post(path, {"offset": 0}).status == 200
        deliver(seconds=20)
        webhook_id: str = made["id"]
        return webhook_id

    def data_subject_request(self, customer_id: str) -> str:
        """A request to know what is held of a customer."""
        made = self.clients["DPO"].post(
            f"{self.path}/data-protection/requests",
            {"type": "ACCESS", "receivedOn": "2025-11-20", "customerId": customer_id},
        )
        assert made.status == 201, made.content
        request_id: str = made["id"]
        return request_id

    def segments(self) -> dict[str, Any]:
        """A segment that somebody has entered, one of those who were seen, and a list."""
        found = {}
        for name, body in SEGMENTS.items():
            made = self.admin.post(f"{self.path}/segments", body | {"nodeId": str(self.node.id)})
            assert made.status == 201, made.content
            found[name] = made["id"]
        refresh_workspace(self.workspace.id)
        members = Member.objects.in_workspace(self.workspace.id)
        MembershipChange.objects.create(
            workspace_id=self.workspace.id, segment_id=found["segmentId"], node_id=self.node.id,
            customer_id=members.first().customer_id, has_entered=True, changed_at=timezone.now(),
        )  # fmt: skip
        return found

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
        corrected = self.wrongly_merged_customer(node)
        policy = f"{self.configuration}/nodes/entries/{node}/unique-customer-matching-policy"
        changed = self.admin.put(policy, {"properties": ["externalId"], "caseSensitive": False})
        assert changed.status == 200, changed.content
        return {"standNodeId": node, "correctedCustomerId": corrected, **self.merged(node)}

    def wrongly_merged_customer(self, node: str) -> str:
        """A customer to whom a POST has given another's name, with the history of that."""
        made = self.post_customer(self.operator, nodeId=node, **GINO)
        assert made.status == 201
        wrong = {**GINO, "base": GINO["base"] | {"firstName": "Lino"}}
        answer = self.post_customer(self.operator, nodeId=node, **wrong)
        assert (answer.status, answer["version"]) == (200, 2), answer.content
        return str(answer["id"])

    def merged(self, node: str) -> dict[str, Any]:
        """Two customers of a node who were merged, and one more of the same person."""
        ids = [
            str(self.post_customer(self.operator, nodeId=node, **each)["id"]) for each in GIULIAS
        ]
        path = f"{self.path}/customers/{ids[0]}/merge"
        merge = self.admin.post(path, {"customers": [ids[1]]})
        assert merge.status == 200, merge.content
        assert self.admin.put(self.configuration, {"findDuplicates": True}).status == 200
        assert find_duplicates(seconds=20)
        pair = DuplicatePair.objects.get(workspace_id=self.workspace.id, node_id=node)
        return {
            "mergeId": merge["id"], "survivorCustomerId": ids[0], "mergedCustomerId": ids[1],
            "duplicateCustomerId": ids[2], "duplicateId": str(pair.id),
        }  # fmt: skip

    def forgotten(self) -> dict[str, Any]:
        """The receipt of somebody who was there and is forgotten."""
        node = str(make_node(self.workspace, name="Winter market").id)
        created = self.post_customer(self.operator, nodeId=node, **DORA)
        assert created.status == 201, created.content
        path = f"{self.path}/data-protection/customers/{created['id']}"
        receipt = self.clients["DPO"].delete(path, query={"receipt": "true"})
        assert receipt.status == 200, receipt.content
        value = SuppressedValue.objects.get(workspace_id=self.workspace.id, kind="EMAIL")
        return {"receiptId": receipt["id"], "suppressionId": str(value.id)}

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
        write_exports(between_pieces=lambda: None)
        aggregate = make(self)
        activate(self, aggregate)
        draft = make(self, name="Draft")
        pin = f"{self.path}/nodes/{draft}/pins/{ada}"
        assert self.admin.put(pin, {"with": bruno}).status == 200
        return {
            "customerId": ada, "otherCustomerId": bruno, "sessionId": session, "eventId": event,
            "jobId": job, "exportId": export, "aggregateNodeId": aggregate,
            "draftAggregateNodeId": draft,
            "aggregateCustomerId": next(
                each["id"] for each in people(self, aggregate) if each["base"]["firstName"] == "Ada"
            ),
            "requestId": self.data_subject_request(ada),
            "consentLogId": ConsentLogEntry.objects.latest("id").id, "webhookId": self.webhook(),
            "quarantinedId": self.refused_event(),
            **self.segments(),
        }  # fmt: skip
