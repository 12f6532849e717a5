"""What a GET has answered can be written back: it is taken, and nothing changes."""

from __future__ import annotations

from typing import Any

import pytest

from contacthub_project.api.operations import Operation, contract
from customers.models import Change, Customer
from tests.client import Answer, ApiClient
from tests.contract.test_operations import client_of, filled
from tests.factories import Hub, make_user

READ_AND_PUT = {
    path: methods
    for path, methods in contract().items()
    if "GET" in methods
    and "PUT" in methods
    and not path.startswith("/workspaces/{workspaceId}/status")
}
EMAIL = {"contacts": {"email": "ada@example.com"}}
FORMS_OF_MOMENTS = ["{}Z", "{}+00:00", "{}+0000"]


def resource(hub: Hub, path: str) -> str:
    """The path of a resource that is there, with as many properties as it can have."""
    extended = {
        "code": {"type": "string", "label": "Code", "maxLength": 10, "indexed": True},
        "box": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}}},
        "list": {"type": "array", "items": {"type": "string"}},
    }
    configuration = hub.configuration
    if path.endswith("/properties/extended"):
        made = filled(path, workspaceId=hub.workspace.id, eventType="viewedPage")
        assert hub.operator.put(made, extended).status == 200
        return made
    if path.endswith(("/retention-policy", "/retention-policy/enabled")):
        months = {"viewedPage": {"months": 3}}
        assert hub.operator.put(f"{configuration}/retention-policy", months).status == 200
        own = f"{configuration}/nodes/entries/{hub.node.id}/retention-policy"
        assert hub.operator.put(own, {"searched": {"months": 1}}).status == 200
    policies = {
        "consent-policy": {"viewedPage": ["profiling.online"]},
        "payload-size": {"viewedPage": {"maxBytes": 80000}},
        "products/update-policy": {"eventTypes": ["viewedProduct"]},
        "throttling": {"maxRequestsPerMinute": 100000},
    }
    for name, policy in policies.items():
        if path.endswith(f"/configuration/{name}"):
            assert hub.operator.put(f"{configuration}/{name}", policy).status == 200
    return filled(path, workspaceId=hub.workspace.id, eventType="viewedPage", **ids(hub, path))


def ids(hub: Hub, path: str) -> dict[str, Any]:
    """The ids that the parameters of a path need."""
    if "/events/{id}" in path:
        event = {
            "customerId": customer(hub)["id"], "type": "viewedPage", "context": "WEB",
            "properties": {"title": "T"}, "contextInfo": {"client": {"ip": "10.0.0.1"}},
            "tracking": {"ga": {"utm_source": "x"}}, "externalId": "e", "date": "2025-01-01",
        }  # fmt: skip
        return {"id": hub.trusted.post(f"{hub.path}/events", event)["id"]}
    if "{customerId}" in path:
        items = {"educations": "e", "jobs": "j", "likes": "l"}
        item = next((items[name] for name in items if f"/{name}/" in path), None)
        return {"customerId": customer(hub)["id"], "propertyId": "news", "itemId": item}
    if "{aggregateNodeId}" in path:
        filters = [{"type": "atomic", "attribute": "base.firstName", "operator": "IS_NULL"}]
        node = {
            "name": "All", "description": "d", "imageUrl": "https://x.it/a.png",
            "entryNodes": [str(hub.node.id), str(hub.other_node.id)],
            "matchingProperties": {"properties": ["base.contacts.email"], "caseSensitive": True},
            "exclusionFilters": filters,
        }  # fmt: skip
        made = hub.admin.post(f"{hub.configuration}/nodes/aggregates", node)
        assert made.status == 201, made.content
        return {"aggregateNodeId": made["id"]}
    if "{sourceId}" in path:
        source = {
            "provider": "API", "name": "S", "description": "d", "nodes": [str(hub.node.id)],
            "properties": {"allowedIPs": ["10.0.0.0/8"]}, "enabled": False,
        }  # fmt: skip
        return {"sourceId": hub.admin.post(f"{hub.configuration}/sources", source)["id"]}
    if "{segmentId}" in path:
        query = {"query": {"type": "simple", "are": {"condition": {
            "type": "atomic", "attribute": "base.firstName", "operator": "IS_NOT_NULL"}}}}  # fmt: skip
        segment = {
            "name": "S", "description": "d", "owner": "o", "tags": ["t"], "query": query,
            "nodeId": str(hub.node.id), "type": "DYNAMIC",
        }  # fmt: skip
        return {"segmentId": hub.admin.post(f"{hub.path}/segments", segment)["id"]}
    if "{requestId}" in path:
        request = {"type": "ACCESS", "receivedOn": "2025-11-20", "subject": "A letter", "note": "n"}
        made = hub.clients["DPO"].post(f"{hub.path}/data-protection/requests", request)
        return {"requestId": made["id"]}
    if "{webhookId}" in path:
        webhook = {
            "name": "W", "url": "https://hooks.example/", "nodes": [str(hub.node.id)],
            "entities": ["EVENT"], "operations": ["CREATE"], "eventTypes": ["viewedPage"],
            "fields": ["properties"], "state": "PAUSED",
        }  # fmt: skip
        return {"webhookId": hub.operator.post(f"{hub.path}/webhooks", webhook)["id"]}
    if "/users/{id}" in path:
        user = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "W"})
        return {"id": user.id}
    return {"nodeId": hub.node.id}


def customer(hub: Hub) -> Answer:
    path = f"{hub.configuration}/properties/extended"
    assert hub.operator.put(path, {"code": {"type": "string"}}).status == 200
    created = hub.post_customer(
        externalId="c-1", extended={"code": "x"}, tags={"manual": ["a"]}, extra="e",
        consents={"marketing": {"automatic": {"sms": {"status": True}}}},
        base={
            **EMAIL, "firstName": "Ada", "jobs": [{"id": "j", "jobTitle": "x"}],
            "educations": [{"id": "e", "schoolName": "x"}],
            "likes": [{"id": "l", "createdTime": "2025-11-25T08:50:05.248Z"}],
            "subscriptions": [{"id": "news", "subscribed": True, "preferences": [{"key": "k", "value": "v"}]}],
        },
    )  # fmt: skip
    assert created.status == 201, created.content
    # So that it has been updated by somebody, later than it was registered.
    changed = hub.admin.patch(f"{hub.path}/customers/{created['id']}", {"extra": "f"})
    assert changed.status == 200
    return changed


def caller(hub: Hub, methods: dict[str, Operation]) -> ApiClient:
    """Somebody who may read and write the resource."""
    both = [role for role in hub.clients if all(
        methods[method].allows(frozenset({role})) for method in ("GET", "PUT")
    )]  # fmt: skip
    return hub.clients[both[0]] if both else client_of(hub, methods["PUT"])


@pytest.mark.parametrize("date_format", ["Z", "+0000"])
@pytest.mark.parametrize("path", READ_AND_PUT)
def test_what_was_read_is_put_back(hub: Hub, path: str, date_format: str) -> None:
    methods = READ_AND_PUT[path]
    client = caller(hub, methods)
    place = resource(hub, path)
    before = client.get(place, X_Date_Format=date_format)
    assert before.status == 200, before.content
    changes = Change.objects.count()
    answer = client.put(place, before.json, X_Date_Format=date_format)
    # PUT of an event is answered before it has been done (reference: Modify event).
    assert answer.status == (202 if "/events/{id}" in path else 200), answer.content
    after = client.get(place, X_Date_Format=date_format)
    assert after.json == before.json
    assert after.headers.get("ETag") == before.headers.get("ETag")
    assert Change.objects.count() == changes
    if answer.status == 200:
        assert answer.json == before.json, "the answer is the resource"


def moments_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [found for child in value.values() for found in moments_in(child)]
    if isinstance(value, list):
        return [found for child in value for found in moments_in(child)]
    return [value] if isinstance(value, str) and value.endswith("Z") and value[:2] == "20" else []


def with_moments_as(value: Any, form: str) -> Any:
    """The value with its moments in another form."""
    if isinstance(value, dict):
        return {name: with_moments_as(child, form) for name, child in value.items()}
    if isinstance(value, list):
        return [with_moments_as(child, form) for child in value]
    return form.format(value[:-1]) if moments_in(value) else value


@pytest.mark.parametrize("form", FORMS_OF_MOMENTS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_moments_are_compared_as_moments(hub: Hub, method: str, form: str) -> None:
    known = customer(hub)
    body = with_moments_as(known.json, form)
    assert len(moments_in(known.json)) == 5
    path = f"{hub.path}/customers" + ("" if method == "POST" else f"/{known['id']}")
    answer = hub.trusted.request(method, path, body)
    assert (answer.status, answer.json) == (200, known.json)


def test_epoch_milliseconds_are_moments_too(hub: Hub) -> None:
    known = customer(hub)
    path = f"{hub.path}/customers/{known['id']}"
    at = Customer.objects.get(id=known["id"]).registered_at
    milliseconds = int(at.timestamp() * 1000)
    assert hub.trusted.patch(path, {"registeredAt": milliseconds}).json == known.json
    wrong = hub.trusted.patch(path, {"registeredAt": milliseconds + 1})
    assert (wrong.status, wrong.paths) == (400, {"/registeredAt"})


@pytest.mark.parametrize("path", ["users/{}", "sources/{}"])
def test_configuration_in_other_spellings(hub: Hub, path: str) -> None:
    """UUIDs in any case, moments with any offset."""
    template = f"/workspaces/{{workspaceId}}/configuration/{path}".replace(
        "{}", "{id}" if "users" in path else "{sourceId}"
    )
    place = resource(hub, template)
    before = hub.admin.get(place)
    body = with_moments_as(before.json, "{}+0000")
    if isinstance(body["id"], str):
        body["id"] = body["id"].upper()
    assert hub.admin.put(place, body).status == 200
    assert hub.admin.get(place).json == before.json


def test_a_customer_as_it_was_read_is_posted(hub: Hub) -> None:
    known = customer(hub)
    changes = Change.objects.count()
    answer = hub.trusted.post(f"{hub.path}/customers", known.json)
    assert (answer.status, answer.json) == (200, known.json)
    assert Change.objects.count() == changes
    changed = known.json | {
        "extra": "g",
        "version": 99,
        "deleted": "x",
        "intId": {},
        "id": known["id"].upper(),
    }
    answer = hub.trusted.post(f"{hub.path}/customers", changed)
    assert (answer.status, answer["extra"], answer["version"]) == (200, "g", known["version"] + 1)
    assert Customer.objects.count() == 1


@pytest.mark.parametrize("client", ["TRUSTED_APPLICATION", "UNTRUSTED_APPLICATION"])
def test_a_customer_with_the_id_of_another_is_refused(hub: Hub, client: str) -> None:
    ada = customer(hub)
    other = hub.post_customer()
    send = hub.clients[client]
    for wrong in (other["id"], "x", 7, [], "\u0660" * 36, {"a": 1}, False):
        answer = send.post(
            f"{hub.path}/customers", {"nodeId": ada["nodeId"], "id": wrong, "base": EMAIL}
        )
        assert (answer.status, answer.paths) == (400, {"/id"}), wrong
    # Nobody is made under an id that the client has thought of.
    newcomer = {
        "nodeId": ada["nodeId"],
        "id": ada["id"],
        "base": {"contacts": {"email": "new@example.com"}},
    }
    answer = send.post(f"{hub.path}/customers", newcomer)
    assert (answer.status, answer.paths) == (400, {"/id"})
    assert Customer.objects.count() == 2
    assert send.post(f"{hub.path}/customers", newcomer | {"id": None}).status == 201


def test_without_a_node_only_the_node_is_missing(hub: Hub) -> None:
    body = {name: value for name, value in customer(hub).json.items() if name != "nodeId"}
    answer = hub.trusted.post(f"{hub.path}/customers", body)
    assert (answer.status, answer.paths) == (400, {"/nodeId"})


def test_a_node_whose_retention_is_put_back_goes_on_following_the_workspace(hub: Hub) -> None:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/retention-policy"
    workspace = f"{hub.configuration}/retention-policy"
    assert hub.operator.put(path, hub.operator.get(path).json).status == 200
    assert hub.operator.put(workspace, {"viewedPage": {"months": 7}}).status == 200
    assert hub.operator.get(path)["viewedPage"] == {"months": 7}
    # What is said of one type only is the node's own, also when it is the same.
    assert hub.operator.put(path, {"viewedPage": {"months": 7}}).status == 200
    assert hub.operator.put(workspace, {"viewedPage": {"months": 8}}).status == 200
    assert hub.operator.get(path)["viewedPage"] == {"months": 7}


def test_what_does_change_raises_the_version(hub: Hub) -> None:
    for path, body in (
        (f"{hub.configuration}/payload-size", {"viewedPage": {"maxBytes": 80000}}),
        (f"{hub.configuration}/consent-policy", {"viewedPage": ["profiling.online"]}),
        (f"{hub.configuration}/retention-policy", {"viewedPage": {"months": 5}}),
        (f"{hub.configuration}/nodes/{hub.node.id}/retention-policy", {"enabled": False}),
        (f"{hub.configuration}/products/update-policy", {"eventTypes": []}),
        (f"{hub.configuration}/events/viewedPage", {"enabled": False}),
        (f"{hub.configuration}/properties/extended", {"a": {"type": "string"}}),
        (f"{hub.configuration}/sources/{hub.source.id}", {"nodes": [str(hub.node.id)]}),
    ):
        before = hub.operator.get(path)
        assert hub.operator.put(path, body).status == 200
        assert hub.operator.get(path).headers["ETag"] != before.headers["ETag"], path
