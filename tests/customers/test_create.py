from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from customers.models import Change, ConsentLogEntry, Customer
from tests.client import Answer, ApiClient
from tests.factories import Hub, make_node, make_source

EMAIL = {"contacts": {"email": "ada@example.com"}}


def test_a_new_customer_is_returned_whole(hub: Hub) -> None:
    created = hub.post_customer(
        externalId="7",
        base={**EMAIL, "firstName": "Ada", "dob": "1815-12-10",
              "likes": [{"id": "l", "createdTime": "2019-08-24T16:15:22+0200"}]},
        consents={"marketing": {"automatic": {"email": {"status": True}}}},
        tags={"manual": ["a", "a"]},
        extra="x",
    )  # fmt: skip
    assert created.status == 201
    customer = created.json
    assert set(customer) == {
        "id", "intId", "externalId", "nodeId", "base", "consents", "extended", "extra", "tags",
        "enabled", "registeredAt", "updatedAt", "version", "deleted", "sourceInfo",
    }  # fmt: skip
    assert customer["base"]["contacts"] == {
        "email": "ada@example.com", "fax": None, "mobilePhone": None, "phone": None,
        "otherContacts": [], "mobileDevices": [],
    }  # fmt: skip
    assert customer["base"]["address"] is None
    assert customer["base"]["likes"][0]["createdTime"] == "2019-08-24T14:15:22.000Z"
    assert customer["tags"] == {"auto": [], "manual": ["a"]}
    assert customer["sourceInfo"] == {
        "registeredBy": str(hub.source.id),
        "updatedBy": str(hub.source.id),
    }
    assert (customer["version"], customer["deleted"], customer["enabled"]) == (1, 0, True)
    assert hub.trusted.get(f"{hub.path}/customers/{customer['id']}").json == customer


def test_a_second_post_of_one_person_merges(hub: Hub) -> None:
    first = hub.post_customer(base={**EMAIL, "firstName": "Ada"}, tags={"manual": ["a"]})
    merged = hub.post_customer(
        base={"contacts": {"email": "ADA@example.com"}, "lastName": "L"}, tags={"manual": ["b"]}
    )
    assert (first.status, merged.status) == (201, 200)
    assert merged["id"] == first["id"]
    assert merged["base"]["firstName"] == "Ada"
    assert merged["tags"]["manual"] == ["a", "b"]
    assert merged["version"] == 2
    assert merged.headers["ETag"] == '"2"'


def test_a_post_that_changes_nothing_writes_nothing(hub: Hub) -> None:
    first = hub.post_customer(base={**EMAIL, "jobs": [{"companyName": "A"}]})
    again = hub.post_customer(base={**EMAIL, "jobs": [{"companyName": "A"}]})
    assert again.status == 200
    assert again.json == first.json
    assert Change.objects.count() == 1


def test_every_write_is_in_the_feed_and_each_changed_consent_in_the_log(hub: Hub) -> None:
    given = {"marketing": {"automatic": {"sms": {"status": True, "objection": False}}}}
    created = hub.post_customer(base=EMAIL, consents=given)
    withdrawn = {"marketing": {"automatic": {"sms": {"status": False}}}}
    hub.post_customer(hub.admin, base=EMAIL, consents=withdrawn)
    assert list(Change.objects.order_by("id").values_list("operation", "entity_id")) == [
        ("CREATE", _uuid(created["id"])),
        ("UPDATE", _uuid(created["id"])),
    ]
    lines = ConsentLogEntry.objects.order_by("id")
    sms = "consents.marketing.automatic.sms"
    assert [(line.type, line.property, line.value) for line in lines] == [
        ("CONSENT_OBJECTED", f"{sms}.objection", "false"),
        ("CONSENT_CHANGED", f"{sms}.status", "true"),
        ("CONSENT_CHANGED", f"{sms}.status", "false"),
    ]
    assert lines[0].source_id == hub.source.id
    assert lines[2].source_id is None
    assert lines[2].user_id is not None


def test_nodes_know_people_apart(hub: Hub) -> None:
    here = hub.post_customer(base=EMAIL)
    there = hub.post_customer(base=EMAIL, nodeId=str(hub.other_node.id))
    assert (here.status, there.status) == (201, 201)
    assert here["id"] != there["id"]


def test_a_policy_of_several_properties(hub: Hub) -> None:
    node = make_node(hub.workspace, unique_properties=["externalId", "base.lastName"])
    _, token = make_source(hub.workspace, [node])
    client, path = ApiClient(token), f"{hub.path}/customers"
    body = {"nodeId": str(node.id), "externalId": "1", "base": {"lastName": "L"}}
    assert client.post(path, body).status == 201
    assert client.post(path, body).status == 200
    assert client.post(path, {**body, "externalId": "2"}).status == 201
    missing = client.post(path, {"nodeId": str(node.id)})
    assert missing.status == 400
    assert missing.paths == {"/externalId", "/base/lastName"}


def test_mandatory_properties(hub: Hub) -> None:
    node = make_node(hub.workspace, mandatory_properties=["base.firstName", "base.jobs"])
    _, token = make_source(hub.workspace, [node])
    body = {"nodeId": str(node.id), "base": {**EMAIL, "firstName": ""}}
    refused = ApiClient(token).post(f"{hub.path}/customers", body)
    assert refused.status == 400
    assert refused.paths == {"/base/firstName", "/base/jobs"}


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"nodeId": None}, {"/nodeId"}),
        ({"nodeId": 5}, {"/nodeId"}),
        ({"base": {"firstName": 1, "nope": 1}}, {"/base/firstName", "/base/nope", "/base/contacts/email"}),
        ({"base": {"firstName": "x" * 256, **EMAIL}}, {"/base/firstName"}),
        ({"base": {"address": {"street": "x" * 501, "city": "x" * 256}, **EMAIL}}, {"/base/address/street", "/base/address/city"}),
        ({"base": {"pictureUrl": "JavaScript:alert(1)", "dob": "1815-13-01", "locale": "x", **EMAIL}}, {"/base/pictureUrl", "/base/dob", "/base/locale"}),
        ({"base": {"timezone": "Mars/Base", "contacts": {"email": "nobody"}}}, {"/base/timezone", "/base/contacts/email"}),
        ({"base": {"likes": [{"id": "1"}, {"id": 2, "createdTime": "soon"}], **EMAIL}}, {"/base/likes/1/id", "/base/likes/1/createdTime"}),
        ({"base": {"subscriptions": [{"id": "-x"}], **EMAIL}}, {"/base/subscriptions/0/id"}),
        ({"base": {"address": {"geo": {"lat": 1}}, **EMAIL}}, {"/base/address/geo/lon"}),
        ({"base": EMAIL, "tags": {"manual": ["x" * 600, "y" * 401]}}, {"/tags/manual"}),
        ({"base": EMAIL, "consents": {"marketing": {"email": True}}}, {"/consents/marketing/email"}),
        ({"base": EMAIL, "extended": {"unknown": 1}}, {"/extended/unknown"}),
        ({"base": EMAIL, "enabled": "yes", "extra": 1, "id": "x"}, {"/enabled", "/extra", "/id"}),
        ({"base": None}, {"/base/contacts/email"}),
    ],
)  # fmt: skip
def test_all_faults_of_a_body_are_named(hub: Hub, body: dict[str, Any], paths: set[str]) -> None:
    refused = hub.post_customer(**({"base": {}} | body))
    assert refused.status == 400
    assert refused["message"] == "source customer is not valid"
    assert refused.paths >= paths if "nodeId" in body else refused.paths == paths
    assert not Customer.objects.exists()


def test_limits_hold_for_what_is_stored_too(hub: Hub) -> None:
    hub.post_customer(base=EMAIL, tags={"manual": ["x" * 600]})
    refused = hub.post_customer(base=EMAIL, tags={"manual": ["y" * 600]})
    assert refused.status == 400
    assert refused.paths == {"/tags/manual"}


@pytest.mark.parametrize("value", ["x" * 255, "💜" * 255, "a\tb\u2028c", "'; DROP TABLE x; --", "{}"])  # fmt: skip
def test_text_comes_back_as_it_went_in(hub: Hub, value: str) -> None:
    created = hub.post_customer(base={**EMAIL, "firstName": value}, extra=value, externalId=value)
    assert created.status == 201
    read = hub.trusted.get(f"{hub.path}/customers/{created['id']}")
    assert (read["base"]["firstName"], read["extra"], read["externalId"]) == (value,) * 3


def test_nodes_that_are_not_there_or_not_granted(hub: Hub) -> None:
    assert hub.post_customer(nodeId="no-uuid").status == 404
    assert hub.post_customer(nodeId=str(Hub().node.id)).status == 404
    ungranted = make_node(hub.workspace)
    assert hub.post_customer(nodeId=str(ungranted.id)).status == 403
    assert hub.post_customer(hub.admin, nodeId=str(ungranted.id)).status == 201


def test_an_untrusted_source_gets_back_only_what_it_wrote(hub: Hub) -> None:
    known = {"base": {**EMAIL, "firstName": "Ada"}, "extra": "secret", "externalId": "a-1"}
    first = hub.post_customer(**known)
    merged = hub.post_customer(hub.untrusted, base={**EMAIL, "lastName": "L"})
    assert merged["id"] == first["id"]
    assert merged["base"]["lastName"] == "L"
    assert merged["base"]["firstName"] is None
    assert merged["extra"] is None
    assert b"secret" not in merged.content
    query = {"nodeId": hub.node.id, "externalId": "a-1"}
    listed = hub.untrusted.get(f"{hub.path}/customers", query=query)
    assert [element["id"] for element in listed["elements"]] == [first["id"]]
    assert b"Ada" not in listed.content
    assert hub.untrusted.get(f"{hub.path}/customers/{first['id']}").status == 403


def test_concurrent_posts_of_one_person_give_one_customer(live_hub: Hub) -> None:
    answers: list[Answer] = []

    def post(number: int) -> None:
        try:
            tags = {"manual": [f"tag{number}"]}
            answers.append(live_hub.post_customer(base=EMAIL, tags=tags))
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] * 15 + [201]
    customer = Customer.objects.get()
    assert sorted(customer.tags["manual"]) == sorted(f"tag{number}" for number in range(16))
    assert customer.version == 16
    assert Change.objects.count() == 16


def _uuid(text: str) -> Any:
    import uuid

    return uuid.UUID(text)


def test_nobody_grows_without_end_by_merging(hub: Hub) -> None:
    def more(number: int, **others: Any) -> dict[str, Any]:
        schools = [
            {"id": f"{number}-{index}", "schoolName": "s" * 255, "schoolConcentration": "c" * 255}
            for index in range(90)
        ]
        return {"base": EMAIL | {"educations": schools}, **others}

    path = f"{hub.path}/customers"
    answers = [hub.trusted.post(path, more(number, nodeId=str(hub.node.id))) for number in range(6)]
    assert [answer.status for answer in answers] == [201, 200, 200, 200, 200, 413]
    assert "262144 bytes" in answers[-1]["message"]
    customer = Customer.objects.get()
    assert customer.version == 5
    assert len(customer.base["educations"]) == 5 * 90
    one = f"{path}/{customer.id}"
    assert hub.trusted.patch(one, {"base": {"subscriptions": [
        {"id": f"{number}", "subscribed": True, "subscriberId": "x" * 255} for number in range(120)
    ]}}).status == 413  # fmt: skip
    assert Change.objects.filter(entity_id=customer.id).count() == 5
    assert hub.trusted.patch(one, {"base": {"educations": None}}).status == 200
    assert hub.trusted.post(path, more(9, nodeId=str(hub.node.id))).status == 200
